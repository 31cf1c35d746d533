"""Layers that look at no neighbours: what becomes of single values, and weighted sums of all of them."""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from digitprep.errors import ModelError
from digitprep.nn.layers.base import LAYERS, NO_GRADIENT, Array, Forward, Layer, Params, Rng, Shape, he_normal
from digitprep.nn.scratch import empty
from digitprep.spec import Between


@LAYERS.register
@dataclass(frozen=True)
class Relu(Layer):
    """(..., N) -> (..., N): negative values become zero.

    Source: Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010.
    """

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """max(x, 0); the gradient passes where x was positive."""
        y = np.maximum(x, 0, out=empty(x.shape, x.dtype))
        return y, lambda dy: (dy * (y > 0), {})


@LAYERS.register
@dataclass(frozen=True)
class LeakyRelu(Layer):
    """(..., N) -> (..., N): negative values shrink to their `slope`-fold instead of zero.

    Source: Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML 2013.

    slope: what negative values are multiplied by
    """

    slope: Annotated[float, Between(0, 1)] = 0.01

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """max(x, slope * x); the gradient passes where x was positive, its `slope`-fold elsewhere."""
        y = np.maximum(x, self.slope * x)
        return y, lambda dy: (np.where(x > 0, dy, self.slope * dy), {})


@LAYERS.register
@dataclass(frozen=True)
class Sigmoid(Layer):
    """(..., N) -> (..., N): any number becomes one between 0 and 1.

    Source: Rumelhart, Hinton and Williams, Learning Representations by Back-Propagating Errors, 1986.
    """

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """1 / (1 + exp(-x)), in a form whose exponents are never positive and so never overflow."""
        y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
        return y, lambda dy: (dy * y * (1 - y), {})


@LAYERS.register
@dataclass(frozen=True)
class Dropout(Layer):
    """(..., N) -> (..., N): in training, zero a random share of the values.

    What is left is scaled by 1 / (1 - rate), so that inference needs no scaling.
    Source: Srivastava et al., Dropout, JMLR 15 (2014), in the inverted form.

    rate: the share that becomes zero
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
    """(C, H, W, N) -> (C * H * W, N): an image becomes a vector.

    Source: by definition.
    """

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """No parameters."""
        return {}, (int(np.prod(shape)),)

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """A view, no copy."""
        return x.reshape(-1, x.shape[-1]), lambda dy: (dy.reshape(x.shape), {})


@LAYERS.register
@dataclass(frozen=True)
class Dense(Layer):
    """(features, N) -> (width, N): every output is a weighted sum of all inputs.

    Source: Rumelhart, Hinton and Williams, Learning Representations by Back-Propagating Errors, 1986.

    width: how many outputs there are
    """

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
