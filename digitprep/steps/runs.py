"""Vertical runs of ink: how thick a level stroke is at each of its pixels, and where its middle is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digitprep.opencv import cv2
from digitprep.steps.base import Mask


@dataclass(frozen=True, eq=False)
class VerticalRuns:
    """For each pixel of ink in an (H, W) mask the vertical run of ink that it lies in.

    first, last: (H, W), the run's first and last row
    length: (H, W), how many pixels it has; 0 where there is no ink, the others mean nothing there
    """

    first: NDArray[np.int32]
    last: NDArray[np.int32]
    length: NDArray[np.int32]

    @classmethod
    def of(cls, ink: Mask) -> VerticalRuns:
        """(H, W) -> its runs."""
        height = len(ink)
        rows = np.arange(height, dtype=np.int32)[:, None]
        padded = np.pad(ink, ((1, 1), (0, 0)))
        first = np.maximum.accumulate(np.where(ink & ~padded[:-2], rows, 0), axis=0)
        last = np.minimum.accumulate(np.where(ink & ~padded[2:], rows, height)[::-1], axis=0)[::-1]
        return cls(first, last, np.where(ink, last - first + 1, 0))

    @cached_property
    def middle(self) -> NDArray[np.float32]:
        """(H, W), the row of the run's middle."""
        return ((self.first + self.last) / 2).astype(np.float32)


def thin_ink(ink: Mask, thickest_px: int) -> NDArray[np.uint8]:
    """Not 0 where ink (H, W) lies in a vertical run of at most so many pixels.

    Where that is an odd number, nor is it at the first pixel of a thicker run and at the one below its last:
    OpenCV opens by an even number of rows one row too low. Without these two pixels one photo of 527 would
    be read otherwise, and wrong.
    """
    image, upright = ink.astype(np.uint8), np.ones((thickest_px + 1, 1), np.uint8)
    thick = cv2.morphologyEx(image, cv2.MORPH_OPEN, upright, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(image - thick, dtype=np.uint8)
