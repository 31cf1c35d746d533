"""Layers that look at neighbouring pixels: convolution and pooling, on images of (C, H, W, N)."""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from digitprep.errors import ModelError
from digitprep.nn import kernels
from digitprep.nn.layers.base import LAYERS, NO_GRADIENT, Array, Forward, Layer, Params, Rng, Shape, he_normal
from digitprep.nn.scratch import empty
from digitprep.spec import Between


@LAYERS.register
@dataclass(frozen=True)
class Conv(Layer):
    """(C, H, W, N) -> (channels, H', W', N): slide learnt kernels over the image.

    H' = (H + 2 pad - kernel) // stride + 1, and W' likewise.
    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998.

    channels: how many kernels there are, each of which gives an image
    kernel: the side of a kernel in pixels
    stride: how many pixels it moves at a time
    pad: how many pixels of zeros there are around the image
    """

    skips_dx: ClassVar[bool] = True

    channels: Annotated[int, Between(1, 4096)]
    kernel: Annotated[int, Between(1, 64)] = 3
    stride: Annotated[int, Between(1, 64)] = 1
    pad: Annotated[int, Between(0, 64)] = 0

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """Weight (channels, C, kernel, kernel) and bias (channels,)."""
        channels, height, width = _image_shape(shape)
        size = min(height, width) + 2 * self.pad
        if self.kernel > size:
            raise ModelError(
                f"its kernel of {self.kernel} is larger than the image, {size} with its padding; "
                "use a smaller kernel, more pad or less pooling before it"
            )
        weight = he_normal((self.channels, channels, self.kernel, self.kernel), rng)
        sides = ((side + 2 * self.pad - self.kernel) // self.stride + 1 for side in (height, width))
        return {"weight": weight, "bias": np.zeros(self.channels, np.float32)}, (self.channels, *sides)

    def forward(self, params: Params, x: Array, rng: Rng | None = None, wants_dx: bool = True) -> Forward:
        """One product of kernels and windows; see `kernels`, and `textbook.conv` for the plain version."""
        weight = params["weight"]
        y, seen = kernels.convolve(x, weight, self.stride, self.pad)
        y += params["bias"][:, None, None, None]

        def backward(dy: Array) -> tuple[Array, Params]:
            grads = {
                "weight": kernels.weight_gradient(dy, seen, weight.shape),
                "bias": dy.sum(axis=(1, 2, 3)),
            }
            if not wants_dx:
                return NO_GRADIENT, grads
            return kernels.image_gradient(dy, weight, x.shape, self.stride, self.pad), grads

        return y, backward


@LAYERS.register
@dataclass(frozen=True)
class Maxpool(Layer):
    """(C, H, W, N) -> (C, H // size, W // size, N): the largest value of each square.

    Rows and columns that fill no square are dropped. Where values tie, the first one (row by row)
    gets the gradient.
    Source: Scherer, Mueller and Behnke, Evaluation of Pooling Operations, ICANN 2010.

    size: the side of a square in pixels
    """

    size: Annotated[int, Between(1, 64)] = 2

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """No parameters."""
        return {}, _pooled(shape, self.size)

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """The maximum along rows, then along columns; `textbook.maxpool` is the plain version."""
        columns, unpool_columns = _largest(x, self.size, axis=2)
        y, unpool_rows = _largest(columns, self.size, axis=1)
        return y, lambda dy: (unpool_columns(unpool_rows(dy)), {})


@LAYERS.register
@dataclass(frozen=True)
class Avgpool(Layer):
    """(C, H, W, N) -> (C, H // size, W // size, N): the mean of each square.

    Rows and columns that fill no square are dropped.
    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998.

    size: the side of a square in pixels
    """

    size: Annotated[int, Between(1, 64)] = 2

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """No parameters."""
        return {}, _pooled(shape, self.size)

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """Sums over `size` rows and columns; each pixel gets its share of the gradient."""
        size = self.size
        down, across = x.shape[1] // size, x.shape[2] // size
        squares = x[:, : down * size, : across * size].reshape(-1, down, size, across, size, x.shape[3])
        share = x.dtype.type(1 / size**2)

        def backward(dy: Array) -> tuple[Array, Params]:
            dx = np.zeros_like(x)
            spread = (dy * share).repeat(size, axis=1).repeat(size, axis=2)
            dx[:, : down * size, : across * size] = spread
            return dx, {}

        return squares.sum(axis=(2, 4)) * share, backward


def _largest(x: Array, size: int, axis: int) -> tuple[Array, Callable[[Array], Array]]:
    """The largest of each `size` values along an axis, and its backward, dy -> dx; the first of ties."""
    whole = x.shape[axis] - x.shape[axis] % size
    before = (slice(None),) * axis
    parts = [(*before, slice(start, whole, size)) for start in range(size)]
    first = x[parts[0]]
    y = np.maximum(first, x[parts[-1]], out=empty(first.shape, x.dtype))
    for part in parts[1:-1]:
        np.maximum(y, x[part], out=y)

    def backward(dy: Array) -> Array:
        dx = empty(x.shape, x.dtype)
        dx[(*before, slice(whole, None))] = 0
        left = dy  # the gradient whose maximum is still to be met
        for part in parts[:-1]:
            np.multiply(left, x[part] == y, out=dx[part])
            left = left - dx[part]
        dx[parts[-1]] = left
        return dx

    return y, backward


def _pooled(shape: Shape, size: int) -> Shape:
    channels, height, width = _image_shape(shape)
    if size > min(height, width):
        raise ModelError(f"it pools squares of {size}, the image is {height} x {width}; pool less")
    return channels, height // size, width // size


def _image_shape(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ModelError(f"it takes images of (C, H, W), found vectors of {shape}; put it before flatten")
    channels, height, width = shape
    return channels, height, width
