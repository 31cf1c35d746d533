"""Which strips of ink make one digit: the way to read a row that a network finds most convincing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.pipeline import Pipeline
from digitprep.segment.cuts import cut_apart
from digitprep.segment.pieces import Piece, gaps, together
from digitprep.steps.base import Image, Mask

# The end of the default recipe: what becomes of a digit once its ink is known.
DIGIT = Pipeline.parse("thicken | crop | resize(size=20) | center(size=28)")

# (N, 28, 28) uint8 -> (N, classes): how likely each image is a digit, and this one. A row sums to less
# than one where the image may be none; `Classifier.probabilities` leaves that aside.
Judge = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# At most so many strips make one digit, and several at most so wide a one beside the usual height.
MOST_STRIPS, WIDEST = 6, 1.5

# What is held against a reading, in units of -log(probability): a cut, each stroke's width of ink that
# it crosses, a join, each usual height of gap that it bridges, being too low for a digit, and leaving
# apart what lies above each other.
CUT, CUT_INK, JOIN, JOIN_GAP, LOW, OVERLAP = 0.9, 0.4, 0.6, 12.0, 16.0, 2.0

# Width beside height, above which a digit is rarely and hardly ever one, and what each unit beyond costs.
BROAD, BROAD_COST = 0.8, 2.0
WIDE, WIDE_COST = 1.3, 6.0

# No network's doubt about one digit counts for more than this, and for less where its ink is connected and
# no wider than a digit: people write digits that no network knows.
WORST, WORST_CONNECTED = 4.0, 2.0

TURNED_DEGREES = (-14.0, 14.0)

# Two strips of this height, beside the usual digit, are two digits however they overlap.
TALL = 0.6

# Rows that fall by less than this are level.
LEVEL = 0.03


@dataclass(frozen=True, eq=False)
class Glyph:
    """Ink taken for one digit: the piece, its (28, 28) image, and how badly it reads, 0 for well."""

    piece: Piece
    image: Image
    cost: float


@dataclass
class _Row:
    """The strips of a row; for each boundary between two, whether ink was cut there, and how much."""

    strips: list[Piece] = field(default_factory=list)
    cuts: list[float | None] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Strips first..last - 1 of a row taken for one digit, and what speaks against that."""

    row: int
    first: int
    last: int
    piece: Piece
    image: Image
    penalty: float
    worst: float


def read_rows(
    rows: Sequence[Sequence[Piece]], height: float, slope: float, judge: Judge
) -> list[list[Glyph]]:
    """Rows of pieces -> rows of digits, cut where they touch and joined where they are broken.

    height: the usual digit's, in px; slope: by how much the rows fall to the right, as rise over run
    """
    stripped = [_strips(row, height) for row in rows]
    candidates = [c for number, row in enumerate(stripped) for c in _candidates(number, row, height, slope)]
    if not candidates:
        return []
    costs = _costs(np.stack([candidate.image for candidate in candidates]), judge)
    read = []
    for number, row in enumerate(stripped):
        own = [(c, float(cost)) for c, cost in zip(candidates, costs, strict=True) if c.row == number]
        read.append(_best(len(row.strips), own))
    return [row for row in read if row]


def doubts(inks: Sequence[Mask], judge: Judge) -> NDArray[np.float32]:
    """Masks, each taken for one digit -> how badly each of them reads, 0 for well."""
    return _costs(np.stack([DIGIT(np.where(ink, 255, 0).astype(np.uint8)) for ink in inks]), judge)


def over_turns(images: NDArray[np.uint8], judge: Judge) -> NDArray[np.float32]:
    """(N, 28, 28) uint8 -> (N, classes): what `judge` says in the mean over each image and turned ones.

    A network is sure of many a scrap; what is a digit stays one when it is turned a little.
    """
    turned = [images]
    for angle in TURNED_DEGREES:
        matrix = cv2.getRotationMatrix2D((13.5, 13.5), angle, 1)
        turned.append(np.stack([cv2.warpAffine(image, matrix, (28, 28)) for image in images]))
    return np.asarray(np.mean([judge(each) for each in turned], axis=0), dtype=np.float32)


def _costs(images: NDArray[np.uint8], judge: Judge) -> NDArray[np.float32]:
    """-log of how likely the likeliest class of each image is, at most WORST."""
    likely = over_turns(images, judge).max(axis=1)
    return np.asarray(np.minimum(-np.log(np.maximum(likely, 1e-6)), WORST))


def _strips(row: Sequence[Piece], height: float) -> _Row:
    found = _Row()
    for piece in row:
        strips, costs = [piece], list[float]()
        if piece.width > 0.6 * height and piece.width > 0.6 * piece.height:
            strips, costs = cut_apart(piece)
        found.cuts.extend([None, *(cost / max(piece.pen, 1) for cost in costs)][: len(strips)])
        found.strips.extend(strips)
    found.cuts = found.cuts[1:]
    return found


def _candidates(number: int, row: _Row, height: float, slope: float) -> list[_Candidate]:
    found = []
    for first in range(len(row.strips)):
        for last in range(first + 1, min(first + MOST_STRIPS, len(row.strips)) + 1):
            piece = together(row.strips[first:last])
            if last - first > 1 and piece.width > WIDEST * height:
                break
            penalty = _penalty(row, first, last, piece, height)
            if penalty > 3 * WORST and last - first > 1:
                continue
            try:
                image = DIGIT(_levelled(piece, slope))
            except StepError:
                continue
            found.append(
                _Candidate(
                    number, first, last, piece, image, penalty, _worst(row, first, last, piece, height)
                )
            )
    return found


def _worst(row: _Row, first: int, last: int, piece: Piece, height: float) -> float:
    """The most that doubt about a candidate counts for."""
    ends = [place for place in (first - 1, last - 1) if 0 <= place < len(row.cuts)]
    connected = all(row.cuts[place] is None for place in ends) and all(
        cut is not None for cut in row.cuts[first : last - 1]
    )
    slim = piece.height >= TALL * height and piece.width <= BROAD * height
    return WORST_CONNECTED if connected and slim else WORST


def _levelled(piece: Piece, slope: float) -> Image:
    """The ink of a piece, 255 on 0, turned so that its row is level."""
    ink = np.where(piece.ink, 255, 0).astype(np.uint8)
    if abs(slope) < LEVEL:
        return ink
    around = piece.size // 4 + 1
    padded = np.pad(ink, around)
    centre = (padded.shape[1] / 2, padded.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(centre, math.degrees(math.atan(slope)), 1)
    return np.asarray(cv2.warpAffine(padded, turn, padded.shape[::-1]), dtype=np.uint8)


def _penalty(row: _Row, first: int, last: int, piece: Piece, height: float) -> float:
    broad = piece.width / max(piece.height, 0.8 * height)
    penalty = WIDE_COST * max(0.0, broad - WIDE) + BROAD_COST * max(0.0, broad - BROAD)
    penalty += LOW * max(0.0, 0.55 - piece.height / height)
    for boundary in range(first, last - 1):
        if row.cuts[boundary] is None:
            gap = gaps(row.strips[boundary], row.strips[boundary + 1])[0]
            penalty += (JOIN + JOIN_GAP * gap / height) * (1 - _overlap(row, boundary, height))
    for boundary in (first - 1, last - 1):
        if 0 <= boundary < len(row.cuts) and row.cuts[boundary] is None:
            penalty += OVERLAP * _overlap(row, boundary, height) / 2
        if 0 <= boundary < len(row.cuts) and (ink := row.cuts[boundary]) is not None:
            penalty += (CUT + CUT_INK * ink) / 2
    return penalty


def _overlap(row: _Row, boundary: int, height: float) -> float:
    """Which share of the narrower of two strips lies above or below the other one; 0 for two tall ones."""
    a, b = row.strips[boundary], row.strips[boundary + 1]
    if min(a.height, b.height) >= TALL * height:
        return 0.0
    return max(0, min(a.right, b.right) - max(a.left, b.left)) / max(1, min(a.width, b.width))


def _best(count: int, candidates: list[tuple[_Candidate, float]]) -> list[Glyph]:
    """The cheapest way through a row's strips, from the first to the last: its digits in reading order.

    candidates: with what the network holds against each, in the order of their first strips
    """
    total = [0.0] + [np.inf] * count
    came: list[tuple[_Candidate, float] | None] = [None] * (count + 1)
    for candidate, cost in candidates:
        sum_ = total[candidate.first] + min(cost, candidate.worst) + candidate.penalty
        if sum_ < total[candidate.last]:
            total[candidate.last], came[candidate.last] = sum_, (candidate, cost)
    glyphs = []
    place = count
    while place and (step := came[place]) is not None:
        candidate, cost = step
        glyphs.append(Glyph(candidate.piece, candidate.image, cost))
        place = candidate.first
    return glyphs[::-1]
