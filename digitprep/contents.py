"""What streams of batches hold: a summary, a fingerprint, and the first difference of two of them.

All of it works batch by batch, so that a dataset may be larger than memory, and none of it depends on
the format the batches came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images, Split, size_text


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


@dataclass
class EvenSample:
    """At most `limit` images of a stream of unknown length, evenly spread over it: every `stride`-th.

    Where there are too many, every other one goes and the stride doubles; so it is the same however
    the stream comes in batches.
    """

    limit: int
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    stride: int = 1
    seen: int = 0

    def add(self, images: Images) -> None:
        """Go on with a batch of (N, H, W) or (N, H, W, 3) uint8."""
        for image in images[-self.seen % self.stride :: self.stride]:
            self.images.append(image.copy())  # a view would keep its whole batch in memory
        self.seen += len(images)
        while len(self.images) > self.limit:
            self.images = self.images[::2]
            self.stride *= 2


def summary(batches: Iterable[Split]) -> dict[str, Any]:
    """What a stream of batches holds, as plain values ready for JSON, in bounded memory.

    `{"splits": {name: {count, size, type, labels, class_names, mean, deviation}}, "fingerprint": ...}`:
    labels counts each label, or is None; mean and deviation are of pixels scaled to 0..1.
    """
    tallies: dict[str, Tally] = {}
    return summary_of(seen(batches, tallies, Tally), tallies)


def summary_of(batches: Iterable[Split], tallies: Mapping[str, Tally]) -> dict[str, Any]:
    """As `summary`, of batches that are `seen` by the tallies as they pass."""
    print_of = fingerprint(batches)  # when all of them have passed
    return {"splits": {name: tally.to_dict() for name, tally in tallies.items()}, "fingerprint": print_of}


@dataclass
class Tally:
    """The sums from which a split is described.

    labels: how many images have each, None where there are none
    levels: (256,) how many pixels have a grey level, each channel of a colour counted
    """

    count: int = 0
    size: str = ""
    labels: dict[int, int] | None = None
    class_names: tuple[str, ...] | None = None
    levels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))

    def add(self, part: Split) -> None:
        """Go on with a batch."""
        self.count += len(part)
        self.size, self.class_names = size_text(part.images), part.class_names
        self.levels += np.bincount(part.images.reshape(-1), minlength=256)
        if part.labels is not None:
            self.labels = self.labels or {}
            for label, count in zip(*np.unique(part.labels, return_counts=True), strict=True):
                self.labels[int(label)] = self.labels.get(int(label), 0) + int(count)

    def to_dict(self) -> dict[str, Any]:
        """As `summary` describes a split."""
        grey, total = np.arange(256) / 255, max(int(self.levels.sum()), 1)
        mean = float(self.levels @ grey / total)
        deviation = max(float(self.levels @ grey**2 / total) - mean**2, 0.0) ** 0.5
        labels = None if self.labels is None else dict(sorted(self.labels.items()))
        return {
            "count": self.count,
            "size": self.size,
            "type": "uint8",
            "labels": labels,
            "class_names": self.class_names,
            "mean": mean,
            "deviation": deviation,
        }


Kind = TypeVar("Kind", bound=Tally)


def seen(batches: Iterable[Split], tallies: dict[str, Kind], kind: type[Kind]) -> Iterator[Split]:
    """The batches as they pass, each added to the tally of its split."""
    for part in batches:
        tallies.setdefault(part.name, kind()).add(part)
        yield part


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
