"""What the numbers in people's arrays mean: images in 0..255, 0..1 or booleans; labels or one-hot rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.archive import END
from digitprep.dataset import Images, Labels
from digitprep.errors import DataError
from digitprep.formats.npy import Npy

PASS_ROWS = 1024  # how many images the pass that looks at the range holds
TOLERANCE = 0.01  # of a grey level: what float32 arithmetic leaves of a whole number
UNIT_SLACK = 1e-4  # 255 * (1 / 255) may come out a little over 1


@dataclass(frozen=True)
class ImageValues:
    """An array of images, and how its numbers become (N, *image_shape) uint8."""

    array: Npy
    image_shape: tuple[int, ...]
    scale: int
    rounding: bool

    @classmethod
    def of(cls, array: Npy, rounding: bool) -> ImageValues:
        """Look at the shape and the range. Raises DataError where they are not those of images."""
        shape = _image_shape(array)
        if array.dtype == np.uint8:
            return cls(array, shape, 1, rounding)
        if array.dtype == np.bool_:
            return cls(array, shape, 255, rounding)
        low, high = _range(array)
        unit = array.dtype.kind == "f" and high <= 1 + UNIT_SLACK
        if not (low >= 0 and high <= 255):  # NaN fails too
            raise _error(
                array, "values in 0..255, or in 0..1", f"{low:g} to {high:g}", "scale them to 0..255"
            )
        return cls(array, shape, 255 if unit else 1, rounding)

    def rows(self, batch: int) -> Iterator[Images]:
        """(n, H, W) or (n, H, W, 3) uint8 a batch. Raises DataError where floats would be rounded."""
        for start, part in enumerate(self.array.rows(batch)):
            shaped = part.reshape(len(part), *self.image_shape)
            if self.array.dtype.kind == "f":
                yield self._from_floats(shaped, start * batch)
            elif self.scale == 1:
                yield shaped.astype(np.uint8, copy=False)
            else:
                yield shaped.astype(np.uint8) * np.uint8(self.scale)

    def _from_floats(self, part: NDArray[Any], start: int) -> Images:
        # A coarse type cannot hit the levels more closely than its own step.
        tolerance = max(TOLERANCE, 255 * float(np.finfo(self.array.dtype).eps))
        scaled = part.astype(np.float64) * self.scale
        whole = np.rint(scaled)
        wrong = np.argwhere(np.abs(scaled - whole) >= tolerance)
        if len(wrong) and not self.rounding:
            position = tuple(wrong[0])
            kind = "npypair" if self.array.path.suffix == END else "npz"
            raise _error(
                self.array,
                "floats that stand for whole grey levels",
                f"{part[position]:g} in sample {start + position[0]}, which rounding would change",
                f"if that is all right, read with --from '{kind}(round_floats=True)'",
            )
        return whole.clip(0, 255).astype(np.uint8)


def label_rows(array: Npy, batch: int) -> Iterator[Labels]:
    """(n,) int64 a batch, from (N,), (N, 1) or one-hot (N, C). Raises DataError where it is neither."""
    if not (len(array.shape) == 1 or (len(array.shape) == 2 and array.shape[1] > 0)):
        expected, advice = "labels of (N,), (N, 1) or one-hot", "images and labels may be swapped"
        raise _error(array, expected, f"shape {array.shape}", advice)
    for index, part in enumerate(array.rows(batch)):
        start = index * batch
        if part.ndim == 2 and part.shape[1] > 1:
            yield _from_one_hot(array, part, start)
        else:
            yield _whole(array, part.reshape(-1), start)


def _from_one_hot(array: Npy, part: NDArray[Any], start: int) -> Labels:
    wrong = np.flatnonzero(((part != 0) & (part != 1)).any(axis=1) | ((part == 1).sum(axis=1) != 1))
    if len(wrong):
        found = f"{part[wrong[0]].tolist()!s:.60} for sample {start + int(wrong[0])}"
        raise _error(array, "one-hot labels, a single 1 a row", found)
    labels: Labels = part.argmax(axis=1).astype(np.int64)
    return labels


def _whole(array: Npy, part: NDArray[Any], start: int) -> Labels:
    with np.errstate(invalid="ignore"):
        numbers = part.astype(np.int64)
    wrong = np.flatnonzero((numbers != part) | ((numbers < 0) != (part < 0)))
    if len(wrong):
        found = f"{part[wrong[0]]} for sample {start + int(wrong[0])}"
        raise _error(array, "labels that are whole numbers", found)
    return numbers


def _image_shape(array: Npy) -> tuple[int, ...]:
    shape = array.shape
    if 0 not in shape[1:]:
        if len(shape) == 3 or (len(shape) == 4 and shape[3] == 3):
            return shape[1:]
        if len(shape) == 4 and shape[3] == 1:
            return shape[1:3]
        if len(shape) == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
            return (math.isqrt(shape[1]),) * 2
    expected = "images of (N, H, W), (N, H, W, 1), (N, H, W, 3) or flat (N, side * side)"
    raise _error(array, expected, f"shape {shape}", "reshape the array")


def _range(array: Npy) -> tuple[float, float]:
    """The smallest and the largest value; both NaN where one value is."""
    low, high = 0.0, 0.0
    for part in array.rows(PASS_ROWS):
        if np.isnan(part).any():
            return math.nan, math.nan
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    return low, high


def _error(array: Npy, expected: str, found: str, advice: str = "") -> DataError:
    return DataError.of(array.path, f"array {array.key!r}", expected=expected, found=found, advice=advice)
