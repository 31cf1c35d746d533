"""A photo of a page -> its digits in reading order: `segment`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitprep.errors import StepError
from digitprep.segment.boxes import without_boxes
from digitprep.segment.digit_pieces import digit_pieces
from digitprep.segment.paper import enlarged, ink_of, rescaled, two_tones, widest_window, without_ghosts
from digitprep.segment.pieces import Piece
from digitprep.segment.reading import Glyph, Judge, doubts, read_rows
from digitprep.segment.rows import group_numbers, in_rows
from digitprep.segment.rules import without_rules
from digitprep.steps.base import Box, Image, Mask

# Once the digits' height is known, the paper is looked at in windows of so many heights, but not in
# smaller ones than this share of the shorter side.
CLOSER, SMALLEST_WINDOW = 2.5, 0.06

# A page that costs less than this, in units of -log(probability) a digit, is not tried the other ways up,
# and it is turned where that makes it cheaper by this share, and by this much.
READS_WELL, TURN_SHARE, TURN_GAIN = 0.02, 0.6, 0.01

# What costs more a digit is a group of something else, on a page where others cost less than half of it.
NO_DIGITS = 2.0

# So many pieces of a page, or some more, say which ways up are worth reading it in.
TURNED_PIECES = 24


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a page.

    image: (28, 28) uint8, 0 for paper and 255 for ink, as MNIST's makers would have made it
    box: (x, y, width, height) in the photo's pixels
    row, group: which row it stands in, and which group of that row, both from 0
    """

    image: Image
    box: Box
    row: int
    group: int


@dataclass(frozen=True, eq=False)
class Page:
    """The digits of a page in reading order, and by how many quarters it has to be turned to be read.

    digits: row by row, from left to right
    quarter_turns: 0..3, anticlockwise
    """

    digits: tuple[Digit, ...]
    quarter_turns: int

    def text(self, names: Sequence[str]) -> str:
        """The names of the digits, in their order, with a blank between rows and between groups."""
        text, last = "", (0, 0)
        for digit, name in zip(self.digits, names, strict=True):
            place = (digit.row, digit.group)
            text += name if place == last else f" {name}"
            last = place
        return text


def segment(photo: Image, judge: Judge) -> Page:
    """(H, W[, 3]) uint8 -> its digits.

    `judge` is as `Classifier.probabilities` of a network for images of (28, 28): it decides where digits
    that touch are cut, which strokes make one digit, and which side of the page is up.

    Raises StepError where there is no ink, or none that could be a digit.
    """
    ink = _page_ink(photo)
    turn, rows, height = _upright(ink, judge)
    if not rows:
        raise StepError("there is ink, but none that could be a digit; photograph the page closer")
    rows = _without_words(rows, height)
    groups = _groups(rows, height)
    scale = photo.shape[1] / ink.shape[1], photo.shape[0] / ink.shape[0]
    digits = [
        Digit(glyph.image, _scaled(_turned_back(glyph.piece.box, turn, ink.shape), scale), row, group)
        for row, glyphs in enumerate(rows)
        for glyph, group in zip(glyphs, groups[row], strict=True)
    ]
    return Page(tuple(digits), turn)


def _groups(rows: Sequence[Sequence[Glyph]], height: float) -> list[list[int]]:
    return group_numbers([[glyph.piece for glyph in row] for row in rows], height)


def _without_words(rows: list[list[Glyph]], height: float) -> list[list[Glyph]]:
    """Rows without the groups that are no digits: words, scribbles, what else lies on a page.

    Where nothing reads well, everything stays: that the page is doubtful is for its reader to see.
    """
    costs: dict[tuple[int, int], list[float]] = {}
    groups = _groups(rows, height)
    for row, glyphs in enumerate(rows):
        for glyph, group in zip(glyphs, groups[row], strict=True):
            costs.setdefault((row, group), []).append(glyph.cost + glyph.penalty)
    means = {place: float(np.mean(each)) for place, each in costs.items()}
    if min(means.values()) > NO_DIGITS / 2:
        return rows
    kept = [
        [glyph for glyph, group in zip(glyphs, groups[row], strict=True) if means[row, group] <= NO_DIGITS]
        for row, glyphs in enumerate(rows)
    ]
    return [row for row in kept if row]


def _page_ink(photo: Image) -> Mask:
    """The ink of a page, in the size in which its digits are large enough."""
    pixels = rescaled(photo)
    ink = _ink(pixels)
    larger = enlarged(photo, max(pixels.shape[:2]), digit_pieces(ink)[1])
    return ink if larger is None else _ink(larger)


def _ink(pixels: Image) -> Mask:
    """The ink of a page without what is printed around it.

    Where nothing as large as a digit stands out, the digits may leave too little paper to tell it by: then
    the ink is the rarer one of two tones.
    """
    ink = _written(pixels)
    return ink if digit_pieces(ink)[0] else two_tones(pixels)


def _written(pixels: Image) -> Mask:
    """What stands out from the paper, without rules, and the boxes and tables around digits."""
    widest = widest_window(pixels)
    found = ink_of(pixels, widest)
    height = digit_pieces(without_ghosts(without_rules(found)[0], found.darkness))[1]
    share = height / min(pixels.shape[:2])
    window = max(CLOSER * share, SMALLEST_WINDOW)
    if height and window < widest:  # small digits: the paper may change from one to the next
        found = ink_of(pixels, window)
    ink, tables = without_rules(found)
    ink = without_ghosts(without_boxes(ink), found.darkness)
    if not tables:
        return ink
    x, y, w, h = max(tables, key=lambda table: table[2] * table[3])
    inside = np.zeros_like(ink)
    inside[y : y + h, x : x + w] = ink[y : y + h, x : x + w]
    return inside if inside.sum() >= 0.4 * ink.sum() else ink


def _upright(ink: Mask, judge: Judge) -> tuple[int, list[list[Glyph]], float]:
    """The quarter turns after which a page reads best, its rows then, and the usual digit's height."""
    best = _read(ink, judge)
    turn, best_cost = 0, _cost(best[0])
    if best_cost > READS_WELL:
        for quarter in _likely_turns(digit_pieces(ink)[0], judge):
            other = _read(np.rot90(ink, quarter), judge)
            cost = _cost(other[0])
            if cost < (TURN_SHARE * best_cost - TURN_GAIN if turn == 0 else best_cost):
                turn, best, best_cost = quarter, other, cost
    return turn, *best


def _likely_turns(pieces: Sequence[Piece], judge: Judge) -> list[int]:
    """The quarter turns, 1..3, after which these pieces, or some of many, are better digits."""
    if not pieces:
        return [1, 2, 3]
    chosen = pieces[:: max(1, len(pieces) // TURNED_PIECES)]
    upright, *turned = (
        doubts([np.rot90(piece.ink, quarter) for piece in chosen], judge).mean() for quarter in range(4)
    )
    return [quarter for quarter, doubt in enumerate(turned, start=1) if doubt < upright]


def _read(ink: Mask, judge: Judge) -> tuple[list[list[Glyph]], float]:
    pieces, height = digit_pieces(ink)
    rows, slope = in_rows(pieces, height)
    return read_rows(rows, height, slope, judge), height


def _cost(rows: Sequence[Sequence[Glyph]]) -> float:
    costs = [glyph.cost for row in rows for glyph in row]
    return float(np.mean(costs)) if costs else np.inf


def _turned_back(box: Box, quarter_turns: int, shape: tuple[int, ...]) -> Box:
    """A box in a mask that was turned anticlockwise -> the same in the mask as it was, (H, W)."""
    x, y, w, h = box
    height, width = shape
    if quarter_turns == 1:
        return (width - y - h, x, h, w)
    if quarter_turns == 2:
        return (width - x - w, height - y - h, w, h)
    if quarter_turns == 3:
        return (y, height - x - w, h, w)
    return box


def _scaled(box: Box, scale: tuple[float, float]) -> Box:
    x, y, w, h = box
    left, top = round(x * scale[0]), round(y * scale[1])
    right, bottom = round((x + w) * scale[0]), round((y + h) * scale[1])
    return (left, top, max(1, right - left), max(1, bottom - top))
