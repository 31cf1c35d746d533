"""Augmentation: each time a digit is shown in training, it is written a little differently."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.spec import Between, Registry, Spec

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation(Spec, ABC):
    """A random change to every image of a batch that leaves its meaning alone."""

    @abstractmethod
    def __call__(self, images: Images, rng: np.random.Generator) -> Images:
        """(N, H, W[, 3]) uint8, ink on 0 -> the same shape: changed copies."""


AUGMENTATIONS = Registry[Augmentation]("augmentation")


@AUGMENTATIONS.register
@dataclass(frozen=True)
class Affine(Augmentation):
    """Turn, stretch, slant and shift each image about its centre, by random amounts up to these.

    `scale` is the largest share by which height and width, each on its own, grow or shrink;
    `shear` the largest slant, in columns a row. Amounts are uniform between minus and plus.
    """

    angle_degrees: Annotated[float, Between(0, 180)] = 10.0
    scale: Annotated[float, Between(0, 0.9)] = 0.12
    shear: Annotated[float, Between(0, 2)] = 0.15
    shift_px: Annotated[float, Between(0, 1024)] = 1.5

    def __call__(self, images: Images, rng: np.random.Generator) -> Images:
        """One map an image from the pixels of the result back to the original, bilinear in between."""
        count, height, width = images.shape[:3]
        grid = np.indices((height, width), np.float32).reshape(2, -1)
        centre = np.array([[height - 1], [width - 1]], np.float32) / np.float32(2)
        shift = _uniform(rng, self.shift_px, (count, 2, 1))
        source = self._matrices(rng, count) @ (grid - centre)
        source += centre + shift
        planes = images[..., None] if images.ndim == 3 else images
        sampled = [_bilinear(planes[..., channel], source) for channel in range(planes.shape[3])]
        return np.stack(sampled, axis=-1).reshape(images.shape)

    def _matrices(self, rng: np.random.Generator, count: int) -> Floats:
        """(N, 2, 2) on (row, column): rotation times shear times scale."""
        angle = np.deg2rad(_uniform(rng, self.angle_degrees, count))
        rows, columns = 1 + _uniform(rng, self.scale, (2, count))
        shear = _uniform(rng, self.shear, count)
        cos, sin = np.cos(angle), np.sin(angle)
        first: Floats = np.stack([rows * (cos + sin * shear), columns * sin], axis=-1)
        second = np.stack([rows * (cos * shear - sin), columns * cos], axis=-1)
        return np.stack([first, second], axis=1)


@AUGMENTATIONS.register
@dataclass(frozen=True)
class Thickness(Augmentation):
    """Write each image with a thicker or a thinner pen, chosen at random.

    The image is blended with what the largest (thicker) or the smallest (thinner) of 3 x 3 pixels
    makes of it; `thicker` and `thinner` bound the share of the blend.
    """

    thicker: Annotated[float, Between(0, 1)] = 1.0
    thinner: Annotated[float, Between(0, 1)] = 0.5

    def __call__(self, images: Images, rng: np.random.Generator) -> Images:
        """Half of the images, by a coin each, get thicker and half thinner."""
        per_image = (len(images),) + (1,) * (images.ndim - 1)
        share = rng.random(per_image, dtype=np.float32)
        thicker = rng.random(per_image) < 0.5
        target = np.where(thicker, _filter(images, np.maximum), _filter(images, np.minimum))
        share *= np.where(thicker, np.float32(self.thicker), np.float32(self.thinner))
        change: Floats = share * (target.astype(np.float32) - images)
        return _rounded(images + change)


def _uniform(rng: np.random.Generator, bound: float, shape: int | tuple[int, ...]) -> Floats:
    """float32 numbers between -bound and bound."""
    return (2 * rng.random(shape, dtype=np.float32) - 1) * np.float32(bound)


def _bilinear(images: Images, source: Floats) -> Images:
    """(N, H, W) at real coordinates (N, 2, H * W), rows before columns; all outside is paper, 0."""
    count, height, width = images.shape
    # One pixel of paper before and two after let every coordinate have four neighbours.
    padded = np.zeros((count, height + 3, width + 3), np.uint8)
    padded[:, 1:-2, 1:-2] = images
    row = np.clip(source[:, 0] + 1, 0, height + 1)
    column = np.clip(source[:, 1] + 1, 0, width + 1)
    top, left = row.astype(np.int32), column.astype(np.int32)
    row -= top
    column -= left
    index = top * (width + 3) + left
    index += np.arange(count, dtype=np.int32)[:, None] * ((height + 3) * (width + 3))
    pixels = padded.ravel().astype(np.float32)
    upper = _between(pixels[index], pixels[index + 1], column)
    index += width + 3
    lower = _between(pixels[index], pixels[index + 1], column)
    return _rounded(_between(upper, lower, row)).reshape(images.shape)


def _between(start: Floats, end: Floats, share: Floats) -> Floats:
    end -= start
    end *= share
    end += start
    return end


def _filter(images: Images, choose: np.ufunc) -> Images:
    """The largest or the smallest of 3 x 3 pixels, rows first, then columns; outside is paper."""
    margins = ((0, 0), (1, 1), (1, 1)) + ((0, 0),) * (images.ndim - 3)
    padded = np.pad(images, margins)
    rows: Images = choose(choose(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    result: Images = choose(choose(rows[:, :, :-2], rows[:, :, 1:-1]), rows[:, :, 2:])
    return result


def _rounded(values: Floats) -> Images:
    return (values + np.float32(0.5)).astype(np.uint8)
