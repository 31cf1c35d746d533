"""The layers of a network: options in, arithmetic out.

A layer holds options only. Its parameters live in the `Model` and are handed to it:

    params, out_shape = layer.init(rng, shape)       shapes are of one image, without the batch
    y, backward = layer.forward(params, x, rng)      rng is None at inference
    dx, grads = backward(dy)                         grads has the keys of what is learnt in params

The batch is the last axis: images are (C, H, W, N), vectors (features, N). A copy then moves long
contiguous runs, a row of a convolution's output is one matrix product, and a dense layer reads as in
the textbook, `W @ x + b`. Parameters have the shapes that PyTorch and ONNX use: (out, in, k, k)
for a convolution, (out, in) for a dense layer, and `flatten` lists channels, then rows, then columns.

`forward` leaves `x` alone and keeps its type: float32 for training, float64 to check gradients. It
leaves `params` alone too, but for the running statistics of a batch normalisation, which have no
gradient: they are in `params` to be kept and saved, and never in `grads`.
"""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import ModelError
from digitprep.nn.scratch import empty
from digitprep.spec import Between, Registry, Spec

Array = NDArray[Any]
Params = dict[str, Array]
Shape = tuple[int, ...]
Backward = Callable[[Array], tuple[Array, Params]]
Forward = tuple[Array, Backward]
Rng = np.random.Generator


@dataclass(frozen=True)
class Layer(Spec, ABC):
    """One layer: options that make parameters and a function with its derivative.

    couples_batch: in training, its output for one image depends on the others in the batch, so a
    batch must not be split
    statistics: the names in `params` that training measures instead of learning
    skips_dx: its `forward` takes `wants_dx=False`, for a layer before which nothing learns; backward
    then gives `NO_GRADIENT` for dx, which saves a third of the work.
    """

    couples_batch: ClassVar[bool] = False
    skips_dx: ClassVar[bool] = False
    statistics: ClassVar[tuple[str, ...]] = ()

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """The fresh float32 parameters for inputs of `shape`, and the shape of what comes out.

        Raises ModelError where inputs of this shape cannot be used.
        """
        return {}, shape

    @abstractmethod
    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """(..., N) -> (..., N): the output, and the function from dy to (dx, grads)."""


LAYERS = Registry[Layer]("layer")
NO_GRADIENT = np.empty(0)


@LAYERS.register
@dataclass(frozen=True)
class Relu(Layer):
    """(..., N) -> (..., N): negative values become zero."""

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """max(x, 0); the gradient passes where x was positive."""
        y = np.maximum(x, 0, out=empty(x.shape, x.dtype))
        return y, lambda dy: (dy * (y > 0), {})


@LAYERS.register
@dataclass(frozen=True)
class LeakyRelu(Layer):
    """(..., N) -> (..., N): negative values shrink to their `slope`-fold instead of zero.

    Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML 2013.
    """

    slope: Annotated[float, Between(0, 1)] = 0.01

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """max(x, slope * x); the gradient passes where x was positive, its `slope`-fold elsewhere."""
        y = np.maximum(x, self.slope * x)
        return y, lambda dy: (np.where(x > 0, dy, self.slope * dy), {})


@LAYERS.register
@dataclass(frozen=True)
class Sigmoid(Layer):
    """(..., N) -> (..., N): any number becomes one between 0 and 1."""

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """1 / (1 + exp(-x)), in a form whose exponents are never positive and so never overflow."""
        y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
        return y, lambda dy: (dy * y * (1 - y), {})


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

    skips_dx: ClassVar[bool] = True

    width: Annotated[int, Between(1, 16384)]

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """Weight (width, features) and bias (width,)."""
        if len(shape) != 1:
            raise ModelError(f"it takes vectors, found images of (C, H, W) = {shape}; put flatten before it")
        weight = he_normal((self.width, *shape), rng)
        return {"weight": weight, "bias": np.zeros(self.width, np.float32)}, (self.width,)

    def forward(self, params: Params, x: Array, rng: Rng | None = None, wants_dx: bool = True) -> Forward:
        """W @ x + b."""
        weight = params["weight"]
        y = weight @ x
        y += params["bias"][:, None]

        def backward(dy: Array) -> tuple[Array, Params]:
            grads = {"weight": dy @ x.T, "bias": dy.sum(axis=1)}
            return weight.T @ dy if wants_dx else NO_GRADIENT, grads

        return y, backward


def he_normal(shape: Shape, rng: Rng) -> Array:
    """Normal weights of variance 2 / inputs, which keeps the scale of a signal through relu layers.

    He et al., Delving Deep into Rectifiers, ICCV 2015.
    """
    inputs = int(np.prod(shape[1:]))
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
