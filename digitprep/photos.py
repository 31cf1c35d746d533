"""The one reader of the image files that people bring: upright, opaque, 8-bit, bounded in size.

Everything a camera, a scanner or a drawing program does to a file is undone here, so that no step
has to think of it: EXIF orientation, transparency, palettes, 16 bits a colour, CMYK, and pictures
far larger than a digit needs.
"""

from __future__ import annotations

import importlib
import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitprep.eightbit import eight_bit, opaque
from digitprep.errors import DataError, Unavailable
from digitprep.limits import LIMITS, Limits
from digitprep.memory import is_short_of_memory
from digitprep.names import UNREADABLE_SUFFIXES
from digitprep.shrink import shrunk_size
from digitprep.sources import Source, read_bytes
from digitprep.webp import webp_pixels

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "PPM", "TIFF", "WEBP")
# What a file of phones' HEIC and of its relatives says at byte 8; read by the extra "heic".
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")

LONGEST_PX = 1000
PILLOW = threading.Lock()  # its settings are the whole process's

ORIENTATION_TAG, EXIF_TAG, WIDTH_TAG, HEIGHT_TAG = 0x0112, 0x8769, 0xA002, 0xA003
SIDEWAYS, RIGHT_TO_LEFT, BOTTOM_UP = (5, 6, 7, 8), (2, 3, 6, 7), (3, 4, 7, 8)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo's pixels, and the size that it has upright in its file.

    pixels: (H, W) grey or (H, W, 3) RGB uint8, the longer side at most what was asked for
    """

    pixels: NDArray[np.uint8]
    height_px: int
    width_px: int

    def in_full(self, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """A box (x, y, width, height) in `pixels` -> the same in the photo as its file has it, upright."""
        across, down = self.width_px / self.pixels.shape[1], self.height_px / self.pixels.shape[0]
        x, y, width, height = box
        return (
            round(x * across),
            round(y * down),
            max(1, round(width * across)),
            max(1, round(height * down)),
        )


def load_photo(path: str | PathLike[str], longest_px: int = LONGEST_PX) -> NDArray[np.uint8]:
    """An image file -> (H, W) grey or (H, W, 3) RGB uint8, upright, opaque, longer side <= longest_px.

    Raises DataError for a file that is missing, truncated, no image or unreasonably large.
    """
    return read_photo(path, longest_px).pixels


def read_photo(
    source: Source | str | PathLike[str], longest_px: int = LONGEST_PX, limits: Limits = LIMITS
) -> Photo:
    """As `load_photo`, of any source of photos, with the photo's own size beside the pixels."""
    return decode_photo(read_bytes(source, limits.bytes), source, longest_px, limits)


def decode_photo(data: bytes, source: Source | str | PathLike[str], longest_px: int, limits: Limits) -> Photo:
    """The bytes of an image file -> what `read_photo` gives; `source` is named in errors.

    Raises DataError as that does, MemoryError where there is too little of it.
    """
    from PIL import Image, UnidentifiedImageError

    path, pixels = str(source), webp_pixels(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow only warns of, such as odd EXIF, can be read
            image = _heif(path, data) if _is_heif(data) else open_image(data, limits.pixels)
            pixels = image.width * image.height
            _check_pixels(path, image, limits.pixels)
            return _decode(image, data, longest_px)
    except (DataError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise DataError.of(
            path,
            expected=f"an image ({', '.join(FORMATS)})",
            found=_first_bytes(data),
            advice="save it as JPEG or PNG" if path.lower().endswith(UNREADABLE_SUFFIXES) else "",
        ) from None
    except Image.DecompressionBombError as error:  # raised at the header; its text starts with the number
        found = next(iter(re.findall(r"\d+", str(error))), "more")
        raise DataError.of(path, expected=f"at most {limits.pixels} pixels", found=found) from None
    except Exception as error:  # Pillow's decoders raise all kinds, down to struct.error and RuntimeError
        if is_short_of_memory(error, pixels):
            raise MemoryError(f"{path}: {error}") from error
        raise DataError.of(
            path,
            expected="a whole image",
            found=f"one that cannot be decoded ({error})",
            advice="it may be truncated: copy or download it again",
        ) from error


def open_image(data: bytes, most_pixels: int = LIMITS.pixels) -> Image.Image:
    """The image with its header read and nothing decoded.

    most_pixels: that are wanted; Pillow has a bound of its own, which gives way where it is lower
    """
    from PIL import Image

    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    with _allowing(most_pixels):
        return Image.open(io.BytesIO(data), formats=formats)


@contextmanager
def _allowing(pixels: int) -> Iterator[None]:
    """Pillow opens pictures of so many pixels, at least, while the block runs."""
    from PIL import Image

    with PILLOW:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None if before is None else max(before, pixels)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _is_heif(data: bytes) -> bool:
    # AVIF lies in the same container, sometimes under a brand of HEIF's, but names itself among the others.
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS and b"avi" not in data[16:64]


def _heif(path: str, data: bytes) -> Image.Image:
    """As `open_image`, by a package of its own, which turns the picture and says orientation 1."""
    try:
        heif: Any = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise Unavailable.of(
            path,
            expected=f"an image ({', '.join(FORMATS)})",
            found=f"HEIC, which needs the pillow-heif package ({error})",
            advice='pip install "digitprep[heic]", or save it as JPEG',
        ) from error
    image: Image.Image = heif.HeifImageFile(io.BytesIO(data))
    return image


def _check_pixels(path: str, image: Image.Image, most: int) -> None:
    width, height = image.size
    if width * height > most:
        raise DataError.of(path, expected=f"at most {most} pixels", found=f"{width} x {height}")


def _decode(image: Image.Image, data: bytes, longest_px: int) -> Photo:
    # A JPEG decodes at a half, a quarter or an eighth for a fraction of the time. Draft never goes
    # below the size asked for, which has the photo's shape, rounded down, lest one side rules out what
    # the other allows; other formats ignore it.
    full = width, height = image.size
    longest = max(full)
    least = max(1, width * longest_px // longest), max(1, height * longest_px // longest)
    reduced = image.draft(None, least)
    pixels = eight_bit(image, again=lambda: open_image(data))
    stored = full if reduced else image.size  # loading a TIFF turns it, and its size with it
    pixels = opaque(pixels.resize(shrunk_size(*stored, longest_px), resample=2, reducing_gap=2.0))  # bilinear
    orientation = _orientation(image, stored)
    width, height = stored[::-1] if orientation in SIDEWAYS else stored
    return Photo(_upright(np.asarray(pixels, dtype=np.uint8), orientation), height, width)


def _orientation(image: Image.Image, stored: tuple[int, int]) -> int:
    """EXIF orientation 1..8; a tag that is broken, zero, stale or missing means upright, 1."""
    try:
        tags = image.getexif()
        value = tags.get(ORIENTATION_TAG, 1)
    except Exception:  # however broken the tags are, the picture may be whole
        return 1
    if not isinstance(value, int) or not 1 <= value <= 8:
        return 1
    return 1 if value in SIDEWAYS and _turned_since(tags, *stored) else value


def _turned_since(tags: Image.Exif, width: int, height: int) -> bool:
    """Whether a program turned the pixels and left the camera's tags as they were.

    EXIF's PixelXDimension and PixelYDimension are the size that the camera stored. Pixels of just that
    shape with its sides exchanged have been turned a quarter since, scaled or not, and the orientation,
    which speaks of the pixels as the camera stored them, is stale. Where the tags are missing, the
    photo is square or has been cropped to another shape, nothing can be told. Nor can it for photos
    that stood on their head (3) or were mirrored: their shape is the same before and after.
    """
    try:
        camera = tags.get_ifd(EXIF_TAG)
        shape = camera[WIDTH_TAG] / camera[HEIGHT_TAG]
        as_stored, exchanged = width / height / shape, width / height * shape
    except Exception:
        return False
    return bool(abs(exchanged - 1) < 0.02 < abs(as_stored - 1))


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """(H, W, ...) as the camera stored it -> as the photographer saw it, contiguous."""
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in RIGHT_TO_LEFT:
        pixels = pixels[:, ::-1]
    if orientation in BOTTOM_UP:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _first_bytes(data: bytes) -> str:
    return f"a file that starts with {data[:12]!r}"
