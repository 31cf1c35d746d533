"""Connected pieces of ink: found, sorted out by size, put together and cut apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digitprep.opencv import cv2
from digitprep.segment.rules import straight
from digitprep.steps.base import Box, Mask
from digitprep.steps.runs import VerticalRuns

# A piece is looked at when its longer side is at least this share of the page's, and a digit's piece
# lies between these shares of the usual digit's height; smaller ones may be parts of a digit.
SMALLEST_PX, SMALLEST, LARGEST = 6, 0.35, 3.0

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


@dataclass(frozen=True, eq=False)
class Piece:
    """Ink that belongs together: its box (x, y, width, height) in the mask, and its own (h, w) mask."""

    box: Box
    ink: Mask

    @property
    def left(self) -> int:
        """The first column of the box."""
        return self.box[0]

    @property
    def top(self) -> int:
        """The first row of the box."""
        return self.box[1]

    @property
    def width(self) -> int:
        """Columns of the box."""
        return self.box[2]

    @property
    def height(self) -> int:
        """Rows of the box."""
        return self.box[3]

    @property
    def right(self) -> int:
        """The column after the box."""
        return self.box[0] + self.box[2]

    @property
    def bottom(self) -> int:
        """The row after the box."""
        return self.box[1] + self.box[3]

    @property
    def size(self) -> int:
        """The longer side."""
        return max(self.box[2:])

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, (x, y)."""
        return self.left + self.width / 2, self.top + self.height / 2

    @cached_property
    def area(self) -> int:
        """Pixels of ink."""
        return int(self.ink.sum())

    @cached_property
    def pen(self) -> float:
        """How wide the stroke is: twice the ink over the length of its outline."""
        padded = np.pad(self.ink.astype(np.uint8), 1)
        outline = int((padded - cv2.erode(padded, np.ones((3, 3), np.uint8))).sum())
        return 2 * self.area / max(outline, 1)


def tight(ink: Mask, left: int = 0, top: int = 0) -> Piece | None:
    """The piece that all ink of (H, W) makes, whose corner lies at (left, top); None without ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return None
    y, x = int(rows[0]), int(columns[0])
    cut = ink[y : rows[-1] + 1, x : columns[-1] + 1]
    return Piece((left + x, top + y, cut.shape[1], cut.shape[0]), cut)


def together(pieces: Sequence[Piece]) -> Piece:
    """One piece from several."""
    if len(pieces) == 1:
        return pieces[0]
    left, top = min(piece.left for piece in pieces), min(piece.top for piece in pieces)
    right, bottom = max(piece.right for piece in pieces), max(piece.bottom for piece in pieces)
    ink = np.zeros((bottom - top, right - left), dtype=bool)
    for piece in pieces:
        ink[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left] |= piece.ink
    return Piece((left, top, right - left, bottom - top), ink)


def find_pieces(ink: Mask) -> list[Piece]:
    """(H, W) -> its connected pieces, without grains of a few pixels."""
    _, components, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    pieces = []
    for number in np.flatnonzero(stats[1:, 4] >= SMALLEST_PX) + 1:
        x, y, w, h, _ = (int(value) for value in stats[number])
        pieces.append(Piece((x, y, w, h), components[y : y + h, x : x + w] == number))
    return pieces


def usual_height(pieces: Iterable[Piece]) -> float:
    """The height of the piece in which the middle pixel of all ink lies; bars and blots aside."""
    chosen = sorted((piece for piece in pieces if not _is_bar(piece)), key=lambda piece: piece.height)
    if not chosen:
        return 0.0
    areas = np.cumsum([piece.area for piece in chosen])
    return float(chosen[int(np.searchsorted(areas, areas[-1] / 2))].height)


def _is_bar(piece: Piece) -> bool:
    return piece.area > 0.7 * piece.width * piece.height and piece.width > 1.5 * piece.height


def digit_pieces(ink: Mask) -> tuple[list[Piece], float]:
    """(H, W) -> the pieces that digits are made of, and the height of the usual digit."""
    shape = ink.shape
    pieces = _on_the_page(find_pieces(ink), shape)
    height = usual_height(piece for piece in pieces if not _holds_another(piece, pieces, 0.25 * piece.size))
    pieces = [part for piece in pieces for part in _without_thin_lines(piece, height, pieces)]
    height = usual_height(piece for piece in pieces if piece.size <= LARGEST * height)
    pieces = [piece for piece in pieces if piece.height <= LARGEST * height]
    if height < SMALLEST_DIGIT * max(shape):
        return [], height
    pieces = _joined(pieces, height)
    pen = _usual_pen(pieces, height)
    return [piece for piece in pieces if not _is_dash(piece, height) and piece.pen >= FINEST * pen], height


def _usual_pen(pieces: Sequence[Piece], height: float) -> float:
    return float(np.median([piece.pen for piece in pieces if piece.size >= 0.5 * height] or [0.0]))


def _is_dash(piece: Piece, height: float) -> bool:
    return piece.height < LOWEST * height and piece.width > 1.5 * piece.height


def _on_the_page(pieces: Sequence[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """The pieces without those that come in from outside of the photo: a finger, the edge of the paper.

    What merely touches the edge stays where it is drawn and as high as the digits are: a photo may be
    cut close to its digits.
    """
    apart = [piece for piece in pieces if not at_the_edge(piece, shape) or piece.size <= 0.04 * max(shape)]
    inside = {id(piece) for piece in apart}
    drawn = [piece for piece in pieces if id(piece) not in inside and _is_drawn(piece, shape)]
    height = usual_height([*apart, *drawn])
    return apart + [piece for piece in drawn if 0.65 * height <= piece.height <= 1.5 * height]


def at_the_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
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


def gaps(a: Piece, b: Piece) -> tuple[int, int]:
    """The empty pixels between two boxes, sideways and up or down; 0 where they overlap."""
    across = max(a.left, b.left) - min(a.right, b.right)
    down = max(a.top, b.top) - min(a.bottom, b.bottom)
    return max(across, 0), max(down, 0)


def distance(a: Piece, b: Piece) -> float:
    """The larger of the two gaps between the boxes, in pixels."""
    return float(max(gaps(a, b)))
