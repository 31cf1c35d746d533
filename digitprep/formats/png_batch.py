"""Many small PNG files of one size to their images at once.

Opening an image with a general decoder costs more than decoding it. Here each file is one call of zlib,
and NumPy takes back the filters of one row, or one column, of all images together. What is not a plain
PNG of 8 bits of grey or RGB with a single chunk of data, and whatever is damaged, is left to `decode_png`.

Source: Portable Network Graphics (PNG) Specification, W3C, third edition, section 9 on filtering.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.formats.png import MOST_PIXELS, SIGNATURE

START = SIGNATURE + b"\0\0\0\rIHDR"
END = b"\0\0\0\0IEND\xaeB`\x82"
CHANNELS = {b"\x08\0\0\0\0": 1, b"\x08\x02\0\0\0": 3}  # depth, colour type and three methods in the header
NONE, SUB, UP, AVERAGE, PAETH = range(5)


def decode_alike(files: Iterable[bytes]) -> Images | None:
    """PNG files -> (N, H, W) or (N, H, W, 3) uint8, what `decode_png` gives for each of them.

    None where one is not plain, damaged or not as large as the first, and where there is none.
    """
    header, rows = b"", []
    for data in files:
        header = header or data[16:29]
        body = _filtered(data, header)
        if body is None:
            return None
        rows.append(body)
    if not rows:
        return None
    width, height, channels = _size(header)
    filtered = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), height, 1 + width * channels)
    if filtered[:, :, 0].max() > PAETH:
        return None
    images = unfiltered(filtered.reshape(len(rows), height, -1), channels)
    return images[..., 0] if channels == 1 else images


def _size(header: bytes) -> tuple[int, int, int]:
    """Width, height and channels; no channels where they are not plain."""
    return int.from_bytes(header[:4]), int.from_bytes(header[4:8]), CHANNELS.get(header[8:], 0)


def _filtered(data: bytes, header: bytes) -> bytes | None:
    """The rows as they are compressed, or None where the file is not plain and sound with that header."""
    end = 41 + int.from_bytes(data[33:37])
    if data[:16] != START or data[16:29] != header or data[37:41] != b"IDAT" or data[end + 4 :] != END:
        return None
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33]):
        return None
    if zlib.crc32(data[37:end]) != int.from_bytes(data[end : end + 4]):
        return None
    width, height, channels = _size(header)
    if not 0 < width * height * channels <= MOST_PIXELS:
        return None
    size = height * (1 + width * channels)
    inflate = zlib.decompressobj()
    try:
        rows = inflate.decompress(data[41:end], size + 1)
    except zlib.error:
        return None
    return rows if len(rows) == size and inflate.eof else None


def unfiltered(filtered: NDArray[np.uint8], channels: int) -> Images:
    """(N, H, 1 + W * channels) uint8, the first byte of a row its filter -> (N, H, W, channels)."""
    count, height, stride = filtered.shape
    images = filtered[:, :, 1:].reshape(count, height, (stride - 1) // channels, channels).copy()
    if not filtered[:, :, 0].any():
        return images
    above = np.zeros_like(images[:, 0])
    for y in range(height):
        kinds = filtered[:, y, 0]
        for kind in np.unique(kinds):
            chosen = kinds == kind
            images[chosen, y] = _row(int(kind), images[chosen, y], above[chosen])
        above = images[:, y]
    return images


def _row(kind: int, row: Images, above: Images) -> Images:
    """One row of several images, (N, W, channels), its filter taken back; sums are modulo 256."""
    if kind == SUB:
        return np.cumsum(row, axis=1, dtype=np.uint8)
    if kind == UP:
        return row + above
    if kind == NONE:
        return row
    left = corner = np.zeros(row[:, 0].shape, np.int16)
    for x in range(row.shape[1]):
        top = above[:, x].astype(np.int16)
        guess = (left + top) >> 1 if kind == AVERAGE else _nearest(left, top, corner)
        row[:, x] += guess.astype(np.uint8)
        left, corner = row[:, x].astype(np.int16), top
    return row


def _nearest(left: NDArray[np.int16], top: NDArray[np.int16], corner: NDArray[np.int16]) -> NDArray[np.int16]:
    """Paeth's predictor: which of the three is nearest to left + top - corner, in this order."""
    to_left, to_top = np.abs(top - corner), np.abs(left - corner)
    to_corner = np.abs(left + top - 2 * corner)
    nearest = np.where(to_top <= to_corner, top, corner)
    return np.where((to_left <= to_top) & (to_left <= to_corner), left, nearest)
