"""Of all pieces of ink on a page those that digits are made of: told by their size, pen and place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from digitprep.segment.pieces import Piece, distance, find_pieces, gaps, together
from digitprep.segment.rules import straight
from digitprep.steps.base import Mask
from digitprep.steps.runs import VerticalRuns

# A digit's piece lies between these shares of the usual digit's height; smaller ones may be parts of a digit.
SMALLEST, LARGEST = 0.35, 3.0

# Lower than this share of the page's longer side no digit can be told from a speck.
SMALLEST_DIGIT = 0.006

# What is lower than this beside the usual digit and lies flat is a dash; what is drawn with less than
# this share of the usual pen's width is the rest of a printed line.
LOWEST, FINEST = 0.4, 0.45

# Wider than this share of its longer side no pen is.
THICKEST_PEN = 0.35

# A part belongs to a digit that is this near, in heights of the usual digit, or in whose box it lies if
# it is smaller than the last one.
NEAR, ABOVE, PART = 0.12, 0.25, 0.6


def digit_pieces(ink: Mask) -> tuple[list[Piece], float]:
    """(H, W) -> the pieces that digits are made of, and the height of the usual digit."""
    shape = ink.shape
    pieces = _on_the_page(find_pieces(ink), shape)
    height = _usual_height(piece for piece in pieces if not _holds_another(piece, pieces, 0.25 * piece.size))
    pieces = [part for piece in pieces for part in _without_thin_lines(piece, height, pieces)]
    height = _usual_height(piece for piece in pieces if piece.size <= LARGEST * height)
    pieces = [piece for piece in pieces if piece.height <= LARGEST * height]
    if height < SMALLEST_DIGIT * max(shape):
        return [], height
    pieces = _joined(pieces, height)
    pen = _usual_pen(pieces, height)
    return [piece for piece in pieces if not _is_dash(piece, height) and piece.pen >= FINEST * pen], height


def _usual_height(pieces: Iterable[Piece]) -> float:
    """The height of the piece in which the middle pixel of all ink lies; bars and blots aside."""
    chosen = sorted((piece for piece in pieces if not _is_bar(piece)), key=lambda piece: piece.height)
    if not chosen:
        return 0.0
    areas = np.cumsum([piece.area for piece in chosen])
    return float(chosen[int(np.searchsorted(areas, areas[-1] / 2))].height)


def _is_bar(piece: Piece) -> bool:
    return piece.area > 0.7 * piece.width * piece.height and piece.width > 1.5 * piece.height


def _usual_pen(pieces: Sequence[Piece], height: float) -> float:
    return float(np.median([piece.pen for piece in pieces if piece.size >= 0.5 * height] or [0.0]))


def _is_dash(piece: Piece, height: float) -> bool:
    return piece.height < LOWEST * height and piece.width > 1.5 * piece.height


def _on_the_page(pieces: Sequence[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """The pieces without those that come in from outside of the photo: a finger, the edge of the paper.

    What merely touches the edge stays where it is drawn and as high as the digits are: a photo may be
    cut close to its digits.
    """
    apart = [piece for piece in pieces if not _at_the_edge(piece, shape) or piece.size <= 0.04 * max(shape)]
    inside = {id(piece) for piece in apart}
    drawn = [piece for piece in pieces if id(piece) not in inside and _is_drawn(piece, shape)]
    height = _usual_height([*apart, *drawn])
    return apart + [piece for piece in drawn if 0.65 * height <= piece.height <= 1.5 * height]


def _at_the_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether a piece reaches the edge of a mask of (H, W)."""
    height, width = shape
    return piece.left <= 1 or piece.top <= 1 or piece.right >= width - 1 or piece.bottom >= height - 1


def _is_drawn(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether a piece at the edge is a stroke that ends there, not an area or a line that goes on."""
    ink, (height, width) = piece.ink, shape
    along = [
        ink[:2].any(axis=0).sum() * (piece.top <= 1),
        ink[-2:].any(axis=0).sum() * (piece.bottom >= height - 1),
        ink[:, :2].any(axis=1).sum() * (piece.left <= 1),
        ink[:, -2:].any(axis=1).sum() * (piece.right >= width - 1),
    ]
    slim = piece.pen <= THICKEST_PEN * piece.size and piece.width <= 1.5 * piece.height
    return slim and piece.size <= 0.5 * max(shape) and max(along) <= 0.6 * piece.size


def _without_thin_lines(piece: Piece, height: float, pieces: Sequence[Piece]) -> list[Piece]:
    """A piece less the printed lines in it: those much thinner than the pen, or a frame around others."""
    if piece.size < 1.3 * height or height < 8:
        return [piece]
    pen = _usual_pen(pieces, height)
    thickest = 1.3 * pen if _holds_another(piece, pieces, 0.4 * height) else 0.6 * pen
    rest = piece.ink & ~_lines(piece.ink, height, thickest) & ~_lines(piece.ink.T, height, thickest).T
    if rest.sum() == piece.area:
        return [piece]
    parts = find_pieces(rest)
    return [Piece((p.left + piece.left, p.top + piece.top, p.width, p.height), p.ink) for p in parts]


def _holds_another(piece: Piece, pieces: Sequence[Piece], least: float) -> bool:
    """Whether another piece of at least that size lies within the box of a piece, as a digit in a frame."""
    return any(
        other is not piece
        and other.size >= least
        and piece.left <= other.left
        and piece.top <= other.top
        and piece.right >= other.right
        and piece.bottom >= other.bottom
        for other in pieces
    )


def _lines(ink: Mask, height: float, thickest: float) -> Mask:
    found = straight(ink, max(8, round(1.1 * height)))
    runs = VerticalRuns.of(ink).length
    return found & (runs <= max(2, thickest))


def _joined(pieces: Sequence[Piece], height: float) -> list[Piece]:
    """Strokes put to the digit that they belong to; what is small and alone is left out."""
    bodies = [piece for piece in pieces if piece.size >= SMALLEST * height]
    parts = sorted((piece for piece in pieces if piece.size < SMALLEST * height), key=lambda p: -p.area)
    for part in parts:
        if part.area < 0.012 * height * height * 0.5:
            continue
        near = [(distance(body, part), place) for place, body in enumerate(bodies)]
        if near and min(near)[0] <= NEAR * height:
            place = min(near)[1]
            bodies[place] = together([bodies[place], part])
    bodies.sort(key=lambda piece: -piece.area)
    return _stacked(bodies, height)


def _stacked(bodies: list[Piece], height: float) -> list[Piece]:
    """Strokes one above the other made one digit: the bar of a 5, a broken 2."""
    done: list[Piece] = []
    for piece in bodies:
        for place, other in enumerate(done):
            if _are_one(piece, other, height):
                done[place] = together([piece, other])
                break
        else:
            done.append(piece)
    return done


def _are_one(a: Piece, b: Piece, height: float) -> bool:
    across, down = gaps(a, b)
    overlap = min(a.right, b.right) - max(a.left, b.left)
    beside = min(a.bottom, b.bottom) - max(a.top, b.top)
    union_height = max(a.bottom, b.bottom) - min(a.top, b.top)
    small = min(a, b, key=lambda piece: piece.size)
    if small.size < PART * height and max(overlap, 0) * max(beside, 0) >= 0.8 * small.width * small.height:
        return True
    if union_height > 1.6 * height or beside > 0.5 * min(a.height, b.height):
        return False
    return overlap >= 0.5 * min(a.width, b.width) and down <= ABOVE * height and across == 0
