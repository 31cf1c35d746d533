"""Printed boxes around digits, such as the cells of a form, on a page."""

from __future__ import annotations

import numpy as np

from digitprep.opencv import cv2
from digitprep.segment.rules import straight
from digitprep.steps.base import Mask
from digitprep.steps.runs import VerticalRuns

# The sides of a box are at least this share of the page's longer side, and no thicker than the next share
# of that; they may be broken over the third, where a stroke of the digit runs into them, and the last one
# where they meet.
SIDE, THICKEST, GAP, CORNER = 0.018, 0.35, 0.6, 0.15

# Paper that lines shut in is a box where it fills this much of the rectangle around it, and where that is
# no longer than so many times its other side.
FILLED, LONGEST = 0.86, 3.0

# What is as thin, as straight and, by the first share, as long as the sides of boxes is one, too; it may be
# broken over the second.
AS_LONG, HOLE = 0.8, 0.25


def without_boxes(ink: Mask) -> Mask:
    """(H, W) -> the mask without the thin straight lines that shut in rectangles of paper, with ink in them.

    A digit is lower than its box: what is nearly as long as the sides of the boxes is another side, or two
    of them beside each other, even where a digit has broken it or boxes overlap.
    """
    side = max(10, round(SIDE * max(ink.shape)))
    thickest = max(3, round(THICKEST * side))
    across, down = _thin_lines(ink, side, thickest), _thin_lines(ink.T, side, thickest).T
    if not across.any() or not down.any():
        return ink
    boxes = _boxes(ink, across, down, side)
    if not boxes:
        return ink
    width, height = (max(side, round(AS_LONG * length)) for length in np.median(boxes, axis=0))
    sides = _thin_lines(ink, width, 2 * thickest, HOLE) | _thin_lines(ink.T, height, 2 * thickest, HOLE).T
    return np.asarray(ink & ~sides)


def _thin_lines(ink: Mask, length: int, thickest: int, broken: float = 0.0) -> Mask:
    """The pieces of ink that are straight over `length` px, nearly horizontal, and at most so thick.

    broken: over which share of its length a line may be interrupted
    """
    thin = ink & (VerticalRuns.of(ink).length <= thickest)
    return straight(_closed(thin, round(broken * length)), length) & thin


def _closed(ink: Mask, gap: int) -> Mask:
    """(H, W) -> the mask with gaps of less than so many px closed along its rows."""
    kernel = np.ones((1, max(1, gap)), np.uint8)
    return np.asarray(cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


def _boxes(ink: Mask, across: Mask, down: Mask, side: int) -> list[tuple[int, int]]:
    """The (width, height) of each rectangle of paper that lines shut in, with ink in its middle."""
    hole, grown = round(GAP * side), 2 * max(2, round(CORNER * side)) + 1
    shut = _closed(across, hole) | _closed(down.T, hole).T
    walls = cv2.dilate(shut.astype(np.uint8), np.ones((grown, grown), np.uint8))
    contours, levels = cv2.findContours(walls, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour, (_, _, _, parent) in zip(contours, [] if levels is None else levels[0], strict=True):
        size = cv2.minAreaRect(contour)[1]
        if parent < 0 or min(size) < 0.8 * side or max(size) > LONGEST * min(size):
            continue
        x, y, width, height = cv2.boundingRect(contour)
        middle = ink[y + height // 4 : y + height - height // 4, x + width // 4 : x + width - width // 4]
        if cv2.contourArea(contour) >= FILLED * size[0] * size[1] and middle.any():
            boxes.append((width + grown, height + grown))
    return boxes
