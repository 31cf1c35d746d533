"""Telling a want of memory from damage: decoders report it in words of their own, or as damage."""

from __future__ import annotations

import re
import struct

import numpy as np

# What a decoder takes for each pixel, or more: four bytes of Pillow's own, and as many before they are there.
BYTES_PER_PIXEL = 8
SAID = re.compile(r"out of memory|allocating \d+ bytes failed", re.IGNORECASE)


def is_short_of_memory(error: Exception, pixels: int) -> bool:
    """Whether a decoder's error, at a picture of so many pixels, stands for a want of memory.

    Where the error does not say it, what tells is whether that much memory is to be had.
    """
    return SAID.search(str(error)) is not None or not _is_to_be_had(BYTES_PER_PIXEL * pixels)


def _is_to_be_had(size: int) -> bool:
    try:
        np.empty(size, np.uint8)  # asked for and not written to, so that it costs nothing
    except MemoryError:
        return False
    return True


def webp_pixels(data: bytes) -> int:
    """How many pixels the header of a WebP file tells; 0 of what is none.

    Pillow tells none before libwebp has taken memory for all of them. After the WebP container
    specification, and RFC 6386 and RFC 9649 for the pictures in it.
    """
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":  # flags, and each side less one in three bytes
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
    elif kind == b"VP8L":  # a signature, and each side less one in fourteen bits
        sides = int.from_bytes(body[1:5], "little")
        width, height = (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    else:  # a frame's tag, its start code, and each side in fourteen bits, two more of which are its scale
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    return width * height
