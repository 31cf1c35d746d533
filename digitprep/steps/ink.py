"""Steps on the ink itself: all that is not the digit taken away, and thin strokes made thicker.

They work on the mask that a threshold leaves, where whatever is not 0 is ink.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.spec import Between
from digitprep.steps.base import STEPS, Box, Image, Share, Step, ink_box

# What a piece's score is worth when it touches no border, one, or more: the more it touches, the
# likelier it is a frame, a shadow or a neighbour.
BORDER_PENALTY = (1.0, 0.15, 0.03)

# Of a frame's ink at most this share lies further inside than this share of its sides, where the
# centre of another piece lies that is at least this large beside it.
FRAME_CORE_INK, FRAME_MARGIN, FRAMED_SIZE = 0.1, 0.12, 0.2

# A piece that was not kept may be another digit where it is whole and about as high as the one that
# was, from and up to these shares, with at least this share of its ink. No photo of one digit, of 1,000
# that were tried, holds such a piece.
OTHER_LEAST, OTHER_MOST, OTHER_INK = 0.6, 1.6, 0.15


@STEPS.register
@dataclass(frozen=True)
class KeepDigit(Step):
    """(H, W) -> (H, W): of all ink only the digit's: the best piece and the strokes that belong to it.

    The best piece is large and central, keeps off the border and is no frame around another. One more
    piece is a stroke of the same digit where it lies near it, or straight above or below.
    Source: our own.

    gap: how far away on either axis a piece is near, as a share of the digit's size
    gap_above: how far above or below, as such a share

    Raises StepError where there is no ink.
    """

    gap: Annotated[float, Between(0, 2)] = 0.12
    gap_above: Annotated[float, Between(0, 2)] = 0.3

    def apply(self, image: Image) -> Image:
        return self._kept(image)[0]

    def apply_told(self, image: Image) -> tuple[Image, str]:
        after, kept, total = self._kept(image)
        return after, _said(kept, total, reduce(_union, [piece.box for piece in kept]))

    def decision(self, before: Image, after: Image) -> str:
        return _said(_pieces(after)[1], len(_pieces(before)[1]), ink_box(after))

    def _kept(self, image: Image) -> tuple[Image, list[_Piece], int]:
        """The digit alone, the pieces that it is made of, and how many there were."""
        components, pieces = _pieces(image)
        if not pieces:
            raise StepError("no ink is left, so there is no digit to keep")

        # Asked last and of few: the answer takes a look at every other piece, and noise has thousands.
        def is_ink(piece: _Piece) -> bool:
            return not _is_frame(piece, pieces, components)

        digit = next(filter(is_ink, sorted(pieces, key=lambda piece: -piece.score)))
        strokes = self._strokes(digit, pieces, is_ink)
        keep = np.zeros(len(pieces) + 1, dtype=bool)
        keep[[piece.number for piece in strokes]] = True
        return np.where(keep[components], image, 0).astype(np.uint8), strokes, len(pieces)

    def doubt(self, before: Image, after: Image) -> str:
        rest = np.where(after > 0, 0, before).astype(np.uint8)
        if not rest.any():
            return ""
        kept, area = ink_box(after), int((after > 0).sum())
        others = sum(_is_another(piece, kept, area) for piece in _pieces(rest)[1])
        return f"{others + 1} digits in the photo? try --many, or take one photo a digit" if others else ""

    def _strokes(self, digit: _Piece, pieces: list[_Piece], is_ink: Callable[[_Piece], bool]) -> list[_Piece]:
        """The digit's own piece and those that belong to it, the nearest tried first."""
        box, strokes = digit.box, [digit]
        others = [piece for piece in pieces if piece is not digit and piece.borders <= digit.borders]
        for piece in sorted(others, key=lambda piece: sum(_gaps(digit.box, piece.box))):
            union = _union(box, piece.box)
            fits = union[2] <= 1.6 * digit.size and union[3] <= 1.7 * digit.size
            large_enough = piece.area >= 0.03 * digit.area
            if fits and large_enough and self._belongs(box, piece.box) and is_ink(piece):
                strokes.append(piece)
                box = union
        return strokes

    def _belongs(self, box: Box, other: Box) -> bool:
        size = max(box[2:])
        across, along = _gaps(box, other)
        overlap = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
        above = overlap >= 0.5 * min(box[2], other[2]) and along <= self.gap_above * size
        return above or max(across, along) <= self.gap * size


@dataclass(frozen=True)
class _Piece:
    """A connected component: its number, box, ink in pixels, borders that it touches, and score."""

    number: int
    box: Box
    area: int
    borders: int
    score: float

    @property
    def size(self) -> int:
        return max(self.box[2:])


def _said(kept: list[_Piece], total: int, box: Box) -> str:
    """How many of the pieces are the digit, and where it is, in a few words."""
    x, y, width, height = box
    pieces = "the only piece" if total == 1 else f"{len(kept)} of {total} pieces"
    return f"{pieces}: {height} x {width} px at row {y}, column {x}"


def _pieces(image: Image) -> tuple[NDArray[np.int32], list[_Piece]]:
    """The connected components of an (H, W) image: their numbers a pixel, and each one described."""
    height, width = image.shape
    ink = (image > 0).astype(np.uint8)
    count, components, stats, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    pieces = []
    for number in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[number])
        borders = (x <= 1) + (y <= 1) + (x + w >= width - 1) + (y + h >= height - 1)
        offset = math.hypot(
            (centres[number][0] + 0.5) / width - 0.5, (centres[number][1] + 0.5) / height - 0.5
        )
        score = max(w, h) * math.sqrt(area) * math.exp(-6 * offset**2) * BORDER_PENALTY[min(borders, 2)]
        pieces.append(_Piece(number, (x, y, w, h), area, borders, score))
    return np.asarray(components, dtype=np.int32), pieces


def _is_frame(piece: _Piece, pieces: list[_Piece], components: NDArray[np.int32]) -> bool:
    """Whether a piece is a box, or a corner of one, drawn around another piece: a cell of a form."""
    x, y, width, height = piece.box
    left, top = x + FRAME_MARGIN * width, y + FRAME_MARGIN * height
    right, bottom = x + width - FRAME_MARGIN * width, y + height - FRAME_MARGIN * height
    core = components[round(top) : round(bottom), round(left) : round(right)] == piece.number
    if int(core.sum()) > FRAME_CORE_INK * piece.area:
        return False
    return any(
        other is not piece
        and _union(piece.box, other.box) == piece.box
        and left <= other.box[0] + other.box[2] / 2 <= right
        and top <= other.box[1] + other.box[3] / 2 <= bottom
        and other.size >= FRAMED_SIZE * piece.size
        for other in pieces
    )


def _is_another(piece: _Piece, kept: Box, area: int) -> bool:
    """Whether a piece outside of the kept digit looks like a second one, and not like its frame."""
    alike = OTHER_LEAST <= piece.box[3] / kept[3] <= OTHER_MOST and piece.area >= OTHER_INK * area
    return alike and not piece.borders and _union(piece.box, kept) != piece.box


def _gaps(a: Box, b: Box) -> tuple[int, int]:
    """The empty pixels between two boxes, sideways and up or down; 0 where they overlap."""
    across = max(a[0], b[0]) - min(a[0] + a[2], b[0] + b[2])
    along = max(a[1], b[1]) - min(a[1] + a[3], b[1] + b[3])
    return max(across, 0), max(along, 0)


def _union(a: Box, b: Box) -> Box:
    x, y = min(a[0], b[0]), min(a[1], b[1])
    return (x, y, max(a[0] + a[2], b[0] + b[2]) - x, max(a[1] + a[3], b[1] + b[3]) - y)


@STEPS.register
@dataclass(frozen=True)
class Thicken(Step):
    """(H, W) -> (H, W): strokes thinner than a share of the ink's longer side brought up to it.

    A line of one pixel on a large page would all but vanish when it is made small.
    The width is measured as twice the ink's area over the length of its outline.
    Source: our own.

    smallest: a stroke's least width, as a share of the ink's longer side: 0.06 of 20 px are 1.2, where
        MNIST's thinnest hundredth ends

    Raises StepError where there is no ink.
    """

    smallest: Share = 0.06

    def apply(self, image: Image) -> Image:
        ink = (image > 0).astype(np.uint8)
        size = max(ink_box(image)[2:])
        outline = int((ink - cv2.erode(ink, np.ones((3, 3), np.uint8))).sum())
        stroke = 2 * int(ink.sum()) / max(outline, 1)
        missing = round(self.smallest * size - stroke)
        if missing < 1:
            return image.copy()
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
        # What of it lies beyond the image wherever it stands would only take time.
        height, width = image.shape
        middle = (missing + 1) // 2
        top, left = max(0, middle - height), max(0, middle - width)
        kernel = kernel[top : middle + height, left : middle + width]
        thick = cv2.dilate(image, kernel, anchor=(middle - left, middle - top))
        return np.asarray(thick, dtype=np.uint8)

    def decision(self, before: Image, after: Image) -> str:
        if np.array_equal(before, after):
            return "strokes are thick enough"
        grown = max(now - old for now, old in zip(ink_box(after)[2:], ink_box(before)[2:], strict=True))
        return f"strokes {grown} px thicker"
