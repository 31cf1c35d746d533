"""Twenty ways in which a file among photos cannot be used, each with a part of the reason to be told."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CUT = "cannot be decoded"
NO_IMAGE = "expected an image"


@dataclass(frozen=True)
class Way:
    """A broken file's ending, its bytes from a picture (H, W, 3) uint8, and what its reason holds."""

    suffix: str
    make: Callable[[NDArray[np.uint8], random.Random], bytes]
    reason: str


def encoded(picture: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    """The file of a picture."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **options)
    return stream.getvalue()


def cut(kind: str) -> Callable[[NDArray[np.uint8], random.Random], bytes]:
    """A file of that kind that ends too early."""

    def make(picture: NDArray[np.uint8], rng: random.Random) -> bytes:
        noisy = picture ^ np.random.default_rng(rng.randrange(1 << 30)).integers(
            0, 64, picture.shape, np.uint8
        )
        whole = encoded(noisy, kind)
        return whole[: int(len(whole) * rng.uniform(0.6, 0.9))]

    return make


def always(content: bytes) -> Callable[[NDArray[np.uint8], random.Random], bytes]:
    """A file with that content."""
    return lambda _picture, _rng: content


def plain(grey: int, rows: int = 60, columns: int = 90) -> bytes:
    """A picture of one grey."""
    return encoded(np.full((rows, columns, 3), grey, np.uint8), "PNG")


def png_of(side: int) -> bytes:
    """A small PNG whose header promises side x side pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    told = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


def wide_jpeg(picture: NDArray[np.uint8], _rng: random.Random) -> bytes:
    """A JPEG whose header promises 60,000 x 60,000 pixels."""
    data = bytearray(encoded(picture, "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 60_000, 60_000)
    return bytes(data)


def flipped_png(picture: NDArray[np.uint8], rng: random.Random) -> bytes:
    """A PNG with a byte of its pixels changed, which its sum tells."""
    data = bytearray(encoded(picture, "PNG"))
    data[data.index(b"IDAT") + rng.randrange(20, 60)] ^= 0xFF
    return bytes(data)


WAYS = {
    "an empty file": Way(".jpg", always(b""), "an empty file"),
    "a JPEG cut short": Way(".jpg", cut("JPEG"), CUT),
    "a PNG cut short": Way(".png", cut("PNG"), CUT),
    "a GIF cut short": Way(".gif", cut("GIF"), CUT),
    "a WebP cut short": Way(".webp", cut("WEBP"), CUT),
    "a TIFF cut short": Way(".tif", cut("TIFF"), CUT),
    "a BMP cut short": Way(".bmp", cut("BMP"), CUT),
    "a PNG with a byte changed": Way(".png", flipped_png, CUT),
    "a page of the web": Way(".jpg", always(b"<!DOCTYPE html><title>404</title>"), NO_IMAGE),
    "a text": Way(".png", always(b"not a picture, nor a digit\n" * 40), NO_IMAGE),
    "a PDF": Way(".jpg", always(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), NO_IMAGE),
    "an SVG": Way(".png", always(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), NO_IMAGE),
    "zeros": Way(".bmp", always(bytes(5000)), NO_IMAGE),
    "noise": Way(".jpg", lambda _, rng: rng.randbytes(5000), NO_IMAGE),
    "a JPEG in gzip": Way(
        ".jpg", lambda picture, _: gzip.compress(encoded(picture, "JPEG"), mtime=0), NO_IMAGE
    ),
    "a RAW file": Way(".cr2", always(b"II*\0\x10\0\0\0CR\x02\0" + bytes(400)), NO_IMAGE),
    "a PNG of ten billion pixels": Way(".png", always(png_of(100_000)), "at most 150000000 pixels"),
    "a JPEG of 3.6 billion pixels": Way(".jpg", wide_jpeg, "at most 150000000 pixels"),
    "blank paper": Way(".png", always(plain(240)), "no ink"),
    "one pixel": Way(".png", always(plain(255, 1, 1)), "no ink"),
}
