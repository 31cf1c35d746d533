"""Steps that change where things are: size, crop, position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.spec import Between
from digitprep.steps.base import STEPS, Box, Image, Pixels, Step, ink_box, size_px

# The smallest square that MNIST's makers resampled, in pixels: a dot is no digit filling the box.
SMALLEST_SQUARE_PX = 10


@STEPS.register
@dataclass(frozen=True)
class Rescale(Step):
    """(H, W) -> (H', W'): the longer side brought between two bounds, the aspect kept.

    Later steps measure strokes and gaps against a known order of size, and a thumbnail of 28 px has
    to be enlarged smoothly before its threshold, or its staircase shows in the result.
    Source: our own.

    smallest_px: the longer side is enlarged to this where it is shorter
    largest_px: and made smaller to this where it is longer
    """

    takes_colour: ClassVar[bool] = True

    smallest_px: Pixels = 112
    largest_px: Pixels = 600

    def apply(self, image: Image) -> Image:
        longest = max(image.shape[:2])
        target = min(max(longest, self.smallest_px), max(self.largest_px, self.smallest_px))
        if target == longest:
            return image.copy()
        height, width = (max(1, round(side * target / longest)) for side in image.shape[:2])
        method = cv2.INTER_AREA if target < longest else cv2.INTER_CUBIC
        return _resized(image, height, width, method)

    def decision(self, before: Image, after: Image) -> str:
        if before.shape == after.shape:
            return f"{size_px(before)} is neither too small nor too large"
        verb = "enlarged" if max(after.shape) > max(before.shape) else "made smaller"
        return f"{verb}: {size_px(before)} to {size_px(after)}"


@STEPS.register
@dataclass(frozen=True)
class Crop(Step):
    """(H, W) -> (h, w): the tight box around all ink, with a margin as far as the image has one.

    Source: by definition.

    margin_px: how far around the ink the image still reaches

    Raises StepError where there is no ink.
    """

    margin_px: Annotated[int, Between(0, 10_000)] = 0

    def apply(self, image: Image) -> Image:
        x, y, width, height = self.window(image)
        return image[y : y + height, x : x + width].copy()

    def window(self, image: Image) -> Box:
        x, y, width, height = ink_box(image)
        left, top = max(0, x - self.margin_px), max(0, y - self.margin_px)
        right = min(image.shape[1], x + width + self.margin_px)
        bottom = min(image.shape[0], y + height + self.margin_px)
        return (left, top, right - left, bottom - top)

    def decision(self, before: Image, after: Image) -> str:
        x, y, _, _ = self.window(before)
        return f"{size_px(after)} at row {y}, column {x}"


@STEPS.register
@dataclass(frozen=True)
class Resize(Step):
    """(H, W) -> (size, size): fitted into the box with its aspect kept, or stretched to fill it.

    Fitting is what MNIST's makers did: the image is padded with 0 to a centred square of at least
    10 px, doubled by replication while that is smaller than the box, and resampled by area.
    Source: Yadav and Bottou, "Cold Case: the Lost MNIST Digits", 2019.

    size: the side of the box in pixels
    mode: "fit" keeps the aspect and pads with paper, "stretch" does not
    """

    takes_colour: ClassVar[bool] = True

    size: Annotated[int, Between(1, 4096)] = 20
    mode: Literal["fit", "stretch"] = "fit"

    def apply(self, image: Image) -> Image:
        if self.mode == "stretch":
            return _resized(image, self.size, self.size, _method(image, self.size))
        square = _squared(image)
        while len(square) < self.size:
            square = square.repeat(2, axis=0).repeat(2, axis=1)
        return _resized(square, self.size, self.size, cv2.INTER_AREA)

    def decision(self, before: Image, after: Image) -> str:
        if self.mode == "stretch":
            return f"{size_px(before)} stretched to {size_px(after)}"
        return f"{size_px(before)} fitted into {size_px(after)}"


@STEPS.register
@dataclass(frozen=True)
class Center(Step):
    """(h, w) -> (size, size): the ink placed by its centre of mass as MNIST does, or by its box.

    By mass, the top left corner comes to int(size / 2 + 1 - b), where b is the centre of mass in
    pixels, with pixel centres at 0.5; so the digits of MNIST are centred at 14.0 on the average.
    Ink is never pushed off the canvas.
    Source: Yadav and Bottou, "Cold Case: the Lost MNIST Digits", 2019.

    size: the side of the canvas in pixels
    by: "mass" places the centre of mass, "box" the middle of the tight box

    Raises StepError where the image is empty or larger than the canvas.
    """

    size: Annotated[int, Between(1, 4096)] = 28
    by: Literal["mass", "box"] = "mass"

    def apply(self, image: Image) -> Image:
        x, y, width, height = ink_box(image)
        if max(width, height) > self.size:
            raise StepError(
                f"ink of {height} x {width} px does not fit into {self.size} x {self.size}; "
                "put resize before it"
            )
        ink = image[y : y + height, x : x + width]
        if self.by == "mass":
            row, column = _centre_of_mass(ink)
            # The corner is that of the whole image, so that the ink keeps its place in the grid.
            top = int(self.size / 2 + 1 - (row + y)) + y
            left = int(self.size / 2 + 1 - (column + x)) + x
        else:
            top, left = (self.size - height) // 2, (self.size - width) // 2
        top = min(max(top, 0), self.size - height)
        left = min(max(left, 0), self.size - width)
        canvas = np.zeros((self.size, self.size), dtype=np.uint8)
        canvas[top : top + height, left : left + width] = ink
        return canvas

    def decision(self, before: Image, after: Image) -> str:  # noqa: ARG002
        row, column = _centre_of_mass(after)
        return f"centre of mass at row {row - 0.5:.1f}, column {column - 0.5:.1f}"


def _centre_of_mass(image: Image) -> tuple[float, float]:
    """The mean (row, column) of the ink, a pixel's centre lying at +0.5."""
    weights = image.astype(np.float64)
    total = weights.sum()
    rows = (weights.sum(axis=1) @ (np.arange(image.shape[0]) + 0.5)) / total
    columns = (weights.sum(axis=0) @ (np.arange(image.shape[1]) + 0.5)) / total
    return float(rows), float(columns)


def _squared(image: Image) -> Image:
    """The image in the middle of a square of 0 with its longer side, at least 10 px."""
    height, width = image.shape[:2]
    side = max(height, width, SMALLEST_SQUARE_PX)
    square = np.zeros((side, side, *image.shape[2:]), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = image
    return square


def _method(image: Image, size: int) -> int:
    """Area where pixels are merged, bilinear where they are spread."""
    return int(cv2.INTER_AREA if max(image.shape[:2]) > size else cv2.INTER_LINEAR)


def _resized(image: Image, height: int, width: int, method: int) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)
