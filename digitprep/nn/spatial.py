"""Layers that look at neighbouring pixels: convolution and pooling, on images of (C, H, W, N)."""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from digitprep.errors import ModelError
from digitprep.nn.layers import LAYERS, Array, Forward, Layer, Params, Rng, Shape, he_normal
from digitprep.spec import Between


@LAYERS.register
@dataclass(frozen=True)
class Conv(Layer):
    """(C, H, W, N) -> (channels, H', W', N): slide learnt kernels over the image.

    `kernel`, `stride` and `pad` (zeros around the image) are in pixels.
    H' = (H + 2 pad - kernel) // stride + 1, and W' likewise.
    """

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

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """One matrix product: a row a kernel, times a column a position (im2col)."""
        padded = _pad(x, self.pad)
        windows = sliding_window_view(padded, (self.kernel, self.kernel), axis=(1, 2))
        windows = windows[:, :: self.stride, :: self.stride].transpose(0, 4, 5, 1, 2, 3)
        columns = windows.reshape(-1, windows[0, 0, 0].size)  # the one copy: kernel**2 times the image
        weight = params["weight"].reshape(self.channels, -1)
        y = weight @ columns
        y += params["bias"][:, None]

        def backward(dy: Array) -> tuple[Array, Params]:
            dy = dy.reshape(self.channels, -1)
            grads = {"weight": (dy @ columns.T).reshape(params["weight"].shape), "bias": dy.sum(axis=1)}
            dx = _add_windows((weight.T @ dy).reshape(windows.shape), padded.shape, self.stride)
            return _unpad(dx, self.pad), grads

        return y.reshape(self.channels, *windows.shape[3:]), backward


@LAYERS.register
@dataclass(frozen=True)
class Maxpool(Layer):
    """(C, H, W, N) -> (C, H // size, W // size, N): the largest value of each square.

    Rows and columns that fill no square are dropped. Where values tie, the first one (row by row)
    gets the gradient.
    """

    size: Annotated[int, Between(1, 64)] = 2

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """No parameters."""
        channels, height, width = _image_shape(shape)
        if self.size > min(height, width):
            raise ModelError(f"it pools squares of {self.size}, the image is {height} x {width}; pool less")
        return {}, (channels, height // self.size, width // self.size)

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """The maximum over `size * size` images, each holding one pixel of every square."""
        height, width = (side - side % self.size for side in x.shape[1:3])
        corners = [
            np.s_[:, row : height : self.size, column : width : self.size]
            for row in range(self.size)
            for column in range(self.size)
        ]
        y = x[corners[0]].copy()
        for corner in corners[1:]:
            np.maximum(y, x[corner], out=y)

        def backward(dy: Array) -> tuple[Array, Params]:
            dx = np.zeros_like(x)
            free = np.ones(y.shape, bool)  # squares whose maximum is still to be met
            for corner in corners:
                here = free & (x[corner] == y)
                np.multiply(dy, here, out=dx[corner])
                free ^= here
            return dx, {}

        return y, backward


def _image_shape(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ModelError(f"it takes images of (C, H, W), found vectors of {shape}; put it before flatten")
    channels, height, width = shape
    return channels, height, width


def _pad(x: Array, pad: int) -> Array:
    if not pad:
        return x
    channels, height, width, count = x.shape
    padded = np.zeros((channels, height + 2 * pad, width + 2 * pad, count), x.dtype)
    padded[:, pad:-pad, pad:-pad] = x
    return padded


def _unpad(x: Array, pad: int) -> Array:
    return x[:, pad:-pad, pad:-pad] if pad else x


def _add_windows(windows: Array, shape: Shape, stride: int) -> Array:
    """The image in which overlapping windows (C, k, k, H', W', N) are added up (col2im)."""
    image = np.zeros(shape, windows.dtype)
    kernel, height, width = windows.shape[2:5]
    for row in range(kernel):
        for column in range(kernel):
            rows = slice(row, row + stride * height, stride)
            columns = slice(column, column + stride * width, stride)
            image[:, rows, columns] += windows[:, row, column]
    return image
