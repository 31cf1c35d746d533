"""Long straight ink, which printed lines and frames are: where it is, how thick, and which pixels it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitprep.opencv import cv2
from digitprep.steps.base import Mask
from digitprep.steps.runs import VerticalRuns, thin_ink

# How thick a line may be, as a share of the height: anywhere, and close to the border, where frames are.
THICKEST_RULE, THICKEST_FRAME = 0.025, 0.1
BORDER = 0.16

# How thick the side of a box may be, as a share of its length.
THICKEST_SIDE = 0.06

# So many lines are printed by one machine, as thick as each other.
MANY = 6

# A line may be interrupted by this share of the width: a thick stroke that crosses it.
WIDEST_GAP = 0.12


@dataclass(frozen=True, eq=False)
class Line:
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

    def is_framed_by(self, others: list[Line]) -> bool:
        """Whether it is the side of a box: thin, each end in a corner with an upright or off the photo."""
        thin = self.thickness <= max(3, THICKEST_SIDE * (self.last - self.first + 1))
        return thin and all(
            self._leaves_photo(column) or any(self._meets(other, column) for other in others)
            for column in (self.first, self.last)
        )

    def _leaves_photo(self, column: int) -> bool:
        width = len(self.course)
        return column <= 0.02 * width or column >= 0.98 * width - 1

    def _meets(self, upright: Line, column: int) -> bool:
        """Whether an upright, whose rows are columns here, has an end at this line's end at a column."""
        near = 3 + 2 * max(self.thickness, upright.thickness)
        row = float(self.course[column])
        return any(
            abs(end - row) <= near and abs(float(upright.course[end]) - column) <= near
            for end in (upright.first, upright.last)
        )


def find_lines(ink: Mask, length: float) -> list[Line]:
    """The printed lines of an (H, W) mask, those across first.

    length: how long a line is at least, as a share of the mask's side
    """
    across = list(_straight(ink, length))
    down = list(_straight(np.ascontiguousarray(ink.T), length))
    lines = [line for line in across if line.is_ruled or line.is_framed_by(down)]
    upright = [line for line in down if line.is_ruled or line.is_framed_by(across)]
    if len(lines) + len(upright) >= MANY:
        thickest = round(1.6 * usual_thickness(lines + upright) + 2)
        lines, upright = _no_thicker(lines, ink, thickest), _no_thicker(upright, ink.T, thickest)
    return lines + [replace(line, pixels=line.pixels.T) for line in upright]


def usual_thickness(lines: list[Line]) -> float:
    """The thickness of most lines in px: the median."""
    return float(np.median([line.thickness for line in lines]))


def _no_thicker(lines: list[Line], ink: Mask, thickest_px: int) -> list[Line]:
    """The lines across an (H, W) mask without a stroke that lies along one: of many all are as thick."""
    thin = thin_ink(ink, thickest_px) > 0
    return [replace(line, pixels=line.pixels & thin) for line in lines]


def _straight(ink: Mask, length: float) -> Iterator[Line]:
    """What may be horizontal lines of an (H, W) mask, each once.

    First among ink as thin as rules are: thicker strokes would tie the lines beside them together.
    Then among what is as thin as frames, where a stroke along a line fills the gap that it makes.
    """
    runs, seen = None, np.zeros_like(ink)
    for thickest in (THICKEST_RULE, THICKEST_FRAME):
        for candidate in _candidates(ink & ~seen, length, thickest):
            runs = runs or VerticalRuns.of(ink)
            rows, columns = _thinnest(candidate, runs)
            course = _course(columns, runs.middle[rows, columns].astype(np.float64), ink.shape[1])
            thickness = float(np.median(runs.length[rows, columns]))
            first, last = int(columns[0]), int(columns[-1])
            near = np.abs(runs.middle - course) <= max(2.0, thickness)
            near[:, :first] = near[:, last + 1 :] = False
            line = Line(course, first, last, thickness, ink & near & (runs.length <= 1.6 * thickness + 2))
            if (line.pixels & ~seen).any():
                yield line
            if line.is_ruled:
                seen |= line.pixels


def _candidates(ink: Mask, length: float, thickest: float) -> Iterator[Mask]:
    """Groups of thin ink that reach over at least `length` of the width, once small gaps are closed."""
    height, width = ink.shape
    thin = thin_ink(ink, max(3, int(thickest * height)))
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


def _thinnest(candidate: Mask, runs: VerticalRuns) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
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
