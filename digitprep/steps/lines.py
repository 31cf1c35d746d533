"""The step that takes ruled lines and printed frames away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from digitprep.opencv import cv2
from digitprep.spec import Between
from digitprep.steps.base import STEPS, Image, Mask, Step
from digitprep.steps.line_finder import MANY, Line, find_lines, usual_thickness

# A digit is at least this share of the longer side; less left over means the lines were the digit.
SMALLEST_REST = 0.15

# Beside so many lines there may be more of them, cut in two by the digit.
SEVERAL = 2

# What is left of lines is no thicker than they are, by this factor, and longer than so many times that; the
# rest of the ink, by this share, is thicker.
REMAINS_THICKER, LONG_REMAINS, LEAST_BODY = 1.5, 2.0, 0.6


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
        return _without(find_lines(image > 0, self.length), image)

    def apply_told(self, image: Image) -> tuple[Image, str]:
        lines = find_lines(image > 0, self.length)  # nearly all the work, and needed for both
        after = _without(lines, image)
        return after, _said(lines, image, after)

    def decision(self, before: Image, after: Image) -> str:
        return _said(find_lines(before > 0, self.length), before, after)


def _without(lines: list[Line], image: Image) -> Image:
    """The image less the lines and what is left of them, or all of it where they are the digit."""
    if not lines:
        return image.copy()
    rest = np.where(np.logical_or.reduce([line.pixels for line in lines]), 0, image).astype(np.uint8)
    if len(lines) >= SEVERAL:
        remains = _remains(rest > 0, usual_thickness(lines), anywhere=len(lines) >= MANY)
        rest = np.where(remains, 0, rest).astype(np.uint8)
    return image.copy() if _longest_piece(rest) < SMALLEST_REST * max(image.shape) else rest


def _said(lines: list[Line], before: Image, after: Image) -> str:
    """What became of the lines, in a few words."""
    if not lines:
        return "no lines found"
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    kept = np.array_equal(before, after)
    return f"{count} kept: without, no digit is left" if kept else f"{count} removed"


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


def _longest_piece(image: Image) -> int:
    """The longer side of the largest connected component, in pixels."""
    stats = cv2.connectedComponentsWithStats((image > 0).astype(np.uint8), connectivity=8)[2][1:]
    return int(max((max(stat[cv2.CC_STAT_WIDTH], stat[cv2.CC_STAT_HEIGHT]) for stat in stats), default=0))
