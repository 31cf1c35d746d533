"""Values of a known range as grey levels: a straight line to 0..255, rounded to the nearest, half to even."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images

Values = Literal["auto", "0..255", "0..16", "0..1", "-1..1"]
RANGES = {"0..255": (0, 255), "0..16": (0, 16), "0..1": (0, 1), "-1..1": (-1, 1)}


def outside(values: NDArray[Any], name: str) -> NDArray[np.intp]:
    """The positions (K, dimensions) of the values that are not in the range of that name; NaN is in none."""
    low, high = RANGES[name]
    return np.argwhere(~((values >= low) & (values <= high)))


def levels(values: NDArray[Any], name: str) -> Images:
    """Values of the range of that name -> uint8 of the same shape."""
    if values.dtype == np.uint8 and name == "0..255":
        return values
    low, high = RANGES[name]
    return np.rint((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)


def rule(name: str, clipped: bool = False) -> str:
    """What `levels` did, for a split's provenance."""
    return f"values {name}{', clipped,' if clipped else ''} scaled to 0..255 and rounded"
