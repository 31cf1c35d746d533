"""Pictures made smaller, their shape kept: how large they become, and their pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitprep.opencv import cv2


def shrunk_size(width: int, height: int, longest_px: int) -> tuple[int, int]:
    """(width, height) of the same shape, the longer one at most `longest_px`, neither below 1."""
    scale = min(1.0, longest_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(pixels: NDArray[np.uint8], longest_px: int, method: int | None = None) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) uint8 -> the same or, where a side is longer than that, a smaller one.

    method: one of OpenCV's interpolations; the mean of the pixels that become one, unless it is given
    """
    height, width = pixels.shape[:2]
    size = shrunk_size(width, height, longest_px)
    if size == (width, height):
        return pixels
    method = cv2.INTER_AREA if method is None else method
    return np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)


def small_picture(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) uint8 -> the picture as people look at it, small, by Pillow's `thumbnail`."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_px, longest_px))
    return np.asarray(picture)
