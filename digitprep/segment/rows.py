"""Pieces in reading order: rows from top to bottom, in each of them from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from digitprep.segment.pieces import Piece

# Rows may fall or rise by this much, as rise over run.
STEEPEST = 0.2

# A piece belongs to a row when its middle is this near to the row's line, in heights of the usual digit.
NEAR = 0.6

# Groups are further apart than this, in heights of the usual digit, and than this many usual gaps.
GROUP_HEIGHTS, GROUP_GAPS = 0.9, 2.0


def slope_of(pieces: Sequence[Piece], height: float) -> float:
    """By how much the rows fall to the right, as rise over run: where most middles lie on lines."""
    bodies = [piece for piece in pieces if piece.size >= 0.5 * height]
    if len(bodies) < 2:
        return 0.0
    x, y = np.array([piece.centre for piece in bodies]).T
    across, down = x[None] - x[:, None], y[None] - y[:, None]
    # Neighbours say where a row goes; what is far apart may be in different rows.
    pairs = (across > 0) & (across < 8 * height) & (np.abs(down) < 0.3 * across + 0.6 * height)
    if not pairs.any():
        return 0.0
    across, down = across[pairs], down[pairs]
    slopes = np.linspace(-STEEPEST, STEEPEST, 81)
    off = (down[None] - slopes[:, None] * across[None]) / (0.2 * height)
    support = (np.exp(-(off**2)) / (1 + across[None] / (4 * height))).sum(axis=1)
    return float(slopes[int(np.argmax(support - 0.3 * np.abs(slopes) / STEEPEST))])


def in_rows(pieces: Sequence[Piece], height: float) -> tuple[list[list[Piece]], float]:
    """The pieces as rows in reading order, and how far these fall to the right, as rise over run."""
    slope = slope_of(pieces, height)
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.left):
        offs = [abs(_off(piece, row, slope, height)) for row in rows]
        if offs and min(offs) <= NEAR * height:
            rows[int(np.argmin(offs))].append(piece)
        else:
            rows.append([piece])
    rows = _merged(rows, slope, height)
    rows.sort(key=lambda row: float(np.mean([_level(piece, slope) for piece in row])))
    return [sorted(row, key=lambda piece: piece.centre[0]) for row in rows], slope


def _level(piece: Piece, slope: float) -> float:
    """Where the row's line through a piece crosses the left edge of the page."""
    return piece.centre[1] - slope * piece.centre[0]


def _off(piece: Piece, row: Sequence[Piece], slope: float, height: float) -> float:
    """How far a piece lies below the line that the last pieces of a row make."""
    last = list(row[-4:])
    bodies = [other for other in last if other.height >= 0.5 * height] or last
    return _level(piece, slope) - float(np.mean([_level(other, slope) for other in bodies]))


def _merged(rows: list[list[Piece]], slope: float, height: float) -> list[list[Piece]]:
    """Rows whose lines lie closer than rows can: parts of one row."""
    rows = sorted(rows, key=lambda row: -len(row))
    kept: list[list[Piece]] = []
    for row in rows:
        level = np.mean([_level(piece, slope) for piece in row])
        for other in kept:
            if abs(level - np.mean([_level(piece, slope) for piece in other])) <= 0.4 * height:
                other.extend(row)
                break
        else:
            kept.append(list(row))
    return kept


def group_numbers(rows: Sequence[Sequence[Piece]], height: float) -> list[list[int]]:
    """For each piece of each row the number of its group, from 0 in every row.

    Groups are parted by gaps that are large beside the digits, and beside the usual gap.
    """
    gaps = [[max(0, b.left - a.right) for a, b in pairwise(row)] for row in rows]
    every = [gap for row in gaps for gap in row]
    numbers = []
    for row in gaps:
        usual = float(np.median(row if len(row) >= 3 else every or [0]))
        least = max(GROUP_HEIGHTS * height, GROUP_GAPS * usual)
        numbers.append([0, *np.cumsum([gap > least for gap in row]).tolist()])
    return numbers
