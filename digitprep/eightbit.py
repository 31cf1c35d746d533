"""Any mode and depth of Pillow's images as 8-bit grey or RGB, on paper where they are transparent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

PHOTOMETRIC_TAG, MIN_IS_WHITE = 262, 0
PIECE = 1 << 20  # values that are floats at a time


def eight_bit(image: Image.Image, again: Callable[[], Image.Image]) -> Image.Image:
    """Decode an opened image of any mode -> L, RGB, or, where something is transparent, RGBA.

    `again` opens the same image once more. Of 16-bit colours Pillow keeps the higher byte, which of
    values of 12 bits leaves nearly nothing. Decoded in the other byte order, it keeps the lower one.
    """
    swapped = _other_byte_order(image)
    image.load()
    if not swapped or not _is_dim(image):
        return _converted(image)
    low: Any = again()
    low.tile = swapped
    low.load()
    return _with_low_bytes(image, low)


def opaque(image: Image.Image) -> Image.Image:
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


def _converted(image: Image.Image) -> Image.Image:
    """Any mode of Pillow as L, RGB, or, where something is transparent, RGBA."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # Pillow's own conversion clips at 255 instead of scaling
        grey = _scaled(np.asarray(image))
        # Pillow inverts such scans itself where they have 8 bits or fewer.
        inverted = getattr(image, "tag_v2", {}).get(PHOTOMETRIC_TAG) == MIN_IS_WHITE
        return Image.fromarray(255 - grey if inverted else grey)
    if image.mode == "LAB":
        return image.getchannel("L")  # lightness
    opaque_mode = "L" if image.mode in ("1", "L") else "RGB"
    wanted = "RGBA" if image.has_transparency_data else opaque_mode
    return image if image.mode == wanted else image.convert(wanted)  # which would copy it


def _scaled(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Values of more than 8 bits, or floats -> uint8 of the same shape, by the range that they use.

    Cameras and scanners deliver 10, 12 or 14 bits and store them in 16 without a word about it, so
    white is the highest value of the fewest such bits that hold the brightest one: 4095 where nothing
    exceeds it. A picture that is merely dark becomes brighter by that, never dimmer, and is not clipped.
    """
    # Piece by piece, and not as one array of floats: a scan can have 150 million pixels.
    flat = values.reshape(-1)
    brightest = max((float(piece.max(initial=0)) for _, piece in _finite(flat)), default=0.0)
    if values.dtype.kind == "f":
        full = 1.0 if brightest <= 1 else max(255.0, brightest)
    else:
        whites = (2.0**bits - 1 for bits in (8, 10, 12, 14, 16))
        full = next((white for white in whites if brightest <= white), brightest)
    scaled = np.empty(flat.shape, np.uint8)
    for start, piece in _finite(flat):
        piece *= np.float32(255 / full)
        scaled[start : start + len(piece)] = np.clip(np.rint(piece, out=piece), 0, 255, out=piece)
    return scaled.reshape(values.shape)


def _finite(flat: NDArray[np.generic]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Pieces of an array as floats, without what is no number, each with where it starts."""
    for start in range(0, len(flat), PIECE):
        piece = flat[start : start + PIECE].astype(np.float32)
        yield start, np.nan_to_num(piece, copy=False, posinf=0, neginf=0)


def _other_byte_order(image: Image.Image) -> list[tuple[Any, ...]]:
    """Pillow's plan for decoding 16-bit RGB or RGBA, with the bytes in the other order; else nothing."""
    orders = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
    tiles: list[tuple[Any, ...]] = []
    for tile in getattr(image, "tile", []):
        *place, args = tile
        raw, *others = args if isinstance(args, tuple) else (args,)
        if raw not in [f"{colours};16{order}" for colours in ("RGB", "RGBA", "RGBX") for order in orders]:
            return []
        make = getattr(tile, "_make", tuple)  # a plain tuple before Pillow 11
        tiles.append(make([*place, (raw[:-1] + orders[raw[-1]], *others)]))
    return tiles


def _is_dim(image: Image.Image) -> bool:
    """Whether 16-bit colours, of which Pillow keeps the higher 8 bits, use 14 or fewer."""
    return max(high for _, high in image.getextrema()[:3]) < 64  # type: ignore[misc]


def _with_low_bytes(image: Image.Image, low: Image.Image) -> Image.Image:
    """The higher and the lower bytes of RGB or RGBA -> the same in 8 bits, by `_scaled`."""
    from PIL import Image

    values = np.asarray(image).astype(np.uint16) << 8 | np.asarray(low)
    colours, alpha = values[..., :3], values[..., 3:]
    return Image.fromarray(np.concatenate([_scaled(colours), _scaled(alpha)], axis=2))
