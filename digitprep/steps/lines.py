"""Ruled lines and printed frames: found as long straight ink, taken away run by run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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

    A line is straight, thin and long, and comes in from the edge of the photo, or it is one side of a
    box, with a corner at either end. Of each one only those pixels go that are about as thick as the
    line itself, so a stroke that crosses it stays whole. Where nothing but lines would go, nothing
    does: then the line is the digit, a 1. Source: our own.

    length: how long a line is at least, as a share of the image's side
    """

    length: Annotated[float, Between(0.1, 1)] = 0.35

    def apply(self, image: Image) -> Image:
        return _without(self._lines(image > 0), image)

    def apply_told(self, image: Image) -> tuple[Image, str]:
        lines = self._lines(image > 0)  # nearly all the work, and needed for both
        after = _without(lines, image)
        return after, _said(lines, image, after)

    def decision(self, before: Image, after: Image) -> str:
        return _said(self._lines(before > 0), before, after)

    def _lines(self, ink: Mask) -> list[_Line]:
        """The lines of an (H, W) mask, those across first."""
        across = list(_straight(ink, self.length))
        down = list(_straight(np.ascontiguousarray(ink.T), self.length))
        lines = [line for line in across if line.is_ruled or line.is_framed_by(down)]
        upright = [line for line in down if line.is_ruled or line.is_framed_by(across)]
        if len(lines) + len(upright) >= MANY:
            thickest = round(1.6 * _usual_thickness(lines + upright) + 2)
            lines, upright = _no_thicker(lines, ink, thickest), _no_thicker(upright, ink.T, thickest)
        return lines + [replace(line, pixels=line.pixels.T) for line in upright]


def _without(lines: list[_Line], image: Image) -> Image:
    """The image less the lines and what is left of them, or all of it where they are the digit."""
    if not lines:
        return image.copy()
    rest = np.where(np.logical_or.reduce([line.pixels for line in lines]), 0, image).astype(np.uint8)
    if len(lines) >= SEVERAL:
        remains = _remains(rest > 0, _usual_thickness(lines), anywhere=len(lines) >= MANY)
        rest = np.where(remains, 0, rest).astype(np.uint8)
    return image.copy() if _longest_piece(rest) < SMALLEST_REST * max(image.shape) else rest


def _said(lines: list[_Line], before: Image, after: Image) -> str:
    """What became of the lines, in a few words."""
    if not lines:
        return "no lines found"
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    kept = np.array_equal(before, after)
    return f"{count} kept: without, no digit is left" if kept else f"{count} removed"


# A digit is at least this share of the longer side; less left over means the lines were the digit.
SMALLEST_REST = 0.15

# How thick a line may be, as a share of the height: anywhere, and close to the border, where frames are.
THICKEST_RULE, THICKEST_FRAME = 0.025, 0.1
BORDER = 0.16

# How thick the side of a box may be, as a share of its length.
THICKEST_SIDE = 0.06

# Beside several lines there may be more of them, cut in two by the digit; many are printed by one machine,
# as thick as each other.
SEVERAL, MANY = 2, 6

# What is left of lines is no thicker than they are, by this factor, and longer than so many times that; the
# rest of the ink, by this share, is thicker.
REMAINS_THICKER, LONG_REMAINS, LEAST_BODY = 1.5, 2.0, 0.6

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


@dataclass(frozen=True, eq=False)
class _Line:
    """Straight ink across an (H, W) mask: its row at each column, its ends, thickness and pixels."""

    course: NDArray[np.float64]
    first: int
    last: int
    thickness: float
    pixels: Mask

    @property
    def is_ruled(self) -> bool:
        """Whether it is printed for all that is known of it alone: thin, coming in from the photo's edge."""
        height, width = self.pixels.shape
        ends = sum(self._leaves_photo(column) for column in (self.first, self.last))
        span = (self.last - self.first + 1) / width
        row = float(np.median(self.course[self.first : self.last + 1])) / height
        if ends and min(row, 1 - row) < BORDER and self.thickness <= THICKEST_FRAME * height:
            return bool(span > 0.45)
        long_enough = ends == 2 or (ends == 1 and span > 0.5)
        return bool(self.thickness <= max(3, THICKEST_RULE * height) and long_enough)

    def is_framed_by(self, others: list[_Line]) -> bool:
        """Whether it is the side of a box: thin, each end in a corner with an upright or off the photo."""
        thin = self.thickness <= max(3, THICKEST_SIDE * (self.last - self.first + 1))
        return thin and all(
            self._leaves_photo(column) or any(self._meets(other, column) for other in others)
            for column in (self.first, self.last)
        )

    def _leaves_photo(self, column: int) -> bool:
        width = len(self.course)
        return column <= 0.02 * width or column >= 0.98 * width - 1

    def _meets(self, upright: _Line, column: int) -> bool:
        """Whether an upright, whose rows are columns here, has an end at this line's end at a column."""
        near = 3 + 2 * max(self.thickness, upright.thickness)
        row = float(self.course[column])
        return any(
            abs(end - row) <= near and abs(float(upright.course[end]) - column) <= near
            for end in (upright.first, upright.last)
        )


def _usual_thickness(lines: list[_Line]) -> float:
    return float(np.median([line.thickness for line in lines]))


def _no_thicker(lines: list[_Line], ink: Mask, thickest_px: int) -> list[_Line]:
    """The lines across an (H, W) mask without a stroke that lies along one: of many all are as thick."""
    thin = _thin(ink, thickest_px) > 0
    return [replace(line, pixels=line.pixels & thin) for line in lines]


def _remains(ink: Mask, thickness: float, anywhere: bool) -> Mask:
    """Of an (H, W) mask without its lines, what is left of other such lines: thin and long.

    Unless they may be anywhere, only those that come in from the edge of the photo. Nothing where the
    pen is hardly thicker than the lines, so that its strokes would go, too.
    """
    side = round(REMAINS_THICKER * thickness) + 2
    image = ink.astype(np.uint8)
    body = cv2.morphologyEx(image, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    if body.sum() < LEAST_BODY * max(image.sum(), 1):
        return np.zeros_like(ink)
    around = cv2.dilate(body, np.ones((2 * side + 1, 2 * side + 1), np.uint8))
    _, components, stats, _ = cv2.connectedComponentsWithStats(image * (1 - around), connectivity=8)
    sides = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    long = np.flatnonzero(sides >= LONG_REMAINS * side)
    if not anywhere:
        border = np.concatenate([components[:, [0, -1]].ravel(), components[[0, -1]].ravel()])
        long = np.intersect1d(long, border)
    return np.isin(components, long[long > 0])


def _straight(ink: Mask, length: float) -> Iterator[_Line]:
    """What may be horizontal lines of an (H, W) mask, each once.

    First among ink as thin as rules are: thicker strokes would tie the lines beside them together.
    Then among what is as thin as frames, where a stroke along a line fills the gap that it makes.
    """
    runs, seen = None, np.zeros_like(ink)
    for thickest in (THICKEST_RULE, THICKEST_FRAME):
        for candidate in _candidates(ink & ~seen, length, thickest):
            runs = runs or _Runs.of(ink)
            rows, columns = _thinnest(candidate, runs)
            course = _course(columns, runs.middle[rows, columns].astype(np.float64), ink.shape[1])
            thickness = float(np.median(runs.length[rows, columns]))
            first, last = int(columns[0]), int(columns[-1])
            near = np.abs(runs.middle - course) <= max(2.0, thickness)
            near[:, :first] = near[:, last + 1 :] = False
            line = _Line(course, first, last, thickness, ink & near & (runs.length <= 1.6 * thickness + 2))
            if (line.pixels & ~seen).any():
                yield line
            if line.is_ruled:
                seen |= line.pixels


def _candidates(ink: Mask, length: float, thickest: float) -> Iterator[Mask]:
    """Groups of thin ink that reach over at least `length` of the width, once small gaps are closed."""
    height, width = ink.shape
    thin = _thin(ink, max(3, int(thickest * height)))
    slack = max(1, round(0.01 * height))
    wide = max(3, round(width * WIDEST_GAP)) | 1
    # Thickened, so that a line at a slight angle still holds a straight run of the length asked for.
    thick = cv2.dilate(thin, np.ones((2 * slack + 1, 1), np.uint8))
    closed = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, wide), np.uint8))
    straight = cv2.morphologyEx(
        closed, cv2.MORPH_OPEN, np.ones((1, max(3, int(width * length / 2))), np.uint8)
    )
    if cv2.boundingRect(straight)[2] < length * width:
        return  # as on most photos, and components take their time, however few there are
    count, components, stats, _ = cv2.connectedComponentsWithStats(straight, connectivity=8)
    for number in range(1, count):
        if stats[number][cv2.CC_STAT_WIDTH] < length * width:
            continue
        candidate = (components == number) & (thin > 0)
        columns = np.flatnonzero(candidate.any(axis=0))
        if len(columns) and columns[-1] - columns[0] + 1 >= length * width:
            yield candidate


def _thin(ink: Mask, thickest_px: int) -> NDArray[np.uint8]:
    """1 where ink (H, W) lies in a vertical run of at most so many pixels."""
    image, upright = ink.astype(np.uint8), np.ones((thickest_px + 1, 1), np.uint8)
    thick = cv2.morphologyEx(image, cv2.MORPH_OPEN, upright, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(image - thick, dtype=np.uint8)


def _thinnest(candidate: Mask, runs: _Runs) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The (row, column) of the thinnest run in each column: a stroke along a line is thicker than it."""
    rows, columns = np.nonzero(candidate)
    order = np.lexsort((runs.length[rows, columns], columns))
    columns, chosen = np.unique(columns[order], return_index=True)
    return rows[order][chosen], columns


def _course(columns: NDArray[np.intp], middle: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The row of a line at each column (width,): a gently bent curve through the middle of its runs."""
    scale = max(width, 1)
    keep = np.ones(len(columns), dtype=bool)
    fit = np.polynomial.Polynomial([np.median(middle)])
    for degree in (1, 2):  # the second fit leaves out what the first shows to be no part of the line
        if keep.sum() <= 3 * degree:
            break
        fit = np.polynomial.Polynomial.fit(columns[keep] / scale, middle[keep], degree)
        off = np.abs(fit(columns / scale) - middle)
        keep = off <= max(1.5, 2 * np.median(off))
    return np.asarray(fit(np.arange(width) / scale))


def _longest_piece(image: Image) -> int:
    """The longer side of the largest connected component, in pixels."""
    stats = cv2.connectedComponentsWithStats((image > 0).astype(np.uint8), connectivity=8)[2][1:]
    return int(max((max(stat[cv2.CC_STAT_WIDTH], stat[cv2.CC_STAT_HEIGHT]) for stat in stats), default=0))
