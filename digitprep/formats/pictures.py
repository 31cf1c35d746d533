"""Image files as the samples of a split: decoded without loss, all of one size, in batches."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from digitprep.dataset import Images, Split, size_text
from digitprep.errors import DataError
from digitprep.formats.base import EMPTY_SHAPE, reading
from digitprep.formats.png import MOST_PIXELS, SIGNATURE, decode_png, plain_pixels
from digitprep.formats.png_batch import decode_alike
from digitprep.limits import LIMITS
from digitprep.names import PHOTO_SUFFIXES
from digitprep.photos import FORMATS as PILLOW_FORMATS
from digitprep.photos import open_image

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
AS_IT_IS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # and a pipe is not waited for
LINKS = "links are not followed; copy the files themselves, for instance with `cp -rL`"


@dataclass(frozen=True)
class Sample:
    """An image file's bytes and label; `file` is for messages and `name` is the sample's own."""

    file: str | Path
    name: str
    data: bytes
    label: int | None


def is_picture(name: str) -> bool:
    """Whether a file's name ends as an image's does."""
    return name.lower().endswith(PHOTO_SUFFIXES)


def read_sample(file: str | Path, name: str, label: int | None) -> Sample:
    """The sample in a file. Raises DataError for a link, for what is no file, and for one too large."""
    with reading(file):
        # One call with flags, where the system has them: asking pathlib first takes as long as all the rest.
        if not NO_LINK and Path(file).is_symlink():
            raise DataError.of(file, expected="an image file", found="a link", advice=LINKS)
        try:
            opened = os.open(file, os.O_RDONLY | NO_LINK | AS_IT_IS)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise DataError.of(file, expected="an image file", found="a link", advice=LINKS) from error
            raise
        try:
            data = _content(opened, file)
        finally:
            os.close(opened)
    return Sample(file, name, data, label)


def write_new(file: str, data: bytes) -> None:
    """Write a file that does not exist yet; for many small ones faster than pathlib."""
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | AS_IT_IS, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(opened, left) :]
    finally:
        os.close(opened)


def _content(opened: int, file: str | Path) -> bytes:
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        raise DataError.of(file, expected="an image file", found="something else")
    if status.st_size > LIMITS.bytes:
        raise DataError.of(file, expected=f"an image of at most {LIMITS.bytes:,} bytes", found="more")
    return os.read(opened, status.st_size)


def batches(
    samples: Iterable[Sample],
    name: str,
    batch: int,
    *,
    labelled: bool,
    class_names: tuple[str, ...] | None = None,
    decode: Callable[[bytes, str | Path], Images] | None = None,
) -> Iterator[Split]:
    """The samples of one split, as parts of `batch`; `labelled` tells of a split that has none.

    Raises DataError naming the file where an image is damaged, or of another size than the first.
    """
    iterator, first = iter(samples), None
    while chosen := list(islice(iterator, batch)):
        images = decode_alike(sample.data for sample in chosen)
        if images is None:
            images = _one_by_one(chosen, decode or decode_image, first)
        first = first or (chosen[0].name, images[0])
        _check_size(chosen[0], images[0], *first)
        labels = [sample.label for sample in chosen if sample.label is not None]
        names = tuple(sample.name for sample in chosen)
        yield Split(images, np.array(labels, np.int64) if labels else None, name, names, class_names)
    if first is None:
        none = np.empty(0, np.int64) if labelled else None
        yield Split(np.empty(EMPTY_SHAPE, np.uint8), none, name, (), class_names)


def _one_by_one(
    samples: list[Sample], decode: Callable[[bytes, str | Path], Images], first: tuple[str, Images] | None
) -> Images:
    images: list[Images] = []
    for sample in samples:
        image = decode(sample.data, sample.file)
        first = first or (sample.name, image)
        _check_size(sample, image, *first)
        images.append(image)
    return np.stack(images)


def decode_image(data: bytes, file: str | Path) -> Images:
    """The bytes of an image file -> (H, W) or (H, W, 3) uint8, upright as its EXIF says; nothing is lost.

    Raises DataError where the file is damaged, no image, or holds more than that: several frames,
    transparency, 16 bits, CMYK.
    """
    if data.startswith(SIGNATURE) or not data:
        return decode_png(data, file)
    from PIL import ImageOps  # only where it is needed, so that importing formats stays cheap

    try:
        with open_image(data) as image:
            if image.width * image.height > MOST_PIXELS:
                found = f"{image.width} x {image.height}"
                raise DataError.of(file, expected=f"at most {MOST_PIXELS:,} pixels", found=found)
            if getattr(image, "n_frames", 1) > 1:
                raise DataError.of(file, expected="one image", found="several frames")
            image.load()
            return plain_pixels(ImageOps.exif_transpose(image), file)
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        expected, found = f"an image ({', '.join(PILLOW_FORMATS)})", f"none that can be decoded ({error})"
        raise DataError.of(file, expected=expected, found=found) from error


def _check_size(sample: Sample, image: Images, first_name: str, first: Images) -> None:
    if image.shape != first.shape:
        expected = f"{size_text(first[None])}, the size of {first_name}"
        advice = "all images of a split have one size"
        raise DataError.of(sample.file, expected=expected, found=size_text(image[None]), advice=advice)
