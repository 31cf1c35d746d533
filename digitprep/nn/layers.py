"""The layers of a network: options in, arithmetic out.

A layer holds options only. Its parameters live in the `Model` and are handed to it:

    params, out_shape = layer.init(rng, shape)       shapes are of one image, without the batch
    y, backward = layer.forward(params, x, rng)      rng is None at inference
    dx, grads = backward(dy)                         grads has the keys of params

The batch is the last axis: images are (C, H, W, N), vectors (features, N). A copy then moves long
contiguous runs, the convolution of a whole batch is one matrix product, and a dense layer reads as
in the textbook, `W @ x + b`. Parameters have the shapes that PyTorch and ONNX use: (out, in, k, k)
for a convolution, (out, in) for a dense layer, and `flatten` lists channels, then rows, then columns.

`forward` leaves `x` alone and keeps its type: float32 for training, float64 to check gradients.
"""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from digitprep.errors import ModelError
from digitprep.spec import Between, Registry, Spec

Array = NDArray[Any]
Params = dict[str, Array]
Shape = tuple[int, ...]
Backward = Callable[[Array], tuple[Array, Params]]
Forward = tuple[Array, Backward]
Rng = np.random.Generator


@dataclass(frozen=True)
class Layer(Spec, ABC):
    """One layer: options that make parameters and a function with its derivative."""

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """The fresh float32 parameters for inputs of `shape`, and the shape of what comes out.

        Raises ModelError where inputs of this shape cannot be used.
        """
        return {}, shape

    @abstractmethod
    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """(..., N) -> (..., N): the output, and the function from dy to (dx, grads)."""


LAYERS = Registry[Layer]("layer")


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
        weight = _he((self.channels, channels, self.kernel, self.kernel), rng)
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


@LAYERS.register
@dataclass(frozen=True)
class Relu(Layer):
    """(..., N) -> (..., N): negative values become zero."""

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """max(x, 0); the gradient passes where x was positive."""
        y = np.maximum(x, 0)
        return y, lambda dy: (dy * (y > 0), {})


@LAYERS.register
@dataclass(frozen=True)
class Dropout(Layer):
    """(..., N) -> (..., N): in training, zero a random share `rate` of the values.

    What is left is scaled by 1 / (1 - rate), so that inference needs no scaling.
    Srivastava et al., Dropout, JMLR 15 (2014), in the inverted form.
    """

    rate: Annotated[float, Between(0, 0.99)] = 0.5

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """A random mask times x; without `rng`, x as it is."""
        if rng is None:
            return x, lambda dy: (dy, {})
        kept = rng.random(x.shape, dtype=np.float32) >= self.rate
        mask = kept * x.dtype.type(1 / (1 - self.rate))
        return x * mask, lambda dy: (dy * mask, {})


@LAYERS.register
@dataclass(frozen=True)
class Flatten(Layer):
    """(C, H, W, N) -> (C * H * W, N): an image becomes a vector."""

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """No parameters."""
        return {}, (int(np.prod(shape)),)

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """A view, no copy."""
        return x.reshape(-1, x.shape[-1]), lambda dy: (dy.reshape(x.shape), {})


@LAYERS.register
@dataclass(frozen=True)
class Dense(Layer):
    """(features, N) -> (width, N): every output is a weighted sum of all inputs."""

    width: Annotated[int, Between(1, 16384)]

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """Weight (width, features) and bias (width,)."""
        if len(shape) != 1:
            raise ModelError(f"it takes vectors, found images of (C, H, W) = {shape}; put flatten before it")
        weight = _he((self.width, *shape), rng)
        return {"weight": weight, "bias": np.zeros(self.width, np.float32)}, (self.width,)

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """W @ x + b."""
        weight = params["weight"]
        y = weight @ x
        y += params["bias"][:, None]
        return y, lambda dy: (weight.T @ dy, {"weight": dy @ x.T, "bias": dy.sum(axis=1)})


def _he(shape: Shape, rng: Rng) -> Array:
    """Normal weights of variance 2 / inputs, which keeps the scale of a signal through relu layers.

    He et al., Delving Deep into Rectifiers, ICCV 2015.
    """
    inputs = int(np.prod(shape[1:]))
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / inputs))


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
