"""Cuts between digits that touch: seams from top to bottom that cross as little ink as can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitprep.segment.pieces import SMALLEST_PX, Piece, tight

# So many seams a usual digit's height are looked for. Each has to come by its own place half-way down, within
# the next share of the height, for all would go the easiest way otherwise; above and below that it may wander
# by the third. A step sideways costs the last, where a pixel of ink costs one.
PLACES, NEAR, WANDER, SIDESTEP = 16, 0.06, 0.25, 0.15

# A seam crosses at most so many strokes' widths of ink, and parts at least this share of an upright stroke's
# ink from the next seam and from the ends; a piece gets at most so many of them a height of its width.
MOST_INK, APART, SEAMS_PER_HEIGHT, FEWEST_SEAMS = 3.5, 0.2, 6, 3

# What keeps a seam in the middle of an empty space.
CENTRING = 0.02

Seams = NDArray[np.intp]
Inks = NDArray[np.float64]


def cut_apart(piece: Piece, height: float) -> tuple[list[Piece], list[float]]:
    """A piece -> its strips from left to right, and the ink in px that each cut between them crosses.

    height: the usual digit's, in px

    Cuts are only proposed: who knows digits may put strips together again.
    """
    strips, costs = list[Piece](), list[float]()
    rest, columns = piece.ink, np.arange(piece.width)
    for seam, ink in zip(*_chosen(piece, height), strict=True):
        left = columns < seam[:, None]
        parts = [tight(rest & side, piece.left, piece.top) for side in (left, ~left)]
        if all(part is not None and part.area >= SMALLEST_PX for part in parts):
            strips.extend(parts[:1])  # type: ignore[arg-type]
            costs.append(float(ink))
            rest = rest & ~left
    last = tight(rest, piece.left, piece.top)
    return [*strips, *([last] if last else [])], costs


def _chosen(piece: Piece, height: float) -> tuple[Seams, Inks]:
    """The seams that cross least ink, each of which parts the piece otherwise, from left to right."""
    seams, inks = _seams(piece, height)
    before = np.pad(piece.ink.cumsum(axis=1), ((0, 0), (1, 0)))
    left = np.take_along_axis(before, seams.T, axis=1).T  # (N, h): the ink left of each seam, row by row
    least = APART * piece.pen * height
    most = max(FEWEST_SEAMS, round(SEAMS_PER_HEIGHT * piece.width / height))
    chosen: list[int] = []
    for number in np.argsort(inks, kind="stable"):
        if inks[number] > MOST_INK * max(piece.pen, 1) or len(chosen) == most:
            break
        ends = np.array([np.zeros_like(left[number]), before[:, -1]])
        others = np.concatenate([ends, left[chosen]])
        if np.abs(others - left[number]).sum(axis=1).min() >= least:
            chosen.append(int(number))
    chosen.sort(key=lambda number: float(seams[number].mean()))
    return seams[chosen], inks[chosen]


def _seams(piece: Piece, height: float) -> tuple[Seams, Inks]:
    """The cheapest way from top to bottom at each of many places: (N, h) columns, and (N,) px of ink."""
    places = np.arange(0, piece.width + 1, max(1.0, height / PLACES)).round().astype(np.intp)
    cost, reach = _windows(piece, places, height)
    total = cost + CENTRING * np.abs(np.arange(-reach, reach + 1)) / reach
    total[:, piece.height // 2, np.abs(np.arange(-reach, reach + 1)) > NEAR * height] = np.inf
    steps = np.zeros(cost.shape, dtype=np.int8)
    for row in range(1, piece.height):
        above = np.pad(total[:, row - 1], ((0, 0), (1, 1)), constant_values=np.inf)
        ways = np.stack([above[:, 1:-1], above[:, :-2] + SIDESTEP, above[:, 2:] + SIDESTEP])
        total[:, row] += ways.min(axis=0)
        steps[:, row] = np.array([0, -1, 1])[ways.argmin(axis=0)]
    seams = np.empty((len(places), piece.height), dtype=np.intp)
    seams[:, -1] = total[:, -1].argmin(axis=1)
    for row in range(piece.height - 1, 0, -1):
        seams[:, row - 1] = seams[:, row] + steps[np.arange(len(places)), row, seams[:, row]]
    inks = np.take_along_axis(cost, seams[..., None], axis=2).sum(axis=(1, 2))
    return np.clip(seams + places[:, None] - reach, 0, piece.width), inks


def _windows(piece: Piece, places: Seams, height: float) -> tuple[NDArray[np.float64], int]:
    """The ink around each of N places, (N, h, 2 * reach + 1), and how far that reaches to each side."""
    reach = max(2, round(WANDER * height))
    padded = np.pad(piece.ink, ((0, 0), (reach, reach + 2))).astype(np.float64)
    return padded[:, places[:, None] + np.arange(2 * reach + 1)].transpose(1, 0, 2), reach
