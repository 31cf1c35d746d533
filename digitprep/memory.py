"""Telling a want of memory from damage: decoders report it in words of their own, or as damage."""

from __future__ import annotations

import re

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
