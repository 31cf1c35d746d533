"""Ink that is no digit, drawn stroke by stroke: letters, signs, scribbles, several digits, spots.

Everything is a mask as the recipes have it before `crop`: uint8, 255 for ink. The letters are written
down here as strokes and not taken from fonts, because a hand moves the corners of a letter while a
font keeps them; and so that fonts are left to test with.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from digitprep.steps import Image

SIDE_PX = 128  # of the square that is drawn on
MARGIN_PX = 20

Line = NDArray[np.float64]  # (N, 2): points x, y
Rng = np.random.Generator

# Strokes as points, two figures each: x from 0 (left) to 9, y from 0 (top) to 9. A stroke that starts
# with ~ is a smooth curve through its points. Letters that have the shape of a digit are not here:
# O o, I l, Z z, S s, b, g, q. Some letters stand here in several hands.
LETTERS = """
-09 40 89 / -16 76
~09 03 40 83 89 / -05 85
-09 40 / -40 89 16 55
-00 09 / ~00 50 72 44 04 54 87 59 09
~82 50 20 04 07 29 69 87
~72 41 05 48 87
-00 09 / ~00 50 84 59 09
-80 00 09 89 / -04 64
~81 40 12 44 17 49 88
-90 00 09 / -04 64
-10 19 / -00 90 / -15 75
~82 40 04 49 87 85 / -45 95
~72 30 04 39 75 / -45 85 89
-00 09 / -80 89 / -04 84
~60 67 39 07
-20 90 / ~60 67 39 07
-00 09 / -80 04 89
-00 09 / -70 04 / -24 89
-00 09 79
~10 06 19 49 88
-09 00 45 80 89
-09 20 48 70 99
~09 12 20 38 52 60 78 99
-09 00 89 80
~09 10 30 58 79 80
-09 00 / ~00 60 82 55 05
~09 01 40 82 55 15
~40 04 49 84 40 / -56 99
~40 04 49 84 40 / ~46 67 99
-09 00 / ~00 60 82 54 04 / -44 89
~09 01 40 82 55 15 / -35 89
-00 80 / -40 49
~01 40 80 / ~40 45 29
~00 06 49 86 80
-00 49 80
-00 29 44 69 80
~00 08 29 44 59 88 80
-00 89 / -80 09
~00 20 47 69 89 / -80 09
-00 44 80 / -44 49
-00 44 / -80 19
~00 04 45 83 80 / ~80 86 49 17
~72 31 05 38 65 71 / ~70 77 99
~12 40 72 79 / ~75 25 08 39 76
~73 23 06 39 73 / ~73 78 99
~74 34 07 39 77 / -70 79
~74 24 07 39 76 70 / ~70 78 99
~15 85 62 21 05 29 88
~05 64 71 50 26 39 89
~80 40 33 39 / -14 74
~80 50 42 49 29 / -24 64
~09 55 60 40 48 49 / -15 75
-00 09 / ~06 34 75 79
~09 44 50 30 09 / ~07 35 65 69 89
-43 49 / -40 41
~24 33 38 59 79 / -30 31
~53 58 39 18 / -50 51
-00 09 / -63 06 79
~09 44 50 30 09 / ~07 54 65 26 / -26 79
~09 55 70 50 48 69 89
-03 09 / ~05 23 45 49 / ~45 63 85 89
~03 13 19 / ~15 34 39 / ~35 54 59 79
-03 09 / ~05 33 74 79
~03 13 19 / ~16 44 65 69 89
-02 09 / ~03 52 74 46 06
-00 09 / ~02 40 72 55 05
-03 09 / ~06 34 73
~05 23 24 64 58 79
-04 14 19 / ~16 44 64
~40 48 69 89 / -13 73
-40 49 / -03 83
~03 08 49 77 / -73 79
~03 08 39 76 73 78 99
-03 49 83
~03 24 49 73 83
-03 29 45 69 83
~03 08 29 45 59 88 83
-03 89 / -83 09
~03 24 69 89 / ~84 54 19 09
~80 58 29 04 22 48 89
~09 02 30 53 24 65 48 08
~00 36 39 19 16 60
-00 80 / -20 29 / -60 69
-80 00 44 09 89
~09 29 05 20 60 85 69 89
-00 89 / -44 09
~00 29 / -40 40 / ~00 07 48 80
~04 20 49 64 89
"""

SIGNS = """
-05 39 80
-40 49 / -05 85
-03 83 / -07 87
-05 85
~02 20 62 45 46 / -48 49
-20 19 / -60 59 / -03 83 / -06 86
-40 49 / -12 77 / -72 17
-80 09 / ~10 21 12 01 10 / ~77 88 79 68 77
~89 23 30 52 07 29 85
~64 34 36 66 64 / ~64 86 84 50 05 49 79
~42 20 03 49 83 60 42
-29 40 69 03 83 29
-09 40 89 09
-00 80 89 09 00
-03 83 87 07 03
-40 85 49 05 40
-09 04 40 84 89 09
-09 04 40 84 89 09 / -39 36 56 59
~40 04 49 84 40 / -32 33 / -52 53 / ~26 47 66
~40 04 49 84 40 / ~33 44
~60 24 69 39 05 30 60
-50 15 55 39
~40 44 53 64 46 24 41 73 77 38 06
-05 10 25 40 55 60 75 80
~05 20 45 69 85
~40 20 32 40 / -32 46 / -13 53 / -46 19 / -46 69
~40 13 35 06 48 86 55 73 40 / -48 49
-10 19 / -10 72 14
~05 43 86 99 / ~05 47 84 91 / -99 91
-00 19 79 80 00 / ~82 94 75
-07 87 69 29 07 / -40 47 / -40 75 45
-05 15 13 33 35 55 / -57 58
-20 29 / -60 69
-40 49 / -00 80 / -09 89
~40 23 43 65 49 25
~08 28 42 58 88
~04 22 04 26 45 24 / ~45 63 85 67 45
~22 13 24 33 22 / ~64 55 66 75 64 / -80 08
~40 02 04 42 / ~42 84 86 42
-09 01 21 24 44 47 67 69
"""


def _strokes(text: str) -> list[list[tuple[bool, Line]]]:
    """The table as a list of characters, each a list of strokes: whether smooth, and its points 0..1."""
    return [
        [
            (stroke[0] == "~", np.array([[int(point[0]), int(point[1])] for point in stroke[1:].split()]) / 9)
            for stroke in character.split(" / ")
        ]
        for character in text.strip().splitlines()
    ]


LETTER_STROKES, SIGN_STROKES = _strokes(LETTERS), _strokes(SIGNS)


def letter(rng: Rng) -> Image:
    """One letter of the Latin alphabet, or a Greek one."""
    return written(_character(LETTER_STROKES, rng), rng)


def sign(rng: Rng) -> Image:
    """A sign or a small drawing: a tick, an arrow, a star, a house, a face."""
    return written(_character(SIGN_STROKES, rng), rng, angle_degrees=25)


def word(rng: Rng) -> Image:
    """Two to four letters side by side, near enough to touch."""
    lines: list[Line] = []
    left = 0.0
    for _ in range(rng.integers(2, 5)):
        width = rng.uniform(0.5, 0.8)
        lines += [line * (width, 1) + (left, 0) for line in _character(LETTER_STROKES, rng)]
        left += width * rng.uniform(0.85, 1.15)
    return written([line / (left, 1) for line in lines], rng, aspect=left)


def invented(rng: Rng) -> Image:
    """A character of no alphabet: three to five straight and bent strokes that hang together."""
    lines = []
    start = rng.random(2)
    for _ in range(rng.integers(3, 6)):
        end, bend = rng.random(2), rng.normal(0, 0.35, 2)
        lines.append(_curve(np.stack([start, (start + end) / 2 + bend, end])))
        start = end if rng.random() < 0.6 else lines[rng.integers(len(lines))][rng.integers(10)]
    return written(lines, rng)


def scribble(rng: Rng) -> Image:
    """A long line that crosses itself many times."""
    points = rng.random((rng.integers(7, 25), 2))
    if rng.random() < 0.4:  # to and fro
        points[:, 0] = np.linspace(0, 1, len(points)) + rng.normal(0, 0.05, len(points))
        points[:, 1] = np.arange(len(points)) % 2 + rng.normal(0, 0.15, len(points))
    return written([_curve(points) if rng.random() < 0.7 else points], rng, aspect=rng.uniform(0.5, 2))


def trail(rng: Rng) -> Image:
    """A line that wanders: at each step it turns a little from where it was heading."""
    heading = np.cumsum(rng.normal(0, rng.uniform(0.2, 0.8), int(rng.integers(30, 200))))
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    path = (path - path.min(axis=0)) / np.maximum(np.ptp(path, axis=0), 1e-6)
    return written([path], rng, aspect=rng.uniform(0.6, 1.6))


def thing(rng: Rng) -> Image:
    """A few shapes with corners or without, over each other, filled or as their outline."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for _ in range(rng.integers(1, 5)):
        shape = np.zeros_like(mask)
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        reach = rng.uniform(0.2, 1, (len(angles), 1)) * rng.uniform(10, 50, 2)
        corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach + rng.uniform(44, 84, 2)
        if rng.random() < 0.5:
            corners = _curve(np.concatenate([corners, corners[:1]]))
        cv2.fillPoly(shape, [corners.astype(np.int32)], 255)
        mask = mask ^ shape if rng.random() < 0.3 else mask | shape
    if rng.random() < 0.3:
        mask -= cv2.erode(mask, np.ones((5, 5), np.uint8))
    return _turned(mask, rng.uniform(-20, 20)) if mask.any() else thing(rng)


def strip(rng: Rng) -> Image:
    """A stripe that tapers or frays, as cloth, wood and the edges of shadows leave them."""
    rows = np.arange(14, SIDE_PX - 14)
    width = np.linspace(*rng.uniform(0, 16, 2), len(rows)) + rng.uniform(1, 8)
    fray = cv2.GaussianBlur(rng.normal(size=(len(rows), 2)), (1, 41), rng.uniform(1, 10))
    fray *= rng.uniform(0, 6) / max(float(fray.std()), 1e-6)
    left, right = SIDE_PX / 2 - width / 2 + fray[:, 0], SIDE_PX / 2 + width / 2 + fray[:, 1]
    columns = np.arange(SIDE_PX)
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    mask[rows] = ((columns >= left[:, None]) & (columns <= right[:, None])) * np.uint8(255)
    return _turned(mask, rng.normal(0, 15)) if mask.any() else strip(rng)


def spot(rng: Rng) -> Image:
    """A filled shape with a smooth or a ragged outline, as shadows and things leave it; perhaps holed."""
    grain = rng.uniform(4, 22)
    field = cv2.GaussianBlur(rng.normal(size=(SIDE_PX, SIDE_PX)), (0, 0), grain)
    field /= field.std()
    rows, columns = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    power = rng.choice([2, 8])  # an ellipse, or nearly a rectangle
    tall, wide = rng.uniform(0.4, 0.8, 2)
    hull = 1 - np.abs(rows / tall) ** power - np.abs(columns / wide) ** power
    mask = (hull * 2 + field * rng.uniform(0, 1.5) > 0).astype(np.uint8) * 255
    if rng.random() < 0.3:
        mask[np.abs(field) < rng.uniform(0.05, 0.3)] = 0
    return _turned(mask, rng.uniform(-45, 45)) if mask.any() else spot(rng)


def texture(rng: Rng) -> Image:
    """Grain, stripes, checks or dots all over."""
    kind = rng.integers(3)
    if kind == 0:
        field = cv2.GaussianBlur(rng.normal(size=(SIDE_PX, SIDE_PX)), (0, 0), rng.uniform(2, 9))
        field /= field.std()
    else:
        rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX] * (2 * np.pi / rng.uniform(15, 60))
        field = np.sin(columns + rng.uniform(0, 6)) + (np.sin(rows + rng.uniform(0, 6)) if kind == 2 else 0)
    mask = (field > rng.uniform(0, 0.8)).astype(np.uint8) * 255
    return _turned(mask, rng.uniform(-45, 45)) if mask.any() else texture(rng)


def lines(rng: Rng) -> Image:
    """What is left of ruled paper and printed boxes: lines, corners, crossings, a frame and a scrap."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    width = int(rng.integers(2, 9))
    for _ in range(rng.integers(2, 5)):
        at, start, end = (int(value) for value in rng.integers(4, SIDE_PX - 4, 3))
        ends = ((at, start), (at, end)) if rng.random() < 0.5 else ((start, at), (end, at))
        cv2.line(mask, *ends, 255, width)
    if rng.random() < 0.3:
        cv2.rectangle(mask, (8, 8), (SIDE_PX - 8, int(rng.integers(50, 120))), 255, width)
    return _turned(mask, rng.uniform(-6, 6))


NOT_DIGITS: dict[str, list[tuple[Callable[[Rng], Image], float]]] = {
    "letter": [(letter, 10), (invented, 1)],
    "drawing": [
        (sign, 2),
        (scribble, 0.8),
        (trail, 1.4),
        (spot, 0.8),
        (thing, 1.8),
        (strip, 0.8),
        (texture, 0.3),
        (lines, 0.5),
    ],
    "several": [(word, 1)],
}


def _character(table: list[list[tuple[bool, Line]]], rng: Rng) -> list[Line]:
    """A character's lines in a box of 1 x 1, every point a little off, as in writing."""
    shaky = rng.uniform(0.02, 0.09)
    return [
        _curve(moved) if smooth else moved
        for smooth, points in table[rng.integers(len(table))]
        for moved in [points + rng.normal(0, shaky, points.shape)]
    ]


def _curve(points: Line) -> Line:
    """A smooth line through points: Catmull and Rom's cubic, ten steps from each to the next."""
    if len(points) < 3:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    before, start, end, after = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, 10)[None, :, None]
    slope, next_slope = (end - before) / 2, (after - start) / 2
    cubic = (
        start
        + slope * t
        + (3 * (end - start) - 2 * slope - next_slope) * t**2
        + (2 * (start - end) + slope + next_slope) * t**3
    )
    return np.asarray(cubic.reshape(-1, 2))


def written(
    strokes: list[Line], rng: Rng, *, aspect: float | None = None, angle_degrees: float = 12
) -> Image:
    """Lines in a box of 1 x 1 -> (SIDE_PX, SIDE_PX): written by hand with some pen.

    Stretched, slanted, turned and bent; the pen is 0.05 to 0.25 of the character's longer side wide, as
    in MNIST.
    """
    width = aspect if aspect is not None else rng.uniform(0.4, 1.15)
    size = np.array([width, 1.0]) / max(width, 1.0)
    angle = np.deg2rad(rng.normal(0, angle_degrees / 2))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    slant = np.array([[1.0, 0.0], [rng.normal(-0.1, 0.2), 1.0]])
    waves = rng.normal(0, 0.03, (2, 2)), rng.uniform(2, 7, (2, 2)), rng.uniform(0, 7, (2, 2))
    bent = []
    for line in strokes:
        fine = _dense(line)
        wave = (waves[0] * np.sin(fine[:, None, :] * waves[1] + waves[2])).sum(axis=2)
        bent.append((((fine + wave) - 0.5) * size) @ slant @ turn)
    everything = np.concatenate(bent)
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = (SIDE_PX - 2 * MARGIN_PX) / max(float((high - low).max()), 1e-6)
    pen_px = max(
        2,
        round(
            float(np.clip(rng.lognormal(np.log(0.105), 0.35), 0.04, 0.25)) * scale * float((high - low).max())
        ),
    )
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for line in bent:
        points = (line - (low + high) / 2) * scale + SIDE_PX / 2
        cv2.polylines(mask, [np.round(points).astype(np.int32)], False, 255, pen_px)
    return mask


def _dense(line: Line) -> Line:
    """More points on a line, so that it can be bent between its corners."""
    if len(line) > 20:
        return line
    steps = np.linspace(0, 1, 8)[None, :, None]
    return np.asarray((line[:-1, None] * (1 - steps) + line[1:, None] * steps).reshape(-1, 2))


def _turned(mask: Image, angle_degrees: float) -> Image:
    centre = (SIDE_PX / 2, SIDE_PX / 2)
    matrix = cv2.getRotationMatrix2D(centre, angle_degrees, 1)
    return np.asarray(cv2.warpAffine(mask, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_NEAREST), np.uint8)
