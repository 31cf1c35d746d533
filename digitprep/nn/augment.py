"""Augmentation: each time a digit is shown in training, it is written a little differently."""

# ruff: noqa: ARG002  every augmentation is called alike and takes what it needs

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images, Labels
from digitprep.opencv import cv2
from digitprep.spec import Between, Registry, Spec

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation(Spec, ABC):
    """A random change to every image of a batch that leaves its meaning alone."""

    @abstractmethod
    def __call__(self, images: Images, rng: np.random.Generator, labels: Labels | None = None) -> Images:
        """(N, H, W[, 3]) uint8, ink on 0, and labels (N,) -> the same shape: changed copies."""


AUGMENTATIONS = Registry[Augmentation]("augmentation")


@AUGMENTATIONS.register
@dataclass(frozen=True)
class Affine(Augmentation):
    """Turn, stretch, slant and shift each image about its centre, by random amounts up to these.

    Amounts are uniform between minus and plus.
    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998.

    angle_degrees: the largest turn
    scale: the largest share by which height and width, each on its own, grow or shrink
    shear: the largest slant, in columns a row
    shift_px: the largest shift along either axis
    """

    angle_degrees: Annotated[float, Between(0, 180)] = 10.0
    scale: Annotated[float, Between(0, 0.9)] = 0.12
    shear: Annotated[float, Between(0, 2)] = 0.15
    shift_px: Annotated[float, Between(0, 1024)] = 1.5

    def __call__(self, images: Images, rng: np.random.Generator, labels: Labels | None = None) -> Images:
        """One map an image from the pixels of the result back to the original, bilinear in between."""
        count, height, width = images.shape[:3]
        grid = np.indices((height, width), np.float32).reshape(2, -1)
        centre = np.array([[height - 1], [width - 1]], np.float32) / np.float32(2)
        shift = _uniform(rng, self.shift_px, (count, 2, 1))
        source = self._matrices(rng, count) @ (grid - centre)
        source += centre + shift
        return sampled(images, source.reshape(count, 2, height, width))

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
class Elastic(Augmentation):
    """Bend each image: every pixel comes from a random place nearby, neighbours from neighbouring ones.

    Source: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks, ICDAR 2003.

    strength_px: the mean distance of that place
    smoothness_px: the standard deviation of the Gaussian that smooths the noise: small trembles, large
        waves
    """

    strength_px: Annotated[float, Between(0, 64)] = 1.0
    smoothness_px: Annotated[float, Between(1, 256)] = 4.0

    def __call__(self, images: Images, rng: np.random.Generator, labels: Labels | None = None) -> Images:
        """Noise at coarse points, smoothed and enlarged to the image's size, added to the coordinates."""
        count, height, width = images.shape[:3]
        down, across = (_smoothing(side, self.smoothness_px) for side in (height, width))
        noise = rng.standard_normal((count, 2, down.shape[1], across.shape[1]), np.float32)
        # A vector of two normal numbers has a mean length of sqrt(pi / 2).
        noise *= np.float32(self.strength_px / math.sqrt(math.pi / 2))
        bend: Floats = np.matmul(down @ noise, across.T, dtype=np.float32)
        bend += np.indices((height, width), np.float32)
        return sampled(images, bend)


@AUGMENTATIONS.register
@dataclass(frozen=True)
class Thickness(Augmentation):
    """Write each image with a thicker or a thinner pen, chosen at random.

    The image is blended with what the largest (thicker) or the smallest (thinner) of 3 x 3 pixels
    makes of it.
    Source: dilation and erosion of grey images, Serra, Image Analysis and Mathematical Morphology, 1982.

    thicker, thinner: the largest share of either in the blend
    """

    thicker: Annotated[float, Between(0, 1)] = 1.0
    thinner: Annotated[float, Between(0, 1)] = 0.5

    def __call__(self, images: Images, rng: np.random.Generator, labels: Labels | None = None) -> Images:
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


def _smoothing(side: int, sigma: float) -> Floats:
    """(side, points): noise of variance one at points `sigma` apart -> at pixels, smooth, variance one.

    A row holds the Gaussian weights of all points for a pixel; their squares sum to one.
    """
    points = np.arange(-2 * sigma, side + 2 * sigma, sigma)
    distances = (np.arange(side)[:, None] - points) / sigma
    weights = np.exp(-(distances**2) / 2)
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return weights.astype(np.float32)


def sampled(images: Images, source: Floats) -> Images:
    """(N, H, W[, 3]) at real coordinates (N, 2, H, W), row and column: bilinear, paper outside.

    All images lie in one tall sheet, a frame of paper around each, so that one call samples them all;
    OpenCV takes sheets of less than 32,767 rows, so very many images take several.
    """
    height, width = images.shape[1:3]
    framed = height + 2
    at_once = max(32000 // framed, 1)
    result = np.empty_like(images)
    for start in range(0, len(images), at_once):
        part = images[start : start + at_once]
        sheet = np.zeros((len(part), framed, width + 2, *images.shape[3:]), np.uint8)
        sheet[:, 1:-1, 1:-1] = part
        rows = np.clip(source[start : start + at_once, 0], -1, height)
        rows += np.arange(1, len(sheet) * framed, framed, dtype=np.float32)[:, None, None]
        columns = np.clip(source[start : start + at_once, 1], -1, width)
        columns += 1
        tall = sheet.reshape(-1, *sheet.shape[2:])
        found = cv2.remap(tall, columns.reshape(-1, width), rows.reshape(-1, width), cv2.INTER_LINEAR)
        result[start : start + at_once] = found.reshape(part.shape)
    return result


def _filter(images: Images, choose: np.ufunc) -> Images:
    """The largest or the smallest of 3 x 3 pixels, rows first, then columns; outside is paper."""
    margins = ((0, 0), (1, 1), (1, 1)) + ((0, 0),) * (images.ndim - 3)
    padded = np.pad(images, margins)
    rows: Images = choose(choose(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    result: Images = choose(choose(rows[:, :, :-2], rows[:, :, 1:-1]), rows[:, :, 2:])
    return result


def _rounded(values: Floats) -> Images:
    return (values + np.float32(0.5)).astype(np.uint8)
