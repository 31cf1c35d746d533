"""Batch normalisation: keep the values of each channel around zero and of like size."""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from digitprep.nn.layers.base import LAYERS, Array, Forward, Layer, Params, Rng, Shape
from digitprep.spec import Between


@LAYERS.register
@dataclass(frozen=True)
class Batchnorm(Layer):
    """(..., N) -> (..., N): normalise each channel, or feature, over the batch; learn scale and offset.

    In training, mean and variance are those of the batch, over all images and pixels of a channel,
    and the running statistics move towards them. At inference the running statistics take their place,
    so that an image's result depends on nothing but the image.

    momentum: the share by which the running statistics move
    epsilon: what is added to the variance, so that none is zero

    Source: Ioffe and Szegedy, Batch Normalization, ICML 2015. As in PyTorch, the batch is normalised by its
    variance as it is (divided by the count), the running variance keeps the unbiased estimate
    (divided by the count less one).
    """

    couples_batch: ClassVar[bool] = True
    statistics: ClassVar[tuple[str, ...]] = ("mean", "variance")

    momentum: Annotated[float, Between(0, 1)] = 0.1
    epsilon: Annotated[float, Between(1e-16, 1)] = 1e-5

    def init(self, rng: Rng, shape: Shape) -> tuple[Params, Shape]:
        """Weight, bias and the running mean and variance, each (channels,) or (features,)."""
        ones, zeros = np.ones(shape[0], np.float32), np.zeros(shape[0], np.float32)
        return {"weight": ones, "bias": zeros, "mean": zeros.copy(), "variance": ones.copy()}, shape

    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """Weight * (x - mean) / sqrt(variance + epsilon) + bias."""
        rows = x.reshape(len(x), -1)  # one a channel: in this layout a plain matrix
        if rng is None:
            mean, variance = params["mean"], params["variance"]
        else:
            mean, variance = rows.mean(axis=1), rows.var(axis=1)
            self._remember(params, mean, variance, rows.shape[1])
        inverse = 1 / np.sqrt(variance + self.epsilon)
        normal = (rows - mean[:, None]) * inverse[:, None]
        y = params["weight"][:, None] * normal + params["bias"][:, None]

        def backward(dy: Array) -> tuple[Array, Params]:
            dy = dy.reshape(rows.shape)
            grads = {"weight": (dy * normal).sum(axis=1), "bias": dy.sum(axis=1)}
            if rng is not None:  # every value moves the batch's mean and variance, too
                count = rows.shape[1]
                dy = dy - (grads["bias"][:, None] + normal * grads["weight"][:, None]) / count
            return (dy * (params["weight"] * inverse)[:, None]).reshape(x.shape), grads

        return y.reshape(x.shape), backward

    def _remember(self, params: Params, mean: Array, variance: Array, count: int) -> None:
        """Move the running statistics, in place. One value alone has no variance to learn from."""
        if count > 1:
            params["mean"] += self.momentum * (mean - params["mean"])
            unbiased = variance * (count / (count - 1))
            params["variance"] += self.momentum * (unbiased - params["variance"])
