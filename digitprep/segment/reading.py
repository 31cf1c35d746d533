"""Which strips of ink make one digit: the way to read a row that a network finds most convincing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.pipeline import Pipeline
from digitprep.segment.cuts import cut_apart
from digitprep.segment.pieces import Piece, together
from digitprep.segment.strips import CUT, WORST, Strips, breadth
from digitprep.steps.base import Image, Mask

# The end of the default recipe: what becomes of a digit once its ink is known.
DIGIT = Pipeline.parse("thicken | crop | resize(size=20) | center(size=28)")

# (N, 28, 28) uint8 -> (N, classes): how likely each image is a digit, and this one. A row sums to less
# than one where the image may be none; `Classifier.probabilities` leaves that aside.
Judge = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# At most so many strips make one digit, and several at most so wide a one beside the usual height.
MOST_STRIPS, WIDEST = 10, 1.5

# A broad piece against which less than this speaks as one digit is not cut: any cut would cost more.
DOUBTFUL = CUT

TURNED_DEGREES = (-14.0, 14.0)

# Rows that fall by less than this are level.
LEVEL = 0.03


@dataclass(frozen=True, eq=False)
class Glyph:
    """Ink taken for one digit: the piece, its (28, 28) image, and how badly it reads, 0 for well.

    penalty: what speaks against taking it for one besides, such as cuts
    """

    piece: Piece
    image: Image
    cost: float
    penalty: float


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
    doubtful = _doubtful([piece for row in rows for piece in row], height, slope, judge)
    stripped = [_strips(row, height, doubtful) for row in rows]
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


def _doubtful(pieces: Sequence[Piece], height: float, slope: float, judge: Judge) -> set[Piece]:
    """The pieces that may be several digits: broad ones that do not read well as one.

    A piece against which less speaks than against any cut through it would never be cut.
    """
    broad = [piece for piece in pieces if piece.width > 0.6 * max(height, piece.height)]
    images = {piece: image for piece in broad if (image := _image(piece, slope)) is not None}
    if not images:
        return set(broad)
    costs = zip(images, _costs(np.stack(list(images.values())), judge), strict=True)
    return set(broad) - {piece for piece, cost in costs if cost + breadth(piece, height) <= DOUBTFUL}


def _strips(row: Sequence[Piece], height: float, doubtful: set[Piece]) -> Strips:
    found = Strips()
    for piece in row:
        strips, costs = [piece], list[float]()
        if piece in doubtful:
            strips, costs = cut_apart(piece, height)
        found.cuts.extend([None, *(cost / max(piece.pen, 1) for cost in costs)][: len(strips)])
        found.strips.extend(strips)
    found.cuts = found.cuts[1:]
    return found


def _candidates(number: int, row: Strips, height: float, slope: float) -> list[_Candidate]:
    found = []
    for first in range(len(row.strips)):
        for last in range(first + 1, min(first + MOST_STRIPS, len(row.strips)) + 1):
            piece = together(row.strips[first:last])
            if last - first > 1 and piece.width > WIDEST * height:
                break
            penalty = row.penalty(first, last, piece, height)
            if penalty > 3 * WORST and last - first > 1:
                continue
            if (image := _image(piece, slope)) is None:
                continue
            worst = row.worst(first, last, piece, height)
            found.append(_Candidate(number, first, last, piece, image, penalty, worst))
    return found


def _image(piece: Piece, slope: float) -> Image | None:
    """(28, 28) uint8, as a network reads it; None where a piece is nothing that could be a digit."""
    try:
        return DIGIT(_levelled(piece, slope))
    except StepError:
        return None


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
        glyphs.append(Glyph(candidate.piece, candidate.image, cost, candidate.penalty))
        place = candidate.first
    return glyphs[::-1]
