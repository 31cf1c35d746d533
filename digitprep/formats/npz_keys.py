"""Arrays that make a dataset: which are images and which are labels, and the splits that they make.

Both NumPy's archive and a folder of .npy files name their arrays so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from digitprep.dataset import Split, split_order
from digitprep.errors import DataError
from digitprep.formats.npy import Npy
from digitprep.formats.npz_values import ImageValues, label_rows
from digitprep.formats.spool import Spool

KNOWN_SPLITS = "train|val|valid|validation|dev|test"
CONVENTIONS = (  # images, labels, what {} stands for
    ("x_{}", "y_{}", r"\w+"),
    ("X_{}", "y_{}", KNOWN_SPLITS),
    ("{}_x", "{}_y", KNOWN_SPLITS),
    ("{}_X", "{}_y", KNOWN_SPLITS),
    ("{}_images", "{}_labels", KNOWN_SPLITS),
    ("images", "labels", ""),
    ("X", "y", ""),
    ("x", "y", ""),
    ("arr_0", "arr_1", ""),
)
Pairs = dict[str, tuple[str | None, str | None]]
NewArray = tuple[str, tuple[int, ...], np.dtype[Any], Iterator[bytes]]


def read_arrays(
    path: Path, keys: list[str], opened: Callable[[str], Npy], batch: int, rounding: bool
) -> Iterator[Split]:
    """The splits that the arrays of these names make; `opened` gives each one.

    Raises DataError where the names fit no convention, or several, or an array is no good.
    """
    pairs = _pairs(path, keys)
    for name in sorted(pairs, key=split_order):
        images, labels = (opened(key) if key else None for key in pairs[name])
        if images is None:
            expected, found = "images for every split", f"labels alone, {pairs[name][1]!r}"
            raise DataError.of(path, f"split {name!r}", expected=expected, found=found)
        yield from _read_split(name, images, labels, batch, rounding)


def new_arrays(name: str, spool: Spool) -> Iterator[NewArray]:
    """The key, the shape, the type and the bytes of each array that a split is kept in, Keras's way."""
    shape = (spool.count, *spool.image_shape)
    yield f"x_{name}", shape, np.dtype(np.uint8), spool.images()
    if spool.labelled:
        small = spool.largest_label <= np.iinfo(np.uint8).max
        dtype = np.dtype(np.uint8 if small else "<i8")
        yield f"y_{name}", (spool.count,), dtype, spool.labels(dtype)


def _pairs(path: Path, keys: list[str]) -> Pairs:
    """The keys of images and of labels by split, by the one convention that fits."""
    fitting = [pairs for pairs in (_matched(keys, *convention) for convention in CONVENTIONS) if pairs]
    if len(fitting) > 1:
        fitting = [pairs for pairs in fitting if any(images for images, _ in pairs.values())]
    if len(fitting) == 1:
        return fitting[0]
    if "digitprep_model" in keys:
        advice = "`digitprep evaluate` and `digitprep predict` take it as --model"
        raise DataError.of(path, expected="a dataset", found="a network of digitprep", advice=advice)
    raise DataError.of(
        path,
        expected="the keys of one convention: x_train, y_train, ...; train_x, train_y, ...; "
        "train_images, train_labels, ...; images, labels; X, y; or arr_0, arr_1",
        found=("several, among " if fitting else "") + (", ".join(keys) or "no arrays"),
        advice="save the arrays again under the keys of one",
    )


def _matched(keys: list[str], images: str, labels: str, splits: str) -> Pairs:
    """Split -> its keys, as one convention has it; a convention without splits means train."""
    pairs: Pairs = {}
    for key in keys:
        for index, pattern in enumerate((images, labels)):
            match = re.fullmatch(pattern.format(f"({splits})"), key, re.ASCII)
            if match:
                split = match[1] if splits else "train"
                pair = pairs.get(split, (None, None))
                pairs[split] = (key, pair[1]) if index == 0 else (pair[0], key)
    return pairs


def _read_split(name: str, images: Npy, labels: Npy | None, batch: int, rounding: bool) -> Iterator[Split]:
    if len(images.shape) < 2:
        found = f"shape {images.shape}"
        advice = "images and labels may be swapped" if labels and len(labels.shape) > 2 else ""
        where = f"array {images.key!r}"
        raise DataError.of(images.path, where, expected="images", found=found, advice=advice)
    values = ImageValues.of(images, rounding)
    if labels is not None and labels.shape[:1] != images.shape[:1]:
        where, expected = f"array {labels.key!r}", f"{images.shape[0]} labels, one for each image"
        raise DataError.of(labels.path, where, expected=expected, found=f"shape {labels.shape}")
    if images.shape[0] == 0:
        none = None if labels is None else np.empty(0, np.int64)
        yield Split(np.empty((0, *values.image_shape), np.uint8), none, name)
    elif labels is None:
        yield from (Split(part, None, name) for part in values.rows(batch))
    else:
        parts = zip(values.rows(batch), label_rows(labels, batch), strict=True)
        yield from (Split(part, numbers, name) for part, numbers in parts)
