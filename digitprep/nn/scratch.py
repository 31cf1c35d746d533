"""Large arrays that are handed out again, because fresh memory is slow.

A training step makes and drops the same arrays every time. Given back to the system, each comes anew
as pages that the system has to clear first: a tenth of the whole time. `empty` is `np.empty` on blocks
that are kept for their thread and handed out again once nobody holds a view of them any more.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALLEST_BYTES = 1 << 16  # what is smaller, malloc hands out as quickly
MOST_BLOCKS = 64

# What getrefcount says of a block that only the list holds: the list, the loop's name, the argument.
UNUSED = 3

_kept = threading.local()


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array whose content is whatever was there before, as `np.empty` gives it."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < SMALLEST_BYTES:
        return np.empty(shape, dtype)
    return _block(size)[:size].view(dtype).reshape(shape)


def _block(size: int) -> NDArray[np.uint8]:
    """A block of at least `size` and less than twice as many bytes that nobody uses."""
    blocks: list[NDArray[np.uint8]] = _kept.__dict__.setdefault("blocks", [])
    for block in blocks:
        if size <= block.size < 2 * size and sys.getrefcount(block) == UNUSED:
            return block
    fresh = np.empty(size, np.uint8)
    if len(blocks) == MOST_BLOCKS:
        blocks.pop(0)
    blocks.append(fresh)
    return fresh
