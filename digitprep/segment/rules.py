"""Printed lines on a page: rules, squared paper, tables and frames, at any small slope."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitprep.opencv import cv2
from digitprep.segment.paper import Floats, Ink
from digitprep.steps.base import Box, Mask
from digitprep.steps.runs import VerticalRuns

# Slopes that are tried, as rise over run: up to about 12 degrees, closer than one stroke's width apart.
SLOPES = np.linspace(-0.21, 0.21, 15)

# A line is straight over the first share of the longer side without a hole; a printed one is as long as
# the second if it comes in from the edge or is one of several, and as the third if it stands alone.
STRAIGHT, LONG, CROSSING = 0.1, 0.3, 0.6
HOLE = 0.02

# No printed line is thicker than this share of the longer side; what is darker than a line by the factor,
# or thicker than it by the next, is no part of it.
THICKEST, DARKER, THICKER = 0.012, 1.5, 1.6

# So many lines that run the same way are a pattern, in which shorter pieces are lines as well, unless
# they are thicker or darker than most lines by this factor: stems that stand above each other are.
PATTERN, ALIKE = 3, 1.2


def without_rules(ink: Ink) -> tuple[Mask, list[Box]]:
    """Ink -> (H, W): the mask without printed lines, and the boxes of the tables that they made.

    Of a line only those pixels go where the ink is about as thick and as dark as the line, so that a
    stroke which crosses it stays whole.
    """
    across, crossed = _rules(ink.mask, ink.darkness)
    down, crossed_down = (part.T for part in _rules(ink.mask.T, ink.darkness.T))
    rest = ink.mask & ~across & ~down
    rules = across | down
    if rules.any():
        rest &= ~_posts(rest, rules) & ~_posts(rest.T, rules.T).T
    return rest, _tables(crossed, crossed_down)


def _posts(rest: Mask, rules: Mask) -> Mask:
    """What stands straight up from one rule to the next and is as thin as they are.

    Those are the sides of cells, and what is left of a rule between two parts that were taken away.
    """
    thickness = min(float(np.median(VerticalRuns.of(part).length[part])) for part in (rules, rules.T))
    near = cv2.dilate(rules.astype(np.uint8), np.ones((7, 5), np.uint8)) > 0
    _, components, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    posts = np.zeros(len(stats), dtype=bool)
    for number in range(1, len(stats)):
        x, y, w, h, area = (int(value) for value in stats[number])
        if h < w or w > max(0.3 * h, 2 * thickness) or area / h > 1.8 * thickness + 2:
            continue
        part = np.s_[y : y + h, x : x + w]
        ends = (components[part] == number) & near[part]
        posts[number] = ends[: h // 4 + 1].any() and ends[-(h // 4) - 1 :].any()
    return np.asarray(posts[components])


def straight(ink: Mask, length: int) -> Mask:
    """The pixels of (H, W) that lie on a straight stretch of ink of `length` px, nearly horizontal."""
    height, width = ink.shape
    found = np.zeros_like(ink)
    source = ink.astype(np.uint8)
    for slope in SLOPES:
        shear = np.array([[1, 0, 0], [-slope, 1, slope * width / 2]], dtype=np.float32)
        margin = math.ceil(abs(slope) * width / 2)
        shear[1, 2] += margin
        size = (width, height + 2 * margin)
        level = cv2.warpAffine(source, shear, size, flags=cv2.INTER_NEAREST)
        thick = np.asarray(cv2.dilate(level, np.ones((3, 1), np.uint8)), np.uint8)
        level = _long_in_rows(thick, length)
        if level.any():
            back = cv2.warpAffine(
                level, shear, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
            )
            found |= back > 0
    return found & ink


def _long_in_rows(level: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """(H, W) -> what lies on a stretch of `length` px along a row; holes of up to 4 px are ink.

    At its sides half of that will do. Only rows that have so many pixels are looked at closely, as most of a
    page is bare.
    """
    found = np.zeros_like(level)
    inked = np.flatnonzero(level.max(axis=1))
    if not len(inked):
        return found
    closed = cv2.morphologyEx(level[inked], cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    least = min(length // 2, level.shape[1])
    full = np.flatnonzero(cv2.reduce(closed, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S) >= least)
    if len(full):
        found[inked[full]] = cv2.morphologyEx(closed[full], cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    return found


@dataclass(frozen=True, eq=False)
class _Line:
    """A straight piece of ink, nearly horizontal.

    box: (x, y, width, height); rows, columns: its pixels; thickness in px; tone: its usual darkness
    """

    box: Box
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    thickness: float
    tone: float

    @property
    def length(self) -> int:
        return self.box[2]

    def course(self, columns: NDArray[np.intp], longest: int) -> NDArray[np.float64]:
        """The row in which the line lies at each column, by a straight or, if it is long, bent fit.

        Beyond its own ends a line goes on straight: a bend is no guide there.
        """
        straight = self._fitted(1)
        fit = self._fitted(2) if self.length >= 0.4 * longest else straight
        within = np.clip(columns, self.box[0], self.box[0] + self.length - 1)
        slope = straight(1.0) - straight(0.0)
        return np.asarray(fit(within) + slope * (columns - within))

    def _fitted(self, degree: int) -> np.polynomial.Polynomial:
        """Rows over columns; what lies off, such as strokes that run into the line, is left out."""
        near = np.ones(len(self.rows), dtype=bool)
        for _ in range(3):
            fit = np.polynomial.Polynomial.fit(self.columns[near], self.rows[near], degree)
            off = np.abs(fit(self.columns) - self.rows)
            near = off <= max(1.5, 2 * float(np.median(off)))
        return fit


def _rules(ink: Mask, darkness: Floats) -> tuple[Mask, Mask]:
    """The pixels that nearly horizontal lines leave when they go, and all that they cover."""
    longest = max(ink.shape)
    lines = _printed(_straight_pieces(ink, darkness), ink.shape)
    removed, covered = np.zeros_like(ink), np.zeros_like(ink)
    runs = VerticalRuns.of(ink).length if lines else None
    for line in lines:
        covered[line.rows, line.columns] = True
        assert runs is not None
        x, y, width, height = line.box
        beyond = width // 2 if len(lines) >= PATTERN else round(HOLE * longest)
        left, right = max(0, x - beyond), min(ink.shape[1], x + width + beyond)
        course = line.course(np.arange(left, right), longest)
        reach = max(2.0, line.thickness)
        top = max(0, math.floor(min(float(course.min()), y) - reach))
        bottom = min(ink.shape[0], math.ceil(max(float(course.max()), y + height) + reach) + 1)
        part = np.s_[top:bottom, left:right]
        near = np.abs(np.arange(top, bottom)[:, None] - course) <= reach
        near |= cv2.dilate(covered[part].astype(np.uint8), np.ones((3, 1), np.uint8)) > 0
        alike = (runs[part] <= THICKER * line.thickness + 2) & (darkness[part] <= DARKER * line.tone)
        removed[part] |= near & alike
    return removed & ink, covered


def _straight_pieces(ink: Mask, darkness: Floats) -> list[_Line]:
    """The long, thin and straight pieces of ink, nearly horizontal, and what they are like."""
    longest = max(ink.shape)
    found = _enlarged(straight(_halved(ink), max(8, round(STRAIGHT * longest / 2))), ink) & ink
    if not found.any():
        return []
    gap = np.ones((3, max(3, round(HOLE * longest))), np.uint8)
    joined = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, gap)
    _, components, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    runs = VerticalRuns.of(ink).length
    lines = []
    for number in range(1, len(stats)):
        x, y, w, h, _ = (int(value) for value in stats[number])
        inside = found[y : y + h, x : x + w] & (components[y : y + h, x : x + w] == number)
        rows, columns = np.nonzero(inside)
        if w < STRAIGHT * longest / 2 or not len(rows):
            continue
        thickness = float(np.median(runs[y : y + h, x : x + w][inside]))
        tone = float(np.median(darkness[y : y + h, x : x + w][inside]))
        if thickness <= max(5, THICKEST * longest):
            lines.append(_Line((x, y, w, h), rows + y, columns + x, thickness, tone))
    return lines


def _printed(lines: list[_Line], shape: tuple[int, ...]) -> list[_Line]:
    """Those of many straight pieces that are printed, not written."""
    longest, width = max(shape), shape[1]
    long = [line for line in lines if line.length >= LONG * longest]
    if len(long) >= PATTERN:
        thickness = float(np.median([line.thickness for line in long]))
        tone = float(np.median([line.tone for line in long]))
        short = [line for line in lines if line.length < LONG * longest]
        return long + [
            line for line in short if line.thickness <= ALIKE * thickness and line.tone <= ALIKE * tone
        ]
    return [
        line
        for line in long
        if line.length >= CROSSING * longest
        or line.box[0] <= 0.03 * width
        or line.box[0] + line.length >= 0.97 * width
    ]


def _halved(ink: Mask) -> Mask:
    """Half the size, ink where any of the four pixels is: for what is long, and slow to look for."""
    height, width = ink.shape
    padded = np.pad(ink, ((0, height % 2), (0, width % 2)))
    return np.asarray(padded[::2, ::2] | padded[1::2, ::2] | padded[::2, 1::2] | padded[1::2, 1::2])


def _enlarged(half: Mask, like: Mask) -> Mask:
    return half.repeat(2, axis=0).repeat(2, axis=1)[: like.shape[0], : like.shape[1]]


def _tables(across: Mask, down: Mask) -> list[Box]:
    """The boxes around lines that cross each other and stay off the edge of the photo."""
    joined = cv2.dilate((across | down).astype(np.uint8), np.ones((5, 5), np.uint8))
    count, components, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    height, width = across.shape
    both = np.zeros(count, dtype=bool)
    both[np.intersect1d(components[across], components[down])] = True
    boxes = []
    for number in range(1, count):
        x, y, w, h, _ = (int(value) for value in stats[number])
        inside = x > 2 and y > 2 and x + w < width - 2 and y + h < height - 2
        if both[number] and inside and min(w, h) >= 0.8 * LONG * min(height, width):
            boxes.append((x, y, w, h))
    return boxes
