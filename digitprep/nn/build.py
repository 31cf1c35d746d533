"""What a network is built from: layers that fit each other, fresh parameters, names for its classes."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from digitprep.errors import ModelError, UsageError
from digitprep.nn.layers import Layer, Params, Shape

# A text can ask for any number of them, and what reads digits does with a thousandth.
MOST_PARAMETERS, MOST_VALUES = 1 << 26, 1 << 24


def check_names(names: tuple[str, ...], classes: int) -> None:
    """Raise UsageError where the names do not tell the classes apart."""
    if len(names) != classes:
        raise UsageError(f"expected a name for each of {classes} classes, found {len(names)}")
    if "" in names:
        raise UsageError(f"expected a name for each class, found none for class {names.index('')}")
    for name, times in Counter(names).most_common(1):
        if times > 1:
            raise UsageError(f"expected another name for each class, found {name!r} {times} times")


def fresh_params(
    layers: tuple[Layer, ...], shape: Shape, classes: int, seed: int, most: int = MOST_PARAMETERS
) -> list[Params]:
    """The float32 parameters of each layer before training, for images of `shape`, (C, H, W).

    Raises ModelError where a layer cannot take what comes to it, where there are to be more than `most`
    parameters, or the last layer does not give (classes,).
    """
    rng = _Sparing(seed, most)
    params: list[Params] = []
    total = 0
    for number, layer in enumerate(layers, start=1):
        try:
            if math.prod(shape) > MOST_VALUES:
                expected = f"at most {MOST_VALUES:,} values of an image, which memory is taken for"
                raise ModelError(
                    f"expected {expected}, found {math.prod(shape):,}; use smaller images or pool"
                )
            layer_params, shape = layer.init(rng, shape)
            total += sum(array.size for array in layer_params.values())
            _check_count(total, most)
        except ModelError as error:
            raise ModelError(f"layer {number}, {layer}: {error}") from None
        params.append(layer_params)
    if shape != (classes,):
        advice = f"end it with dense(width={classes})"
        if len(shape) != 1 or math.prod(shape) == classes:
            advice = f"end it with flatten | dense(width={classes})"
        raise ModelError(f"the network gives {shape}, expected ({classes},), one a class; {advice}")
    return params


class _Sparing(np.random.Generator):
    """What `default_rng` gives, but of so many numbers that are asked for at most."""

    def __init__(self, seed: int, most: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self._most, self._drawn = most, 0

    def standard_normal(self, size: Shape, *options: Any, **named: Any) -> Any:  # type: ignore[override]
        self._drawn += math.prod(size)
        _check_count(self._drawn, self._most)
        return super().standard_normal(size, *options, **named)


def _check_count(found: int, most: int) -> None:
    if found > most:
        raise ModelError(f"expected at most {most:,} parameters, found {found:,}; use smaller layers")
