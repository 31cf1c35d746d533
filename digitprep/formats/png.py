"""One image to PNG bytes and back, exactly.

`encode_png` writes what MNIST-like images need, 8 bits of grey or RGB: no filter and zlib's
fastest level make it several times faster than a general encoder, and these small images even
smaller. `decode_png` reads such files directly and leaves every other kind of PNG to Pillow.

Source: Portable Network Graphics (PNG) Specification, W3C, third edition.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.errors import DataError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2  # colour types
MOST_PIXELS = 1 << 25  # of a sample; photos may have more, and are what `clean` is for
OTHERS = {b"\xff\xd8\xff": "a JPEG", b"RIFF": "a WebP", b"GIF8": "a GIF", b"BM": "a BMP"}
CLEAN = "`digitprep clean` makes images of photos and drawings"


def encode_png(image: Images) -> bytes:
    """(H, W) or (H, W, 3) uint8 -> the bytes of a PNG file."""
    return next(encode_pngs(image[None]))


def encode_pngs(images: Images) -> Iterator[bytes]:
    """(N, H, W) or (N, H, W, 3) uint8 -> the bytes of N PNG files."""
    height, width = images.shape[1:3]
    header = struct.pack(">IIBBBBB", width, height, 8, GREY if images.ndim == 3 else RGB, 0, 0, 0)
    start, end = SIGNATURE + _chunk(b"IHDR", header), _chunk(b"IEND", b"")
    rows = np.zeros((height, 1 + math.prod(images.shape[2:])), np.uint8)  # first in a row: no filter
    for image in images:
        rows[:, 1:] = image.reshape(height, -1)
        yield start + _chunk(b"IDAT", zlib.compress(rows.data, 1)) + end


def decode_png(data: bytes, file: str | Path) -> Images:
    """The bytes of a PNG file -> (H, W) or (H, W, 3) uint8, exactly; `file` is for messages.

    Palettes of greys and bilevel images become grey; an alpha channel that is opaque goes.

    Raises DataError where the file is damaged, no PNG, or holds more than that: 16 bits, transparency.
    """
    chunks = _chunks(data, file)
    header, body = chunks.get(b"IHDR", b""), chunks.get(b"IDAT", b"")
    if len(header) != 13 or not body:
        raise _damaged(file, len(SIGNATURE), "an image header and image data", "a PNG without them")
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if not 0 < width * height <= MOST_PIXELS:
        found = f"{width} x {height}"
        raise DataError.of(
            file, "byte 16", expected=f"1 to {MOST_PIXELS:,} pixels", found=found, advice=CLEAN
        )
    if bits == 8 and colour in (GREY, RGB) and not interlaced and b"tRNS" not in chunks:
        shape = (height, width) if colour == GREY else (height, width, 3)
        image = _unfiltered(body, shape)
        if image is not None:
            return image
    if bits == 16:
        raise DataError.of(file, expected="8 bits a pixel", found=16, advice=CLEAN)
    return _by_pillow(data, file)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(data: bytes, file: str | Path) -> dict[bytes, bytes]:
    """The content of each kind of chunk, every checksum verified, to the end that must be there."""
    if not data.startswith(SIGNATURE):
        raise _no_png(data, file)
    chunks: dict[bytes, bytes] = {}
    position = len(SIGNATURE)
    while b"IEND" not in chunks:
        size, kind = struct.unpack_from(">I4s", data.ljust(position + 8, b"\0"), position)
        content = data[position + 8 : position + 8 + size]
        checksum = data[position + 8 + size : position + 12 + size]
        if len(checksum) < 4:
            raise _damaged(file, position, "a whole PNG chunk", "the end of the file")
        if checksum != struct.pack(">I", zlib.crc32(kind + content)):
            raise _damaged(file, position, "a PNG chunk with a right checksum", "a wrong one")
        chunks[kind] = chunks.get(kind, b"") + content
        position += 12 + size
    return chunks


def _unfiltered(body: bytes, shape: tuple[int, ...]) -> Images | None:
    """The image, or None where its rows are filtered or it is not as large as it says."""
    stride = 1 + int(np.prod(shape[1:]))
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(body, shape[0] * stride + 1)
    except (zlib.error, OverflowError):
        return None
    if len(raw) != shape[0] * stride or not inflate.eof:
        return None
    rows = np.frombuffer(raw, np.uint8).reshape(shape[0], stride)
    return None if rows[:, 0].any() else rows[:, 1:].reshape(shape)


def _by_pillow(data: bytes, file: str | Path) -> Images:
    from PIL import Image  # only where it is needed, so that importing formats stays cheap

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            return plain_pixels(image, file)
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise _damaged(file, len(SIGNATURE), "a sound PNG", f"damage ({error})") from error


def plain_pixels(image: Any, file: str | Path) -> Images:
    """What a Pillow image shows, as grey where every colour is, once nothing is lost by it."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        whole = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
        if whole.getchannel("A").getextrema()[0] != 255:
            raise DataError.of(file, expected="an opaque image", found="transparency", advice=CLEAN)
        if whole.mode == "LA":
            return np.array(whole.getchannel("L"))
        pixels = _rgb(whole)
        return pixels if image.mode in ("RGBA", "RGB") else _grey_if_possible(pixels)
    if image.mode == "P":
        return _grey_if_possible(np.array(image.convert("RGB")))
    if image.mode in ("1", "L", "RGB"):
        return np.array(image.convert("L") if image.mode == "1" else image)
    raise DataError.of(file, expected="grey or RGB pixels", found=f"mode {image.mode}", advice=CLEAN)


def _rgb(image: Any) -> Images:
    """The colours of an image, one band after the other: of a large picture no copy is made beside."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for place, band in enumerate("RGB"):
        pixels[..., place] = image.getchannel(band)
    return pixels


def _grey_if_possible(pixels: NDArray[np.uint8]) -> Images:
    grey = (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    return np.ascontiguousarray(pixels[..., 0] if grey else pixels)


def _no_png(data: bytes, file: str | Path) -> DataError:
    if len(data) < len(SIGNATURE) and SIGNATURE.startswith(data):
        return _damaged(file, 0, "a PNG", "an empty file" if not data else "the end of the file")
    found = next((name for start, name in OTHERS.items() if data.startswith(start)), repr(data[:16]))
    return DataError.of(
        file, "byte 0", expected="a PNG, which keeps pixels exactly", found=found, advice=CLEAN
    )


def _damaged(file: str | Path, position: int, expected: str, found: str) -> DataError:
    advice = "the file is damaged or cut off; get it again or remove it"
    return DataError.of(file, f"byte {position}", expected=expected, found=found, advice=advice)
