"""Ruled lines and printed frames: found as long straight ink, taken away run by run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from digitprep.opencv import cv2
from digitprep.spec import Between
from digitprep.steps.base import STEPS, Image, Mask, Step


@STEPS.register
@dataclass(frozen=True)
class RemoveLines(Step):
    """(H, W) -> (H, W): ruled lines and printed frames taken away; a mask of ink in, a mask out.

    A line is straight and thin, at least `length` of the side long, and comes in from the edge of
    the photo. Of each one only those pixels go that are about as thick as the line itself, so a
    stroke that crosses it stays whole. Where nothing but lines would go, nothing does: then the line
    is the digit, a 1.
    """

    length: Annotated[float, Between(0.1, 1)] = 0.35

    def apply(self, image: Image) -> Image:
        ink = image > 0
        lines = np.zeros_like(ink)
        for pixels in self._lines(ink):
            lines |= pixels
        rest = np.where(lines, 0, image).astype(np.uint8)
        return image.copy() if _longest_piece(rest) < SMALLEST_REST * max(image.shape) else rest

    def decision(self, before: Image, after: Image) -> str:
        count = sum(1 for _ in self._lines(before > 0))
        if not count:
            return "no lines found"
        lines = "1 line" if count == 1 else f"{count} lines"
        kept = np.array_equal(before, after)
        return f"{lines} kept: without, no digit is left" if kept else f"{lines} removed"

    def _lines(self, ink: Mask) -> Iterator[Mask]:
        """The pixels of each line of an (H, W) mask, those across first."""
        yield from _horizontal(ink, self.length)
        for line in _horizontal(ink.T, self.length):
            yield line.T


# A digit is at least this share of the longer side; less left over means the lines were the digit.
SMALLEST_REST = 0.15

# How thick a line may be, as a share of the height: anywhere, and close to the border, where frames are.
THICKEST_RULE, THICKEST_FRAME = 0.025, 0.1
BORDER = 0.16

# A line may be interrupted by this share of the width: a thick stroke that crosses it.
WIDEST_GAP = 0.12


@dataclass(frozen=True)
class _Runs:
    """For each ink pixel of an (H, W) mask the vertical run of ink that it lies in."""

    middle: NDArray[np.float32]
    length: NDArray[np.int32]

    @classmethod
    def of(cls, ink: Mask) -> _Runs:
        height = len(ink)
        rows = np.arange(height, dtype=np.int32)[:, None]
        padded = np.pad(ink, ((1, 1), (0, 0)))
        first = np.maximum.accumulate(np.where(ink & ~padded[:-2], rows, 0), axis=0)
        last = np.minimum.accumulate(np.where(ink & ~padded[2:], rows, height)[::-1], axis=0)[::-1]
        return cls(((first + last) / 2).astype(np.float32), np.where(ink, last - first + 1, 0))


def _horizontal(ink: Mask, length: float) -> Iterator[Mask]:
    """The pixels of each horizontal line of an (H, W) mask."""
    runs = _Runs.of(ink)
    for candidate in _candidates(ink, runs, length):
        course = _course(candidate, runs)
        thickness = np.median(runs.length[candidate])
        columns = np.flatnonzero(candidate.any(axis=0))
        if not _is_line(course, thickness, columns, ink.shape):
            continue
        near = np.abs(runs.middle - course) <= max(2.0, thickness)
        near[:, : columns[0]] = near[:, columns[-1] + 1 :] = False
        yield ink & near & (runs.length <= 1.6 * thickness + 2)


def _candidates(ink: Mask, runs: _Runs, length: float) -> Iterator[Mask]:
    """Groups of thin ink that reach over at least `length` of the width, once small gaps are closed."""
    height, width = ink.shape
    thin = (ink & (runs.length <= max(3, THICKEST_FRAME * height))).astype(np.uint8)
    slack = max(1, round(0.01 * height))
    wide = max(3, round(width * WIDEST_GAP)) | 1
    # Thickened, so that a line at a slight angle still holds a straight run of the length asked for.
    thick = cv2.dilate(thin, np.ones((2 * slack + 1, 1), np.uint8))
    closed = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, wide), np.uint8))
    straight = cv2.morphologyEx(
        closed, cv2.MORPH_OPEN, np.ones((1, max(3, int(width * length / 2))), np.uint8)
    )
    count, components, stats, _ = cv2.connectedComponentsWithStats(straight, connectivity=8)
    for number in range(1, count):
        if stats[number][cv2.CC_STAT_WIDTH] < length * width:
            continue
        candidate = (components == number) & (thin > 0)
        columns = np.flatnonzero(candidate.any(axis=0))
        if len(columns) and columns[-1] - columns[0] + 1 >= length * width:
            yield candidate


def _course(candidate: Mask, runs: _Runs) -> NDArray[np.float64]:
    """The row of a line at each column (W,): a gently bent curve through the middle of its runs."""
    rows, columns = np.nonzero(candidate)
    middle = runs.middle[rows, columns].astype(np.float64)
    scale = max(candidate.shape[1], 1)
    keep = np.ones(len(rows), dtype=bool)
    fit = np.polynomial.Polynomial([np.median(middle)])
    for degree in (1, 2):  # the second fit leaves out what the first shows to be no part of the line
        if keep.sum() <= 3 * degree or len(np.unique(columns[keep])) <= degree:
            break
        fit = np.polynomial.Polynomial.fit(columns[keep] / scale, middle[keep], degree)
        off = np.abs(fit(columns / scale) - middle)
        keep = off <= max(1.5, 2 * np.median(off))
    return np.asarray(fit(np.arange(candidate.shape[1]) / scale))


def _is_line(
    course: NDArray[np.float64], thickness: float, columns: NDArray[np.intp], shape: tuple[int, ...]
) -> bool:
    """Whether a straight piece of ink is printed: thin and coming in from the edge of the photo."""
    height, width = shape
    ends = int(columns[0] <= 0.02 * width) + int(columns[-1] >= 0.98 * width - 1)
    span = (columns[-1] - columns[0] + 1) / width
    row = float(np.median(course[columns])) / height
    if ends and min(row, 1 - row) < BORDER and thickness <= THICKEST_FRAME * height:
        return bool(span > 0.45)
    long_enough = ends == 2 or (ends == 1 and span > 0.5)
    return bool(thickness <= max(3, THICKEST_RULE * height) and long_enough)


def _longest_piece(image: Image) -> int:
    """The longer side of the largest connected component, in pixels."""
    stats = cv2.connectedComponentsWithStats((image > 0).astype(np.uint8), connectivity=8)[2][1:]
    return int(max((max(stat[cv2.CC_STAT_WIDTH], stat[cv2.CC_STAT_HEIGHT]) for stat in stats), default=0))
