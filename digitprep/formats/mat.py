"""MATLAB's files of digits: EMNIST's, SVHN's, and matrices X and y as courses hand them out.

    EMNIST    struct dataset: train and test, each of images (N, 784), every image column by column, and
              labels (N, 1); mapping (classes, 2 or more), a row for each label and its characters' codes
    SVHN      X (32, 32, 3, N) uint8 and y (N, 1), where 10 means the digit 0
    ex3data1  X (5000, 400), 0..1 but for the overshoot of its resampling, column by column; y as in SVHN

A matrix says neither how its pixels lie nor what its labels mean: what is none of these needs to be told.

Sources: Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017; Netzer et al., "Reading
Digits in Natural Images with Unsupervised Feature Learning", 2011; Ng's course on machine learning, its
third exercise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images, Labels, Provenance, Split, split_order
from digitprep.errors import DataError
from digitprep.formats import emnist
from digitprep.formats.base import FORMATS, Format, entries, first_bytes
from digitprep.formats.mat_file import HDF5, HEADER_BYTES, ORDERS, Value, read_variables
from digitprep.formats.ranges import RANGES, Values, levels, outside, rule

SVHN_NAME = re.compile(r"(train|test|extra)_32x32\.mat", re.IGNORECASE)
SVHN_SHAPE = (32, 32, 3)
EX3_SHAPE, EX3_OF_EACH = (5000, 400), 500
FIRST_LABEL = {"from_0": 0, "from_1": 1, "ten_is_0": 1}
HOW = 'say how to read it: --from \'mat(order="columns", labels="ten_is_0", values="0..1")\''


@FORMATS.register
@dataclass(frozen=True)
class Mat(Format):
    """MATLAB's .mat, read only: EMNIST's sets, upright; SVHN's and other matrices X and y.

    Files that are well known are read as they are meant; for other X and y these have to be given:

    order: whether the pixels of a row of X follow each other along the image's rows or its columns
    labels: what the labels in y mean; "ten_is_0" where 10 stands for the digit 0, "none" without y
    values: the range of the numbers in X, which becomes 0..255
    clip: whether to take what is beyond that range for its end, instead of refusing it
    """

    order: Literal["auto", "rows", "columns"] = "auto"
    labels: Literal["auto", "from_0", "from_1", "ten_is_0", "none"] = "auto"
    values: Values = "auto"
    clip: bool = False

    def sniff(self, path: Path) -> bool:
        if path.is_dir():
            return bool(_svhn_files(path))
        start = first_bytes(path, HEADER_BYTES)
        is_mat = start.startswith(HDF5) or (start.startswith(b"MATLAB") and start[124:] in ORDERS)
        return path.is_file() and (is_mat or path.name.lower().endswith(".mat"))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        match = SVHN_NAME.fullmatch(path.name)
        files = _svhn_files(path) if path.is_dir() else [(match[1].lower() if match else "train", path)]
        if not files:
            raise DataError.of(path, expected="SVHN's train_32x32.mat and so on", found="none")
        for split, file in files:
            variables, names = read_variables(file, ("dataset", "X", "y"))
            if "dataset" in variables and not {"X", "y"} & variables.keys():
                yield from _read_emnist(file, variables["dataset"], batch)
            elif "dataset" not in variables and "X" in variables:
                y = None if self.labels == "none" else _array(file, "y", variables.get("y"))
                yield from self._read_matrices(file, split, _array(file, "X", variables["X"]), y, batch)
            else:
                found = ", ".join(names) or "none"
                raise DataError.of(file, expected="variables X and y, or EMNIST's dataset", found=found)

    def _read_matrices(
        self, file: Path, split: str, x: NDArray[Any], y: NDArray[Any] | None, batch: int
    ) -> Iterator[Split]:
        images = _stacked(file, x)
        labels = None if y is None else _whole(file, "y", y, len(images))
        told = self._told(file, x, labels)
        if labels is not None:
            labels = _from_zero(file, labels, told)
        how = "" if x.dtype == np.uint8 and told.values == "0..255" else rule(told.values, told.clip)
        origin = Provenance(str(file), how)
        for start in range(0, max(len(images), 1), batch):
            part = images[start : start + batch]
            if told.order == "columns" and x.ndim == 2:
                part = part.swapaxes(1, 2)
            grey = _levels(file, part, told, start)
            yield Split(
                grey, None if labels is None else labels[start : start + batch], split, provenance=origin
            )

    def _told(self, file: Path, x: NDArray[Any], labels: Labels | None) -> Mat:
        """These options with nothing left open. Raises DataError where neither they nor the arrays tell."""
        known = _known(x, labels)
        clip = self.clip or (self.values == "auto" and known.clip)
        given = {name: getattr(self, name) for name in ("order", "labels", "values")}
        told = replace(known, clip=clip, **{name: value for name, value in given.items() if value != "auto"})
        open_ones = [name for name in given if getattr(told, name) == "auto"]
        if x.ndim == 4:
            open_ones = [name for name in open_ones if name != "order"]
        if open_ones:
            expected = "EMNIST's dataset, SVHN's X of (32, 32, 3, N), or the X and y of ex3data1"
            found = f"X of {x.shape} {x.dtype.name}, which leaves open: {', '.join(open_ones)}"
            raise DataError.of(file, expected=expected, found=found, advice=HOW)
        return told


def _known(x: NDArray[Any], labels: Labels | None) -> Mat:
    """How a well-known set is read, where these are its arrays beyond doubt; else nothing is told."""
    if labels is None or not len(labels) or labels.min() < 1 or labels.max() > 10:
        return Mat()
    if x.ndim == 4 and x.shape[:3] == SVHN_SHAPE and x.dtype == np.uint8:
        return Mat(labels="ten_is_0", values="0..255")
    balanced = (np.bincount(labels, minlength=11)[1:] == EX3_OF_EACH).all()
    if x.shape == EX3_SHAPE and x.dtype.kind == "f" and balanced:
        return Mat(order="columns", labels="ten_is_0", values="0..1", clip=True)
    return Mat()


def _stacked(file: Path, x: NDArray[Any]) -> NDArray[Any]:
    """X as (N, H, W) or (N, H, W, 3), its rows as they lie."""
    side = math.isqrt(x.shape[1]) if x.ndim == 2 else 0
    if side and side * side == x.shape[1]:
        return x.reshape(-1, side, side)
    if x.ndim == 4 and x.shape[2] == 3 and 0 not in x.shape[:3]:
        return np.moveaxis(x, -1, 0)
    expected, found = "X of (N, side * side) or (H, W, 3, N)", str(x.shape)
    raise DataError.of(file, "variable X", expected=expected, found=found, advice="transpose the matrix")


def _levels(file: Path, part: NDArray[Any], told: Mat, start: int) -> Images:
    if told.clip:
        part = np.clip(part, *RANGES[told.values])
    wrong = outside(part, told.values)
    if len(wrong):
        at = tuple(wrong[0])
        where, expected = f"variable X, sample {start + int(at[0])}", f"values in {told.values}"
        raise DataError.of(file, where, expected=expected, found=f"{part[at]:g}", advice=HOW)
    return np.ascontiguousarray(levels(part, told.values))


def _from_zero(file: Path, labels: Labels, told: Mat) -> Labels:
    first = FIRST_LABEL[told.labels]
    wrong = np.flatnonzero((labels < first) | ((labels > 10) if told.labels == "ten_is_0" else False))
    if len(wrong):
        where, expected = f"variable y, sample {wrong[0]}", f"labels as labels={told.labels!r} has them"
        raise DataError.of(file, where, expected=expected, found=int(labels[wrong[0]]), advice=HOW)
    return labels % 10 if told.labels == "ten_is_0" else labels - first


def _read_emnist(file: Path, dataset: Value, batch: int) -> Iterator[Split]:
    """The splits of EMNIST's struct, put right as its IDX files are."""
    fields = dataset if isinstance(dataset, dict) else {}
    classes, first = _mapping(file, _array(file, "dataset.mapping", fields.get("mapping")))
    for name in ("train", "test"):
        where = f"dataset.{name}"
        parts = fields.get(name)
        parts = parts if isinstance(parts, dict) else {}
        images = _stacked(file, _array(file, f"{where}.images", parts.get("images")))
        if images.ndim != 3 or images.dtype != np.uint8:
            found = f"{images.dtype.name}"
            raise DataError.of(file, f"variable {where}.images", expected="(N, 784) uint8", found=found)
        given = _array(file, f"{where}.labels", parts.get("labels"))
        labels = _whole(file, f"{where}.labels", given, len(images))
        for part in Split(images, labels, name).batches(batch):
            told = emnist.put_right(part, classes, first, f"{file}: {where}.labels", "as the mapping has")
            yield replace(told, provenance=Provenance(str(file)))


def _mapping(file: Path, mapping: NDArray[Any]) -> tuple[str, int]:
    """A character for each class, and the label of the first. Raises DataError where it maps otherwise.

    Where a class has several characters, as upper and lower case of the letters, the first names it.
    """
    good = mapping.ndim == 2 and mapping.shape[1] > 1 and 0 < len(mapping) < 256
    rows = mapping[:, :2].astype(np.int64).tolist() if good else []
    labels, codes = [row[0] for row in rows], [row[1] for row in rows]
    printable = all(32 < code < 127 for code in codes) and len(set(codes)) == len(codes)
    if not (rows and printable and labels in (list(range(len(rows))), list(range(1, len(rows) + 1)))):
        expected = "a row for each label from 0 or 1, with the code of its character"
        found = str(rows[:3]) if good else f"an array of {mapping.shape}"
        raise DataError.of(file, "variable dataset.mapping", expected=expected, found=found)
    return "".join(map(chr, codes)), labels[0]


def _array(file: Path, name: str, value: Value) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        found = "none" if value is None else "a struct"
        advice = "a set without labels is read with --from 'mat(labels=\"none\")'" if name == "y" else ""
        raise DataError.of(file, f"variable {name}", expected="an array", found=found, advice=advice)
    return value


def _whole(file: Path, name: str, array: NDArray[Any], count: int) -> Labels:
    """(N, 1) or (1, N) of any type of numbers -> (N,) int64."""
    numbers = array.reshape(-1)
    if array.ndim != 2 or 1 not in array.shape or len(numbers) != count:
        expected = f"({count}, 1), a label for each image"
        raise DataError.of(file, f"variable {name}", expected=expected, found=str(array.shape))
    wrong = np.flatnonzero(~((numbers == np.floor(numbers)) & (np.abs(numbers.astype(np.float64)) < 2**53)))
    if len(wrong):
        where, found = f"variable {name}, sample {wrong[0]}", f"{numbers[wrong[0]]:g}"
        raise DataError.of(file, where, expected="a whole number", found=found)
    return numbers.astype(np.int64)


def _svhn_files(folder: Path) -> list[tuple[str, Path]]:
    """The splits of a folder of SVHN's files, in their order."""
    matches = [match for match in map(SVHN_NAME.fullmatch, entries(folder)) if match]
    files = [(match[1].lower(), folder / match[0]) for match in matches]
    return sorted(files, key=lambda file: split_order(file[0]))
