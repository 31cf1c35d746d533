"""What a person takes away: the dataset in any format, the labels, and a page on all photos."""

from __future__ import annotations

import base64
import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from digitprep import formats
from digitprep.archive import EPOCH
from digitprep.batch import Cleaned, to_splits
from digitprep.conformance import check, checkable
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError, UsageError
from digitprep.formats import FORMATS, Format, provenance
from digitprep.names import natural_key
from digitprep.opencv import cv2
from digitprep.report.photos import PhotoPage
from digitprep.serve.entries import Photo
from digitprep.serve.look import Look
from digitprep.spec import spec_name

SPLIT = "train"
DATASET = "digits"
LABELLED, ALL = "labelled", "all"


@dataclass(frozen=True)
class File:
    """What is downloaded, and what it is called."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Sample:
    """One digit of a photo: what became of it, as `clean` tells it, and where it is in the project."""

    photo: Photo
    key: str
    cleaned: Cleaned


def samples(photos: Iterable[tuple[Photo, Look]]) -> list[Sample]:
    """Each digit of each photo, in the natural order of the photos' names, with its label where it has one.

    What a person rejected has no image; what has none, has a reason.
    """
    found = []
    for photo, look in sorted(photos, key=lambda one: (natural_key(one[0].name), one[0].id)):
        if not look.told["samples"]:
            cleaned = Cleaned(_named(photo, ""), reason=look.told["reason"])
            found.append(Sample(photo, "", replace(cleaned, thumbnail=_pixels(look.told["thumbnail"]))))
        found += [Sample(photo, told["key"], _cleaned(photo, look, told)) for told in look.told["samples"]]
    return found


def _cleaned(photo: Photo, look: Look, told: dict[str, Any]) -> Cleaned:
    said = photo.sample(told["key"])
    return Cleaned(
        _named(photo, told["key"]),
        None if said.rejected else look.images.get(told["key"]),
        told["box"],
        _pixels(told["thumbnail"] or look.told["thumbnail"]),
        reason="left out by hand" if said.rejected else told["reason"],
        label=said.label,
        doubt=told["doubt"],
        digit=told["digit"],
        confidence=told["confidence"],
        file=(photo.name, photo.sha256),
    )


def labelled(samples: Iterable[Sample], which: str = LABELLED) -> list[Sample]:
    """The samples with an image and a label; of `all`, what is read stands in where nobody said one.

    Raises UsageError for another `which`.
    """
    if which not in (LABELLED, ALL):
        raise UsageError(f"the digits to take away are {LABELLED} or {ALL}, found {which!r:.100}")
    found = []
    for sample in samples:
        cleaned = sample.cleaned
        label = cleaned.digit if cleaned.label is None and which == ALL else cleaned.label
        if cleaned.image is not None and label is not None:
            found.append(replace(sample, cleaned=replace(cleaned, label=label)))
    return found


def split_of(samples: Iterable[Sample], pipeline: str) -> Split:
    """The samples as one split. Raises DataError where there is none, or their images differ in size."""
    refused: list[Cleaned] = []
    cleaned = (sample.cleaned for sample in samples)

    def seen(one: Cleaned) -> None:
        if one.image is None:
            refused.append(one)

    parts = to_splits(cleaned, SPLIT, pipeline, seen=seen)
    whole = Dataset.from_batches(parts)
    if refused:
        raise DataError(f"{refused[0].photo.name}: {refused[0].reason}")
    if SPLIT not in whole:
        raise DataError("no digit has a label yet; label some, or accept all that are not doubtful")
    return whole[SPLIT]


def dataset_file(split: Split, text: str, origin: provenance.Record) -> File:
    """A split in the format of that text: a file, or a zip of the folder that it makes.

    Raises UsageError where there is no such format, or it cannot be written.
    """
    chosen = FORMATS.parse(text)
    name = DATASET + next(iter(chosen.suffixes), "")
    with tempfile.TemporaryDirectory(prefix="digitprep-") as folder:
        path = Path(folder, name)
        formats.write(split, path, format=chosen, origin=origin)
        if path.is_file():
            return File(name, path.read_bytes())
        return File(f"{DATASET}-{spec_name(type(chosen))}.zip", _zipped(Path(folder)))


def written_formats() -> list[dict[str, str]]:
    """The formats that can be written, by name."""
    return [
        {"name": name, "summary": FORMATS.summary(name)}
        for name in sorted(FORMATS)
        if FORMATS[name].write is not Format.write
    ]


def origin_of(photos: list[Photo], pipeline: str) -> provenance.Record:
    """The provenance of a dataset that is made of these photos."""
    from digitprep import __version__

    files = provenance.Files()
    for photo in sorted(photos, key=lambda photo: (natural_key(photo.name), photo.id)):
        files.add(photo.name, photo.sha256)
    return provenance.record([files.record("photos")], __version__, pipeline=pipeline)


def labels_file(samples: Iterable[Sample]) -> File:
    """A table of files and labels, as `digitprep clean --labels` takes it."""
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["file", "label"])
    for sample in samples:
        said = sample.photo.sample(sample.key)
        if said.label is not None and not said.rejected:
            rows.writerow((sample.cleaned.photo.name, said.label))
    return File("labels.csv", table.getvalue().encode("utf-8", "surrogateescape"))


def report_file(samples: Iterable[Sample], title: str, pipeline: str) -> File:
    """The page that `digitprep clean --report` makes. Raises MissingExtra without jinja2."""
    page = PhotoPage()
    for sample in samples:
        image = sample.cleaned.image
        is_checked = image is not None and checkable(image[None])
        page.add(sample.cleaned, check(image).reasons if is_checked and image is not None else [])
    with tempfile.TemporaryDirectory(prefix="digitprep-") as folder:
        file = Path(folder, "report.html")
        page.write(file, title, {"pipeline": pipeline})
        return File("report.html", file.read_bytes())


def _named(photo: Photo, key: str) -> Path:
    """What a sample is called: as the photo, a page's with row and place."""
    stem, dot, suffix = photo.name.rpartition(".")
    return Path(f"{stem if dot else suffix}-{key}.png" if key else photo.name)


def _pixels(uri: str | None) -> Any:
    """The pixels of a picture in a data URI, in the order of RGB."""
    if uri is None:
        return None
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    pixels: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return pixels[..., ::-1]


def _zipped(folder: Path) -> bytes:
    """All files of a folder as a zip, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()
