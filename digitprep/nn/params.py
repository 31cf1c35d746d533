"""Arrays of parameters, group by group: copied, put back, added up, and free to overflow meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from digitprep.nn.layers import Params


def copied(groups: Sequence[Params]) -> list[Params]:
    """Copies of arrays that will change in place."""
    return [{name: array.copy() for name, array in group.items()} for group in groups]


def put_back(groups: Sequence[Params], saved: Sequence[Params]) -> None:
    """The copies' values into the arrays that they were copied from, in place."""
    for group, arrays in zip(groups, saved, strict=True):
        for name, array in group.items():
            array[...] = arrays[name]


def add(groups: Sequence[Params], more: Sequence[Params]) -> None:
    """Add arrays to others of the same names, in place."""
    for group, others in zip(groups, more, strict=True):
        for name, array in others.items():
            group[name] += array


def overflow_allowed() -> AbstractContextManager[None]:
    """No warning where numbers leave the range of floats: who trains looks at each batch's loss instead."""
    return np.errstate(over="ignore", invalid="ignore")
