"""Images with their labels: a `Split`, and the `Dataset` that holds splits by name.

A batch is a smaller Split, so a stream of batches and a whole file are the same thing. Prepared
images hold 0 for paper and 255 for ink.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from itertools import chain, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import DataError, UsageError
from digitprep.values import check_batch

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

SHOWN = 20  # images of a split, in a notebook
STANDARD_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Provenance:
    """Where images came from: a path or a name, and the text of the pipeline that made them.

    source: the path or name
    pipeline: the text, "" where there was none
    """

    source: str
    pipeline: str = ""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels, checked to belong together.

    images: (N, H, W) or (N, H, W, 3) uint8
    labels: (N,) int64, or None where they are not known
    name: of the split, as "train"
    sample_names: one a sample, as files are named, or None
    class_names: what label 0, 1, ... stand for, or None
    provenance: where the images came from, or None

    Raises DataError where a shape, a type or a count does not fit.
    """

    images: Images
    labels: Labels | None = None
    name: str = "train"
    sample_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        """Raises DataError where images, labels and names do not belong together."""
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
        """How many samples there are."""
        return len(self.images)

    def __getitem__(self, index: slice | NDArray[Any]) -> Split:
        """The samples that a slice or an array (N,) of positions or of booleans selects."""
        names = self.sample_names
        if names is not None:
            names = names[index] if isinstance(index, slice) else tuple(np.array(names, dtype=object)[index])
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels, sample_names=names)

    def batches(self, size: int) -> Iterator[Split]:
        """Consecutive parts of at most `size` samples; an empty split is one empty part.

        Raises UsageError for a size below 1.
        """
        check_batch(size)
        for start in range(0, max(len(self), 1), size):
            yield self[start : start + size]

    def _repr_html_(self) -> str:
        """In a notebook: what the split holds, and a few of its images, evenly chosen."""
        from digitprep.notebook import image_html, mosaic

        said = f"split {self.name}: {len(self):,} images of {size_text(self.images)}"
        said += "" if self.labels is not None else ", no labels"
        chosen = self[np.unique(np.linspace(0, len(self) - 1, min(SHOWN, len(self))).astype(np.int64))]
        if not len(chosen):
            return f"<p>{escape(said)}</p>"
        names = self.class_names
        shown = [] if chosen.labels is None else [names[n] if names else str(n) for n in chosen.labels]
        picture = image_html(mosaic(chosen.images), f"{len(chosen)} of them: {', '.join(shown)}", 1000)
        return f"<p>{escape(said)}</p>{picture}<p>{escape(' '.join(shown))}</p>"

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
    """Splits by name, in the order train, val, test, then the others by name.

    splits: in any order, each of another name

    Raises DataError where two share a name.
    """

    def __init__(self, splits: Iterable[Split]) -> None:
        given = list(splits)
        self._splits = {split.name: split for split in sorted(given, key=lambda s: split_order(s.name))}
        if len(self._splits) != len(given):
            raise DataError(f"two splits share a name: {', '.join(split.name for split in given)}")

    @classmethod
    def from_batches(cls, batches: Iterable[Split]) -> Dataset:
        """The dataset whose splits come in parts, each split's parts in a row.

        Raises DataError where parts of a split do not fit each other, or two splits share a name.
        """
        return cls(concatenate(group) for _, group in groupby(batches, key=lambda part: part.name))

    def __getitem__(self, name: str) -> Split:
        """The split of that name. Raises UsageError listing those that there are."""
        try:
            return self._splits[name]
        except KeyError:
            known = ", ".join(self._splits) or "none"
            raise UsageError(f"no split is named {name!r}; this dataset has: {known}") from None

    def __contains__(self, name: object) -> bool:
        """Whether there is a split of that name."""
        return name in self._splits

    def get(self, name: str, default: Any = None) -> Any:  # Mapping's own expects a KeyError
        """The split of that name, or `default`."""
        return self._splits.get(name, default)

    def _repr_html_(self) -> str:
        """In a notebook: each of the splits."""
        return "".join(split._repr_html_() for split in self._splits.values())

    def __iter__(self) -> Iterator[str]:
        """The names of the splits."""
        return iter(self._splits)

    def __len__(self) -> int:
        """How many splits there are."""
        return len(self._splits)


def split_order(name: str) -> tuple[int, str]:
    """The sort key that puts train, val and test first, in this order."""
    known = name in STANDARD_SPLITS
    return (STANDARD_SPLITS.index(name) if known else len(STANDARD_SPLITS), name)


def concatenate(parts: Iterable[Split]) -> Split:
    """One split from its parts (at least one), in their order; each is let go before the next is taken.

    Raises DataError where their images differ in size, or only some have labels.
    """
    taken = iter(parts)
    first = next(taken)
    second = next(taken, None)
    if second is None:
        return first
    # A bytearray grows in place: the images are in memory once, not in parts and again as a whole.
    images = bytearray()
    labels: list[Labels] = []
    names: list[str] = []
    for part in chain([first, second], taken):
        if part.images.shape[1:] != first.images.shape[1:]:
            raise DataError(
                f"split {first.name!r}: expected images of {size_text(first.images)}, "
                f"found {size_text(part.images)}"
            )
        if (part.labels is None) != (first.labels is None):
            raise DataError(f"split {first.name!r}: some of its images have labels and some have none")
        images += np.ascontiguousarray(part.images).data
        labels += [] if part.labels is None else [part.labels]
        names += part.sample_names or ()
    return replace(
        first,
        images=np.frombuffer(images, np.uint8).reshape(-1, *first.images.shape[1:]),
        labels=None if first.labels is None else np.concatenate(labels),
        sample_names=tuple(names) if first.sample_names is not None else None,
    )


def size_text(images: Images) -> str:
    """How the images of (N, H, W[, 3]) are called in messages: "28 x 28", "28 x 28 RGB"."""
    height, width = images.shape[1:3]
    return f"{height} x {width}" + (" RGB" if images.ndim == 4 else "")


def check_labels(
    labels: NDArray[Any],
    classes: int | None,
    where: str,
    first: int = 0,
    advice: str = "if the set has more classes, say how many (--classes N, or classes=N)",
) -> None:
    """Raise DataError naming the first label outside 0..classes - 1; `first` is its split's count so far.

    Without a number of classes only negative labels are wrong. `advice` says what to do about too large ones.
    """
    wrong = np.flatnonzero(labels < 0 if classes is None else (labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError.of(
            where,
            f"sample {first + int(wrong[0])}",
            expected="a label of at least 0" if classes is None else f"a label from 0 to {classes - 1}",
            found=int(labels[wrong[0]]),
            advice="" if classes is None else advice,
        )


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
