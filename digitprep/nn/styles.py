"""Handwriting that MNIST lacks: its writers' 1 had no flag and their 7 no bar, other countries' do.

The strokes are drawn with the pen of the digit they are added to, so that nothing but the digit's form
tells. They are why a network trained on MNIST reads the digits of people who learnt to write elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images, Labels
from digitprep.nn.augment import AUGMENTATIONS, Augmentation
from digitprep.opencv import cv2
from digitprep.spec import Between

# Strokes are drawn this many times larger and averaged down, for smooth edges and any width.
FINER = 4
INK_LEVEL = 100  # what is brighter counts as ink where a digit's form is measured

Point = NDArray[np.float64]  # (x, y) in pixels
Line = list[Point]

DOWN, RIGHT = np.array([0.0, 1.0]), np.array([1.0, 0.0])


@AUGMENTATIONS.register
@dataclass(frozen=True)
class Styles(Augmentation):
    """Write some of the digits in another style; for labels that mean the digits 0 to 9.

    A 1 gets a flag and perhaps a foot, a 7 a bar, a 0 a slash; a 4 is drawn anew, as a
    triangle with a stem. Other digits, and images in colour, stay as they are. Source: our own.

    share: how many of the digits that have another style are written in it, drawn at random
    """

    share: Annotated[float, Between(0, 1)] = 0.25

    def __call__(self, images: Images, rng: np.random.Generator, labels: Labels | None = None) -> Images:
        """Each chosen image with new strokes, brought back to where its centre of mass was."""
        # As many random numbers as there are images, however many of them are restyled and how.
        chosen = rng.random(len(images)) < self.share
        seeds = rng.integers(2**63, size=len(images))
        result = images.copy()
        if labels is None or images.ndim != 3:
            return result
        for index in np.flatnonzero(chosen & np.isin(labels, list(STYLES))):
            restyle = STYLES[int(labels[index])]
            result[index] = restyle(images[index], np.random.default_rng(seeds[index]))
        return result


@dataclass(frozen=True)
class Form:
    """What is measured of a digit before a stroke is added: its ink's box and its pen, in pixels."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    pen_px: float

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> Form | None:
        """The form of an image, or None where there is too little ink to have one."""
        ink = image > INK_LEVEL
        rows, columns = np.nonzero(ink)
        if len(rows) < 10:
            return None
        # The mean distance to the nearest paper of a bar w pixels wide is (w + 2) / 4.
        framed = np.pad(ink.astype(np.uint8), 1)  # so that there is paper somewhere
        distance = cv2.distanceTransform(framed, cv2.DIST_L2, 3)
        return cls(rows, columns, max(1.0, 4 * float(distance[framed > 0].mean()) - 2))

    @property
    def top(self) -> int:
        """The first row with ink."""
        return int(self.rows.min())

    @property
    def height(self) -> int:
        """How many rows the ink spans."""
        return int(np.ptp(self.rows)) + 1

    @property
    def left(self) -> int:
        """The first column with ink."""
        return int(self.columns.min())

    @property
    def width(self) -> int:
        """How many columns the ink spans."""
        return int(np.ptp(self.columns)) + 1

    def at(self, across: float, down: float) -> Point:
        """The point at these shares of the box."""
        return np.array([self.left + across * (self.width - 1), self.top + down * (self.height - 1)])

    def ink_at(self, down: float) -> Point:
        """The middle of the ink in the rows about this share of the height."""
        row = self.top + down * (self.height - 1)
        near = np.abs(self.rows - row) <= 1.5
        return np.array([self.columns[near].mean(), row]) if near.any() else self.at(0.5, down)


def flagged_one(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A stroke from the top down to the left, and for some a foot."""
    form = Form.of(image)
    if form is None or form.height < 12:
        return image
    top, bottom = form.ink_at(0.04), form.ink_at(0.96)
    slant = float(np.rad2deg(np.arctan2(top[0] - bottom[0], bottom[1] - top[1])))  # of the stem
    angle = rng.uniform(min(slant + 18, 55), 64)  # nearer to the horizontal it would be a 7
    flag = _turned(DOWN, angle) * rng.uniform(0.2, 0.52) * form.height
    lines = [_bent(top, top + flag, rng)]
    if rng.random() < 0.3:
        foot = _turned(RIGHT, rng.uniform(-14, 8)) * form.height
        lines.append([bottom - foot * rng.uniform(0.12, 0.4), bottom + foot * rng.uniform(0.12, 0.4)])
    return _centred(_drawn(image, lines, form.pen_px, rng), image)


def barred_seven(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A short stroke across the stem."""
    form = Form.of(image)
    if form is None:
        return image
    middle = form.ink_at(rng.uniform(0.42, 0.66))
    bar = _turned(RIGHT, rng.uniform(-28, 12)) * form.height
    line = [middle - bar * rng.uniform(0.12, 0.32), middle + bar * rng.uniform(0.12, 0.32)]
    return _centred(_drawn(image, [line], form.pen_px, rng), image)


def slashed_zero(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A stroke from the lower left to the upper right, which may stick out."""
    form = Form.of(image)
    if form is None or form.width < 5 + 2 * form.pen_px:  # no room inside
        return image
    reach = rng.uniform(0.3, 0.56)
    across, down = reach * rng.uniform(0.8, 1.2), reach
    line = [form.at(0.5 - across, 0.5 + down), form.at(0.5 + across, 0.5 - down)]
    return _centred(_drawn(image, [line], form.pen_px, rng), image)


def triangular_four(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another digit of the same size and pen: down to the left, across, and a stem."""
    form = Form.of(image)
    if form is None or form.width < 6:
        return image
    stem, bar = rng.uniform(0.5, 0.85), rng.uniform(0.52, 0.78)
    slant = rng.uniform(-0.05, 0.15)
    apex, corner = form.at(stem + slant, 0), form.at(0, bar + rng.uniform(-0.06, 0.1))
    end = form.at(rng.uniform(0.8, 1.25), bar + rng.uniform(-0.08, 0.06))
    start = apex + rng.uniform(-0.06, 0.06, 2) * form.height  # the pen seldom hits the apex again
    lines = [[*_bent(apex, corner, rng), end], _bent(start, form.at(stem - slant, 1), rng)]
    return _centred(_drawn(np.zeros_like(image), lines, form.pen_px, rng), image)


STYLES: dict[int, Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]] = {
    0: slashed_zero,
    1: flagged_one,
    4: triangular_four,
    7: barred_seven,
}


def _turned(vector: Point, angle_degrees: float) -> Point:
    """Turned clockwise as the image is seen: from down to the left."""
    cos, sin = np.cos(np.deg2rad(angle_degrees)), np.sin(np.deg2rad(angle_degrees))
    return np.array([vector[0] * cos - vector[1] * sin, vector[0] * sin + vector[1] * cos])


def _bent(start: Point, end: Point, rng: np.random.Generator) -> Line:
    """A slightly curved line, as a hand draws it: a parabola through a middle that is a little off."""
    way = end - start
    sideways = np.array([-way[1], way[0]]) * rng.uniform(-0.3, 0.3)
    return [start + share * way + share * (1 - share) * sideways for share in np.linspace(0, 1, 7)]


def _drawn(
    image: NDArray[np.uint8], lines: list[Line], pen_px: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The image with lines drawn over it by a pen of about that width."""
    height, width = image.shape
    canvas = np.zeros((height * FINER, width * FINER), np.uint8)
    thickness = max(2, round(pen_px * FINER * rng.uniform(0.75, 1.1)))
    points = [np.round((np.array(line) + 0.5) * FINER).astype(np.int32) for line in lines]
    cv2.polylines(canvas, points, False, 255, thickness)
    strokes = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.maximum(image, strokes), dtype=np.uint8)


def _centred(image: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shifted by whole pixels, so that the centre of mass lies where it was before."""
    moved = np.round(_centre(before) - _centre(image)).astype(int)
    return _shifted(image, int(moved[0]), int(moved[1]))


def _shifted(image: NDArray[Any], across: int, down: int) -> NDArray[Any]:
    """(H, W) moved to the right and down by whole pixels; what comes in is paper."""
    height, width = image.shape
    result = np.zeros_like(image)
    result[max(down, 0) : height + min(down, 0), max(across, 0) : width + min(across, 0)] = image[
        max(-down, 0) : height - max(down, 0), max(-across, 0) : width - max(across, 0)
    ]
    return result


def _centre(image: NDArray[np.uint8]) -> Point:
    """The centre of mass (x, y) in pixels."""
    weight = max(float(image.sum()), 1.0)
    return np.array(
        [
            float(image.sum(axis=0) @ np.arange(image.shape[1])) / weight,
            float(image.sum(axis=1) @ np.arange(image.shape[0])) / weight,
        ]
    )
