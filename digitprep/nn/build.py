"""What a network is built from: layers that fit each other, fresh parameters, names for its classes."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from digitprep.errors import ModelError, UsageError
from digitprep.nn.layers import Layer, Params, Shape


def check_names(names: tuple[str, ...], classes: int) -> None:
    """Raise UsageError where the names do not tell the classes apart."""
    if len(names) != classes:
        raise UsageError(f"expected a name for each of {classes} classes, found {len(names)}")
    if "" in names:
        raise UsageError(f"expected a name for each class, found none for class {names.index('')}")
    for name, times in Counter(names).most_common(1):
        if times > 1:
            raise UsageError(f"expected another name for each class, found {name!r} {times} times")


def fresh_params(layers: tuple[Layer, ...], shape: Shape, classes: int, seed: int) -> list[Params]:
    """The float32 parameters of each layer before training, for images of `shape`, (C, H, W).

    Raises ModelError where a layer cannot take what comes to it, or the last does not give (classes,).
    """
    rng = np.random.default_rng(seed)
    params = []
    for number, layer in enumerate(layers, start=1):
        try:
            layer_params, shape = layer.init(rng, shape)
        except ModelError as error:
            raise ModelError(f"layer {number}, {layer}: {error}") from None
        except MemoryError:
            raise ModelError(f"layer {number}, {layer}: too large for this machine's memory") from None
        params.append(layer_params)
    if shape != (classes,):
        advice = f"end it with dense(width={classes})"
        if len(shape) != 1 or math.prod(shape) == classes:
            advice = f"end it with flatten | dense(width={classes})"
        raise ModelError(f"the network gives {shape}, expected ({classes},), one a class; {advice}")
    return params
