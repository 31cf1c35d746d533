"""Images with their labels: a `Split`, and the `Dataset` that holds splits by name.

A batch is a smaller Split, so a stream of batches and a whole file are the same thing. Prepared
images hold 0 for paper and 255 for ink.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import DataError, UsageError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

STANDARD_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Provenance:
    """Where images came from: a path or a name, and the text of the pipeline that made them."""

    source: str
    pipeline: str = ""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels, checked to belong together.

    images: (N, H, W) or (N, H, W, 3) uint8
    labels: (N,) int64, or None where they are not known
    sample_names: one a sample, as files are named, or None
    class_names: what label 0, 1, ... stand for, or None

    Raises DataError where a shape, a type or a count does not fit.
    """

    images: Images
    labels: Labels | None = None
    name: str = "train"
    sample_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        where = f"split {self.name!r}"
        _check_images(self.images, where)
        if self.labels is not None:
            object.__setattr__(self, "labels", _checked_labels(self.labels, where))
            _check_count("labels", len(self.labels), len(self.images), where)
            if self.class_names is not None:
                check_labels(self.labels, len(self.class_names), where)
        if self.sample_names is not None:
            _check_count("sample names", len(self.sample_names), len(self.images), where)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: slice | NDArray[Any]) -> Split:
        """The samples that a slice or an array (of positions or of booleans) selects."""
        names = self.sample_names
        if names is not None:
            names = names[index] if isinstance(index, slice) else tuple(np.array(names, dtype=object)[index])
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels, sample_names=names)

    def batches(self, size: int) -> Iterator[Split]:
        """Consecutive parts of at most `size` samples; an empty split is one empty part."""
        if size < 1:
            raise UsageError(f"a batch needs at least 1 sample, found {size}")
        for start in range(0, max(len(self), 1), size):
            yield self[start : start + size]

    def to_xy(
        self, *, flatten: bool = False, normalize: bool = False, one_hot: bool = False
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Arrays ready for another library: x (N, ...) and y (N,) or, as one-hot, (N, classes).

        `flatten` makes x (N, H * W), `normalize` turns 0..255 into float32 0..1, `one_hot` has one
        column a class name, or else up to the largest label and at least ten.

        Raises DataError where the split has no labels.
        """
        if self.labels is None:
            raise DataError(f"split {self.name!r} has no labels, so there is no y")
        x: NDArray[Any] = (
            self.images.reshape(len(self), math.prod(self.images.shape[1:])) if flatten else self.images
        )
        if normalize:
            x = x.astype(np.float32) / np.float32(255)
        y: NDArray[Any] = self.labels
        if one_hot:
            classes = len(self.class_names or ()) or max(10, int(y.max(initial=0)) + 1)
            y = np.eye(classes, dtype=np.float32)[y]
        return x, y


class Dataset(Mapping[str, Split]):
    """Splits by name, in the order train, val, test, then the others by name."""

    def __init__(self, splits: Iterable[Split]) -> None:
        given = list(splits)
        self._splits = {split.name: split for split in sorted(given, key=lambda s: split_order(s.name))}
        if len(self._splits) != len(given):
            raise DataError(f"two splits share a name: {', '.join(split.name for split in given)}")

    @classmethod
    def from_batches(cls, batches: Iterable[Split]) -> Dataset:
        """The dataset whose splits come in parts, each split's parts in a row."""
        return cls(concatenate(list(group)) for _, group in groupby(batches, key=lambda part: part.name))

    def __getitem__(self, name: str) -> Split:
        try:
            return self._splits[name]
        except KeyError:
            known = ", ".join(self._splits) or "none"
            raise UsageError(f"no split is named {name!r}; this dataset has: {known}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._splits

    def get(self, name: str, default: Any = None) -> Any:  # Mapping's own expects a KeyError
        """The split of that name, or `default`."""
        return self._splits.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)


def split_order(name: str) -> tuple[int, str]:
    """The sort key that puts train, val and test first, in this order."""
    known = name in STANDARD_SPLITS
    return (STANDARD_SPLITS.index(name) if known else len(STANDARD_SPLITS), name)


def concatenate(parts: list[Split]) -> Split:
    """One split from its parts, in their order. Raises DataError where their images differ in size."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts:
        if part.images.shape[1:] != first.images.shape[1:]:
            raise DataError(
                f"split {first.name!r}: expected images of {size_text(first.images)}, "
                f"found {size_text(part.images)}"
            )
        if (part.labels is None) != (first.labels is None):
            raise DataError(f"split {first.name!r}: some of its images have labels and some have none")
    labels = (
        None if first.labels is None else np.concatenate([p.labels for p in parts if p.labels is not None])
    )
    names = [name for part in parts for name in part.sample_names or ()]
    return replace(
        first,
        images=np.concatenate([part.images for part in parts]),
        labels=labels,
        sample_names=tuple(names) if first.sample_names is not None else None,
    )


def size_text(images: Images) -> str:
    """How the images of (N, H, W[, 3]) are called in messages: "28 x 28", "28 x 28 RGB"."""
    height, width = images.shape[1:3]
    return f"{height} x {width}" + (" RGB" if images.ndim == 4 else "")


def check_labels(labels: NDArray[Any], classes: int | None, where: str, first: int = 0) -> None:
    """Raise DataError naming the first label outside 0..classes - 1; `first` is its split's count so far.

    Without a number of classes only negative labels are wrong.
    """
    wrong = np.flatnonzero(labels < 0 if classes is None else (labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError.of(
            where,
            f"sample {first + int(wrong[0])}",
            expected="a label of at least 0" if classes is None else f"a label from 0 to {classes - 1}",
            found=int(labels[wrong[0]]),
            advice=""
            if classes is None
            else "if the set has more classes, say how many (--classes N, or classes=N)",
        )


def fingerprint(batches: Iterable[Split]) -> str:
    """A SHA-256 over split names, image sizes, images and labels, whatever the format or batch."""
    total = hashlib.sha256()
    for name, group in groupby(batches, key=lambda part: part.name):
        images, labels, shape, count = hashlib.sha256(), hashlib.sha256(), "", 0
        for part in group:
            images.update(np.ascontiguousarray(part.images).data)
            if part.labels is not None:
                labels.update(np.ascontiguousarray(part.labels, dtype="<i8").data)
            labels.update(b"" if part.labels is not None else b"none" * (count == 0))
            shape = size_text(part.images)
            count += len(part)
        total.update(f"{name}:{count}:{shape}:{images.hexdigest()}:{labels.hexdigest()};".encode())
    return total.hexdigest()


def summary(batches: Iterable[Split]) -> dict[str, Any]:
    """What a stream of batches holds, as plain values ready for JSON, in bounded memory.

    `{"splits": {name: {count, size, labels, mean, deviation}}, "fingerprint": ...}`: labels counts
    each label, or is None; mean and deviation are of pixels scaled to 0..1.
    """
    splits: dict[str, _Tally] = {}

    def tallied() -> Iterator[Split]:
        for part in batches:
            splits.setdefault(part.name, _Tally()).add(part)
            yield part

    print_of = fingerprint(tallied())
    return {"splits": {name: tally.to_dict() for name, tally in splits.items()}, "fingerprint": print_of}


@dataclass
class _Tally:
    """The sums from which a split is described."""

    count: int = 0
    size: str = ""
    labels: dict[int, int] | None = None
    levels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))

    def add(self, part: Split) -> None:
        self.count += len(part)
        self.size = size_text(part.images)
        self.levels += np.bincount(part.images.reshape(-1), minlength=256)
        if part.labels is not None:
            self.labels = self.labels or {}
            for label, count in zip(*np.unique(part.labels, return_counts=True), strict=True):
                self.labels[int(label)] = self.labels.get(int(label), 0) + int(count)

    def to_dict(self) -> dict[str, Any]:
        grey, total = np.arange(256) / 255, max(int(self.levels.sum()), 1)
        mean = float(self.levels @ grey / total)
        deviation = max(float(self.levels @ grey**2 / total) - mean**2, 0.0) ** 0.5
        labels = None if self.labels is None else dict(sorted(self.labels.items()))
        return {
            "count": self.count,
            "size": self.size,
            "labels": labels,
            "mean": mean,
            "deviation": deviation,
        }


def difference(a: Iterable[Split], b: Iterable[Split]) -> str | None:
    """The first thing in which two streams of batches of one size differ, or None.

    Compared are the splits' names, the images and the labels; both streams come in the order that
    `split_order` gives, as `formats.stream` does.
    """
    position: dict[str, int] = {}
    for left, right in zip_longest(a, b):
        if left is None or right is None:
            extra, side = (right, "B") if left is None else (left, "A")
            return f"only {side} has sample {position.get(extra.name, 0)} of split {extra.name!r}"
        if left.name != right.name:
            return f"A goes on with split {left.name!r}, B with {right.name!r}"
        start = position.get(left.name, 0)
        found = _batch_difference(left, right, start)
        if found:
            return f"split {left.name!r}, {found}"
        position[left.name] = start + len(left)
    return None


def _batch_difference(left: Split, right: Split, start: int) -> str | None:
    if left.images.shape[1:] != right.images.shape[1:]:
        return f"images: {size_text(left.images)} in A, {size_text(right.images)} in B"
    if (left.labels is None) != (right.labels is None):
        return f"labels: {'none' if left.labels is None else 'some'} in A, the other way round in B"
    count = min(len(left), len(right))
    axes = tuple(range(1, left.images.ndim))
    differs = (left.images[:count] != right.images[:count]).any(axis=axes)
    if left.labels is not None and right.labels is not None:
        differs |= left.labels[:count] != right.labels[:count]
    if differs.any():
        return _sample_difference(left, right, int(differs.argmax()), start)
    if len(left) != len(right):
        return f"number of samples: {start + len(left)} in A, {start + len(right)} in B, or more"
    return None


def _sample_difference(left: Split, right: Split, index: int, start: int) -> str:
    if left.labels is not None and right.labels is not None and left.labels[index] != right.labels[index]:
        return f"sample {start + index}: label {left.labels[index]} in A, {right.labels[index]} in B"
    pixel = np.argwhere(left.images[index] != right.images[index])[0]
    a, b = left.images[index][tuple(pixel)], right.images[index][tuple(pixel)]
    return f"sample {start + index}: pixel (row {pixel[0]}, column {pixel[1]}) is {a} in A, {b} in B"


def _check_images(images: Images, where: str) -> None:
    shape = getattr(images, "shape", None)
    if shape is None or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise DataError(f"{where}: expected images of (N, H, W) or (N, H, W, 3), found {shape}")
    if images.dtype != np.uint8:
        raise DataError(f"{where}: expected images of uint8, found {images.dtype}")


def _checked_labels(labels: NDArray[Any], where: str) -> Labels:
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(f"{where}: expected labels of (N,) whole numbers, found {array.shape} {array.dtype}")
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"{where}: a label is too large for int64: {array.max()}")
    return array.astype(np.int64, copy=False)


def _check_count(what: str, found: int, expected: int, where: str) -> None:
    if found != expected:
        raise DataError(f"{where}: expected as many {what} as images, {expected}, found {found}")
