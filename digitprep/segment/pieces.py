"""Connected pieces of ink: found, measured and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digitprep.opencv import cv2
from digitprep.steps.base import Box, Mask

# What has fewer pixels is a grain.
SMALLEST_PX = 6


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


def tight(ink: Mask, left: int, top: int) -> Piece | None:
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


def gaps(a: Piece, b: Piece) -> tuple[int, int]:
    """The empty pixels between two boxes, sideways and up or down; 0 where they overlap."""
    across = max(a.left, b.left) - min(a.right, b.right)
    down = max(a.top, b.top) - min(a.bottom, b.bottom)
    return max(across, 0), max(down, 0)


def distance(a: Piece, b: Piece) -> float:
    """The larger of the two gaps between the boxes, in pixels."""
    return float(max(gaps(a, b)))
