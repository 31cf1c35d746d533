"""Cuts between digits that touch: seams from top to bottom that cross as little ink as can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitprep.segment.pieces import Piece, tight

# A seam may wander by this share of the height to each side, and costs this much a step sideways,
# where a pixel of ink costs one.
WANDER, SIDESTEP = 0.2, 0.3

# A piece gets so many seams a height of its width, and at least so many.
SEAMS_PER_HEIGHT, FEWEST_SEAMS = 2.5, 3


def cut_apart(piece: Piece) -> tuple[list[Piece], list[float]]:
    """A piece -> its strips from left to right, and the ink in px that each cut between them crosses.

    Cuts are only proposed: who knows digits may put strips together again.
    """
    most = max(FEWEST_SEAMS, round(SEAMS_PER_HEIGHT * piece.width / piece.height))
    seams = sorted((_seam(piece, place) for place in _thin_places(piece)[:most]), key=lambda s: s[0].mean())
    strips, costs = [piece], []
    for seam, ink in seams:
        rest = strips[-1]
        columns = np.arange(rest.left - piece.left, rest.right - piece.left)
        edge = seam[rest.top - piece.top : rest.bottom - piece.top]
        left = columns[None] < edge[:, None]
        sides = [tight(rest.ink & side, rest.left, rest.top) for side in (left, ~left)]
        parts = [part for part in sides if part is not None and part.area > 0.03 * piece.area]
        if len(parts) == 2:
            strips[-1:] = parts
            costs.append(ink)
    return strips, costs


def _thin_places(piece: Piece) -> list[int]:
    """The columns where there is least ink, at least a fifth of the height apart and from the ends."""
    profile = piece.ink.sum(axis=0).astype(np.float64)
    margin = max(2, round(0.18 * piece.height))
    window = np.convolve(profile, np.ones(3) / 3, mode="same")
    order = [int(x) for x in np.argsort(window, kind="stable") if margin <= x <= piece.width - margin]
    chosen: list[int] = []
    for x in order:
        if all(abs(x - other) >= margin for other in chosen):
            chosen.append(x)
    return chosen


def _seam(piece: Piece, place: int) -> tuple[NDArray[np.intp], float]:
    """The cheapest way from top to bottom near a column: its column in each row, and the ink on it."""
    reach = max(2, round(WANDER * piece.height))
    first, last = max(0, place - reach), min(piece.width, place + reach + 1)
    cost = piece.ink[:, first:last].astype(np.float64)
    cost += 0.02 * np.abs(np.arange(first, last) - place) / reach
    total = cost.copy()
    for row in range(1, len(cost)):
        above = total[row - 1]
        sideways = np.full((2, len(above)), np.inf)
        sideways[0, 1:], sideways[1, :-1] = above[:-1] + SIDESTEP, above[1:] + SIDESTEP
        total[row] += np.minimum(above, sideways.min(axis=0))
    seam = np.empty(len(cost), dtype=np.intp)
    seam[-1] = int(np.argmin(total[-1]))
    for row in range(len(cost) - 2, -1, -1):
        x = int(seam[row + 1])
        around = range(max(0, x - 1), min(cost.shape[1], x + 2))
        seam[row] = min(around, key=lambda c: total[row, c] + SIDESTEP * (c != x))
    ink = float(piece.ink[np.arange(len(seam)), seam + first].sum())
    return seam + first, ink
