"""Confidence that means what it says: of the digits read with 90 %, nine in ten shall be right.

Networks are surer of themselves than they should be. Dividing all logits by one number, the temperature,
mends most of it and changes no prediction.
Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Labels
from digitprep.nn.layers.plain import Dense
from digitprep.nn.loss import softmax
from digitprep.nn.model import Model

# Where every image is read right the best temperature would be zero: sure of everything.
LOWEST, HIGHEST = 0.5, 20.0


def best_temperature(logits: NDArray[np.float32], labels: Labels) -> float:
    """(N, classes) and (N,) -> the temperature with the lowest cross-entropy, from 0.5 to 20.

    The cross-entropy is convex in 1 / temperature, so its slope changes sign once: found by bisection.
    """
    outputs = logits.astype(np.float64)
    of_truth = outputs[np.arange(len(labels)), labels].mean()

    def slope(sharpness: float) -> float:
        expected = (softmax(outputs * sharpness) * outputs).sum(axis=1).mean()
        return float(expected - of_truth)

    low, high = np.log(1 / HIGHEST), np.log(1 / LOWEST)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def calibrate(model: Model, logits: NDArray[np.float32], labels: Labels) -> float | None:
    """Divide a network's last layer by the best temperature for these logits and labels, and return it.

    None, and nothing is changed, where the last layer is not dense: then there are no logits.
    """
    if not isinstance(model.layers[-1], Dense):
        return None
    temperature = best_temperature(logits, labels)
    for array in model.params[-1].values():
        array /= array.dtype.type(temperature)
    return temperature
