"""What a layer is. To add one, write a class like this in a module of this folder, and edit nothing else:

    @LAYERS.register
    @dataclass(frozen=True)
    class Relu(Layer):
        '''(..., N) -> (..., N): negative values become zero.'''    # shown by `digitprep list layers`

        def forward(self, params, x, rng=None):
            return np.maximum(x, 0), lambda dy: (dy * (x > 0), {})

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

The tests in `tests/contracts/test_layers.py` pick the new layer up from the registry.
"""

# ruff: noqa: ARG002  every layer is called alike and takes what it needs

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from digitprep.spec import Registry, Spec

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
        """The fresh float32 parameters for inputs of `shape`, (C, H, W) or (features,), and that of outputs.

        Raises ModelError where inputs of this shape cannot be used.
        """
        return {}, shape

    @abstractmethod
    def forward(self, params: Params, x: Array, rng: Rng | None = None) -> Forward:
        """(..., N) -> (..., N): the output, and the function from dy to (dx, grads).

        rng: what is random in training follows from it; None at inference
        """


LAYERS = Registry[Layer]("layer")
NO_GRADIENT = np.empty(0)


def he_normal(shape: Shape, rng: Rng) -> Array:
    """Normal weights of variance 2 / inputs, which keeps the scale of a signal through relu layers.

    He et al., Delving Deep into Rectifiers, ICCV 2015.
    """
    inputs = int(np.prod(shape[1:]))
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
