"""Which samples go on: some splits, the first of each, some classes; a validation split; many sets as one.

All of it works on streams of batches in the order that `split_order` gives, as `formats.stream` makes
them, so that a dataset may be larger than memory. Labels stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Split, split_order
from digitprep.errors import DataError, UsageError

Chosen = NDArray[np.bool_]


def only(batches: Iterable[Split], names: Collection[str]) -> Iterator[Split]:
    """The splits of these names. Raises UsageError at the end where one of them never came."""
    seen: list[str] = []
    for part in batches:
        if part.name not in seen:
            seen.append(part.name)
        if part.name in names:
            yield part
    for name in names:
        if name not in seen:
            raise UsageError(f"no split is named {name!r}; there are: {', '.join(seen)}")


def take(batches: Iterable[Split], count: int) -> Iterator[Split]:
    """The first `count` samples of each split, or all where it has fewer."""
    if count < 0:
        raise UsageError(f"expected a number of samples from 0, found {count}")
    position: dict[str, int] = {}
    for part in batches:
        start = position.get(part.name, 0)
        if start < count or not start:
            yield part[: count - start]
        position[part.name] = start + len(part)


def of_classes(batches: Iterable[Split], classes: Collection[str]) -> Iterator[Split]:
    """The samples of these classes, each given by its name or, as text, by its label.

    Raises DataError where a split has no labels, and UsageError where nothing is of one of the classes.
    """
    found: set[str] = set()
    for part in batches:
        if part.labels is None:
            raise DataError(f"split {part.name!r} has no labels, so no classes can be chosen from it")
        kept = np.zeros(len(part), dtype=bool)
        for name in classes:
            is_it = part.labels == _label(name, part.class_names)
            if is_it.any():
                found.add(name)
            kept |= is_it
        yield part[kept]
    missing = [name for name in classes if name not in found]
    if missing:
        raise UsageError(f"no sample is of class {' or '.join(missing)}; `digitprep info` counts them")


def merged(sources: Sequence[Iterable[Split]]) -> Iterator[Split]:
    """Several streams as one: splits of the same name one after the other, in the order of the sources.

    Sample names are left out, as two sources may share them.

    Raises DataError where splits of one name differ in class names, or only some have labels.
    """
    streams = [iter(source) for source in sources]
    heads = [next(stream, None) for stream in streams]
    while waiting := [head.name for head in heads if head is not None]:
        name = min(waiting, key=split_order)
        first: Split | None = None
        for index, stream in enumerate(streams):
            while (head := heads[index]) is not None and head.name == name:
                first = first or head
                _check_alike(first, head, index)
                yield replace(head, sample_names=None) if len(streams) > 1 else head
                heads[index] = next(stream, None)


@dataclass(frozen=True)
class Division:
    """How a training split is divided: `validation` samples, or a share below 1, are held back.

    training: how many must be left, or None for the rest
    """

    validation: float
    training: int | None = None

    @classmethod
    def parse(cls, text: str) -> Division:
        """From "55000:5000", "val=5000" or "val=0.1". Raises UsageError on anything else."""
        try:
            if text.startswith("val="):
                return cls(_amount(text.removeprefix("val=")))
            training, validation = text.split(":")
            return cls(int(validation), int(training))
        except ValueError:
            raise UsageError(
                f"expected a division such as 55000:5000 (training and validation), val=5000 or val=0.1, "
                f"found {text!r}"
            ) from None

    def count(self, total: int) -> int:
        """How many of `total` samples are held back. Raises UsageError where that cannot be done."""
        held = held_back(self.validation, total)
        if self.training is not None and self.training + held != total:
            raise UsageError(
                f"{self.training} and {held} samples are asked for, which is {self.training + held}; the "
                f"training split has {total}; give numbers that add up to it, or val={held}"
            )
        if not 0 < held < total:
            raise UsageError(
                f"{held} of {total} training samples cannot be held back; give fewer, at least 1"
            )
        return held


def divide(split: Split, validation: float, seed: int = 0) -> tuple[Split, Split]:
    """A split in two, "train" and "val": `validation` samples, or a share below 1, are held back.

    Each class gives its share; which samples, the seed decides. Both parts keep the order.

    Raises UsageError where so many cannot be held back.
    """
    labels = np.zeros(len(split), np.int64) if split.labels is None else split.labels
    held = stratified(labels, Division(validation).count(len(split)), seed)
    return replace(split[~held], name="train"), replace(split[held], name="val")


def divided(reread: Callable[[], Iterable[Split]], division: Division, seed: int = 0) -> Iterator[Split]:
    """The stream that `reread` opens, its training split divided as `divide` does.

    The stream is opened once for the labels and once for each part, so that memory holds the labels only.

    Raises UsageError where there is no split "train", or one named "val" already.
    """
    held = _held_back(reread, division, seed)
    yield from _picked(reread(), ~held, "train")
    yield from _picked(reread(), held, "val")
    yield from (part for part in reread() if part.name != "train")


def held_back(validation: float, count: int) -> int:
    """How many of `count` images a number or a share of validation images stands for.

    Raises UsageError where it is neither, or leaves no image to learn from.
    """
    held = max(round(validation * count), 1) if 0 < validation < 1 else validation
    if held < 0 or not float(held).is_integer():
        raise UsageError(f"validation must be a number of images or a share below 1, found {validation}")
    if held >= count:
        raise UsageError(
            f"{held:g} of {count} images cannot be held back for validation, as none would be left to learn "
            "from; give fewer, a share such as 0.1, or 0"
        )
    return int(held)


def held_back_unasked(count: int, usual: float = 5000) -> float:
    """How many of `count` images are held back where nobody says: as many as is usual, or a tenth of few."""
    return min(usual, count // 10)


def stratified(labels: NDArray[np.int64], count: int, seed: int) -> Chosen:
    """(N,) labels -> (N,) booleans, `count` of them true: as many of each class as is its share.

    What is left after rounding down goes to the classes with the largest remainders.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    exact = sizes * count / max(len(labels), 1)
    quotas = np.floor(exact).astype(np.int64)
    for index in np.argsort(quotas - exact, kind="stable")[: count - int(quotas.sum())]:
        quotas[index] += 1
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=bool)
    for label, quota in zip(classes, quotas, strict=True):
        chosen[rng.permutation(np.flatnonzero(labels == label))[:quota]] = True
    return chosen


def _held_back(reread: Callable[[], Iterable[Split]], division: Division, seed: int) -> Chosen:
    """Which training samples are held back, from a first reading."""
    names: list[str] = []
    labels: list[NDArray[np.int64]] = []
    for part in reread():
        names.append(part.name)
        if part.name == "train":
            labels.append(np.zeros(len(part), np.int64) if part.labels is None else part.labels)
        else:
            break  # train comes first and val second
    if not labels:
        raise UsageError(f"there is no split 'train' to divide; the first one is {names[0]!r}")
    if "val" in names:
        raise UsageError("there is a split 'val' already; leave the division out, or leave val out (--only)")
    together = np.concatenate(labels)
    return stratified(together, division.count(len(together)), seed)


def _picked(batches: Iterable[Split], chosen: Chosen, name: str) -> Iterator[Split]:
    """The chosen training samples, as a split of that name."""
    start = 0
    for part in takewhile(lambda part: part.name == "train", batches):
        yield replace(part[chosen[start : start + len(part)]], name=name)
        start += len(part)


def _label(name: str, class_names: tuple[str, ...] | None) -> int:
    """The label that a class's name stands for, or the number that the name is."""
    if class_names and name in class_names:
        return class_names.index(name)
    if name.isdecimal():
        return int(name)
    known = ", ".join(class_names or ()) or "the classes have no names; give labels"
    raise UsageError(f"no class is named {name!r}; known: {known}")


def _amount(text: str) -> float:
    return float(text) if "." in text else int(text)


def _check_alike(first: Split, other: Split, index: int) -> None:
    where = f"source {index + 1}, split {other.name!r}"
    if first.class_names != other.class_names:
        raise DataError.of(
            where,
            expected=f"the class names of the first source, {_listed(first.class_names)}",
            found=_listed(other.class_names),
            advice="a label must mean the same everywhere; convert one of them first",
        )
    if (first.labels is None) != (other.labels is None):
        raise DataError(f"{where}: some of the sources have labels and some have none")


def _listed(names: tuple[str, ...] | None) -> str:
    return "none" if names is None else ", ".join(names)
