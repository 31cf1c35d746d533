"""What a split looks like: samples and the mean image a class, and how labels, sizes and greys are spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from digitprep.contents import EvenSample, Tally
from digitprep.dataset import Images, Split

MOST_CLASSES = 100  # that are looked at one by one
SAMPLES = 20  # of a class that are kept
INK = 128  # from here on a pixel belongs to the digit


@dataclass
class Overview(Tally):
    """The sums from which a split is drawn, in memory that does not grow with it.

    samples, sums: of the first MOST_CLASSES labels, images and the sum of all of them, None for no label
    heights, widths: how many images have ink so many pixels high and wide, ink being 128 and more
    """

    samples: dict[int | None, EvenSample] = field(default_factory=dict)
    sums: dict[int | None, NDArray[np.float64]] = field(default_factory=dict)
    heights: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    widths: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def counts(self) -> dict[int | None, int]:
        """How many images have a label; None stands for those without."""
        return {None: self.count} if self.labels is None else dict(self.labels.items())

    def add(self, part: Split) -> None:
        """Go on with a batch."""
        super().add(part)
        ink = part.images if part.images.ndim == 3 else part.images.max(axis=3)
        has_ink: NDArray[np.bool_] = ink >= INK
        self.heights = _added(self.heights, _extents(np.asarray(has_ink.any(axis=2))))
        self.widths = _added(self.widths, _extents(np.asarray(has_ink.any(axis=1))))
        for label, images in _by_label(part):
            if label in self.samples or len(self.samples) < MOST_CLASSES:
                self.samples.setdefault(label, EvenSample(SAMPLES)).add(images)
                total = images.sum(axis=0, dtype=np.float64)
                self.sums[label] = self.sums[label] + total if label in self.sums else total

    def mean(self, label: int | None) -> NDArray[np.uint8]:
        """(H, W) or (H, W, 3) uint8: the mean image of a label that has one."""
        return np.asarray(np.rint(self.sums[label] / self.counts[label]), np.uint8)

    def name(self, label: int | None) -> str:
        """What a label is called."""
        if label is None:
            return "no label"
        names = self.class_names or ()
        return names[label] if label < len(names) else str(label)


@dataclass(frozen=True, eq=False)
class Difference:
    """A sample that is not the same in two datasets: its split, its place there, and what either has."""

    split: str
    index: int
    a: NDArray[np.uint8]
    b: NDArray[np.uint8]
    label_a: int | None
    label_b: int | None


def differences(a: Iterable[Split], b: Iterable[Split], most: int) -> Iterator[Difference]:
    """The first samples in which two streams of batches of one size differ, as far as they go together."""
    places: dict[str, int] = {}
    for left, right in zip_longest(a, b):
        if most <= 0 or left is None or right is None:
            continue  # to the end, for whoever looks at the batches as they pass
        if left.name != right.name or left.images.shape[1:] != right.images.shape[1:]:
            most = 0
            continue
        start, count = places.get(left.name, 0), min(len(left), len(right))
        places[left.name] = start + len(left)
        labels = [[None] * count if one.labels is None else one.labels.tolist() for one in (left, right)]
        for index in range(count):
            of_a, of_b = labels[0][index], labels[1][index]
            if most > 0 and (of_a != of_b or (left.images[index] != right.images[index]).any()):
                most -= 1
                images = left.images[index].copy(), right.images[index].copy()
                yield Difference(left.name, start + index, *images, of_a, of_b)


def _by_label(part: Split) -> Iterator[tuple[int | None, Images]]:
    if part.labels is None:
        yield None, part.images
        return
    for label in np.unique(part.labels).tolist():
        yield label, part.images[part.labels == label]


def _extents(has_ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N, L) -> how many of the N reach over 0, 1, ... L places from their first to their last."""
    length = has_ink.shape[1]
    first, last = has_ink.argmax(axis=1), length - has_ink[:, ::-1].argmax(axis=1)
    return np.bincount(np.where(has_ink.any(axis=1), last - first, 0), minlength=length + 1)


def _added(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of two counts, of which one may be longer."""
    total = np.zeros(max(len(a), len(b)), np.int64)
    total[: len(a)] += a
    total[: len(b)] += b
    return total
