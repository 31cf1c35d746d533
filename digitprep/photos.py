"""The one reader of the image files that people bring: upright, opaque, 8-bit, bounded in size.

Everything a camera, a scanner or a drawing program does to a file is undone here, so that no step
has to think of it: EXIF orientation, transparency, palettes, 16-bit grey, CMYK, and pictures far
larger than a digit needs.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import DataError
from digitprep.names import natural_key

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (
    ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg",
    ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
# Photos that cannot be read here: taken along, so that they are rejected aloud and not lost.
UNREADABLE_SUFFIXES = (".cr2", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".nef")
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "PPM", "TIFF", "WEBP")

LONGEST_PX = 1000
MAX_BYTES = 200_000_000
MAX_PIXELS = 150_000_000

ORIENTATION_TAG = 0x0112
SIDEWAYS, RIGHT_TO_LEFT, BOTTOM_UP = (5, 6, 7, 8), (2, 3, 6, 7), (3, 4, 7, 8)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo's pixels, and the size that it has upright in its file.

    pixels: (H, W) grey or (H, W, 3) RGB uint8, the longer side at most what was asked for
    """

    pixels: NDArray[np.uint8]
    height_px: int
    width_px: int


def load_photo(path: str | PathLike[str], longest_px: int = LONGEST_PX) -> NDArray[np.uint8]:
    """An image file -> (H, W) grey or (H, W, 3) RGB uint8, upright, opaque, longer side <= longest_px.

    Raises DataError for a file that is missing, truncated, no image or unreasonably large.
    """
    return read_photo(path, longest_px).pixels


def read_photo(path: str | PathLike[str], longest_px: int = LONGEST_PX) -> Photo:
    """As `load_photo`, with the photo's own size beside the pixels."""
    from PIL import Image, UnidentifiedImageError

    data = _bytes(Path(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow only warns of, such as odd EXIF, can be read
            image = Image.open(io.BytesIO(data), formats=_supported())
            _check_pixels(path, image)
            return _decode(image, longest_px)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError.of(
            path,
            expected=f"an image ({', '.join(FORMATS)})",
            found=_first_bytes(data),
            advice="save it as JPEG or PNG" if Path(path).suffix.lower() in UNREADABLE_SUFFIXES else "",
        ) from None
    except Image.DecompressionBombError:
        raise DataError.of(path, expected=f"at most {MAX_PIXELS} pixels", found="more") from None
    except Exception as error:  # Pillow's decoders raise all kinds, down to struct.error and RuntimeError
        raise DataError.of(
            path,
            expected="a whole image",
            found=f"one that cannot be decoded ({error})",
            advice="it may be truncated: copy or download it again",
        ) from error


def find_photos(paths: Iterable[str | PathLike[str]]) -> Iterator[Path]:
    """The image files among paths; a folder stands for all it holds, in natural order.

    A path that is no folder is always taken, even where there is nothing: reading it says so, and
    does not stop the others; the same goes for a folder inside that may not be entered. In folders,
    files of other kinds, hidden ones and hidden folders are passed over.
    """
    for path in map(Path, paths):
        if os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises for names that are too long)
            found = [path / name for name in _inside(path)]
            yield from sorted(found, key=lambda file: natural_key(file.relative_to(path).as_posix()))
        else:
            yield path


def _inside(folder: Path) -> Iterator[str]:
    """The names, relative to a folder, of the photos below it and of the folders that cannot be read."""
    unreadable: list[str] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in SUFFIXES + UNREADABLE_SUFFIXES and not name.startswith("."):
                yield os.path.relpath(Path(place, name), folder)
    yield from (os.path.relpath(name, folder) for name in unreadable)


def _unreadable(path: Path, error: Exception) -> DataError:
    """The error for a path that is missing, forbidden, too long or holds a null character."""
    return DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not data:
        raise DataError.of(path, expected="an image", found="an empty file")
    if len(data) > MAX_BYTES:
        raise DataError.of(path, expected=f"at most {MAX_BYTES} bytes", found="more")
    return data


def _supported() -> list[str]:
    """The formats taken here that this Pillow was built with."""
    from PIL import Image

    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_pixels(path: str | PathLike[str], image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError.of(path, expected=f"at most {MAX_PIXELS} pixels", found=f"{width} x {height}")


def _decode(image: Image.Image, longest_px: int) -> Photo:
    # A JPEG decodes at a half, a quarter or an eighth for a fraction of the time. Draft never goes
    # below the size asked for; other formats ignore it.
    full = image.size
    reduced = image.draft(None, (longest_px, longest_px))
    image.load()
    width, height = full if reduced else image.size  # loading a TIFF turns it, and its size with it
    pixels = _eight_bit(image)
    longest = max(width, height)
    if longest > longest_px:
        size = [max(1, round(side * longest_px / longest)) for side in (width, height)]
        pixels = pixels.resize((size[0], size[1]), resample=2, reducing_gap=2.0)  # bilinear, over areas
    pixels = _opaque(pixels)
    orientation = _orientation(image)
    if orientation in SIDEWAYS:
        width, height = height, width
    return Photo(_upright(np.asarray(pixels, dtype=np.uint8), orientation), height, width)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; a tag that is broken, zero or missing means upright, 1."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # however broken the tags are, the picture may be whole
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """(H, W, ...) as the camera stored it -> as the photographer saw it, contiguous."""
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in RIGHT_TO_LEFT:
        pixels = pixels[:, ::-1]
    if orientation in BOTTOM_UP:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Any mode of Pillow as L, RGB, or, where something is transparent, RGBA."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # Pillow's own conversion clips at 255 instead of scaling
        return Image.fromarray(_scaled(np.asarray(image)))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _scaled(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey of more than 8 bits, or of floats -> (H, W) uint8, by the range that its type promises."""
    grey = values.astype(np.float32)
    np.nan_to_num(grey, copy=False, posinf=0, neginf=0)
    brightest = float(grey.max(initial=0))
    if values.dtype.kind == "f":
        full = 1.0 if brightest <= 1 else max(255.0, brightest)
    else:
        full = 255.0 if brightest <= 255 and values.dtype.itemsize > 2 else max(65535.0, brightest)
    grey *= 255 / full  # in place: a scan can have 150 million pixels
    return np.clip(np.rint(grey, out=grey), 0, 255, out=grey).astype(np.uint8)


def _opaque(image: Image.Image) -> Image.Image:
    """RGBA on paper: white, or black where what is drawn is itself nearly white."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    alpha = np.asarray(image.getchannel("A"), dtype=np.float64)
    grey = np.asarray(image.convert("RGB").convert("L"), dtype=np.float64)
    drawn = float((grey * alpha).sum() / max(alpha.sum(), 1.0))
    transparent = float((alpha < 128).mean())
    paper = Image.new("RGBA", image.size, "black" if drawn > 200 and transparent > 0.2 else "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def _first_bytes(data: bytes) -> str:
    return f"a file that starts with {data[:12]!r}"
