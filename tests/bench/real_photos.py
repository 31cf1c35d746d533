"""Real photos with their labels, by source, and what each recipe reads of them."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from readme_table import print_table

import digitprep as dp
from digitprep.errors import StepError
from digitprep.labels import find_labels
from digitprep.recipes import RECIPES, recipe
from digitprep.sources import find_photos

Photo = tuple[str, NDArray[np.uint8], int]  # its group (a source, a difficulty), pixels, label

# Larger pools from the same kinds of places, in folders beside the photos: how they are labelled, and called.
POOLS = {
    "photo_crops": ("PNG__DIGIT_{label}_*", "crops of photos"),
    "sudoku_cells": ("*_{label}", "cells of sudokus"),
    "drawn_1000": ("dataset.csv", "drawings"),
}


def real_photos(folder: Path) -> list[Photo]:
    """The photos of one digit that a folder's manifest.csv (file, label, source) lists."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if len(row["label"]) == 1]
    return [(row["source"], dp.load_photo(folder / row["file"]), int(row["label"])) for row in rows]


def answers(pipeline: dp.Pipeline, photos: Iterable[Photo], model: dp.Model) -> dict[str, list[bool]]:
    """For each group of photos which are read right; one that is rejected is not."""
    right = defaultdict(list)
    for group, pixels, label in photos:
        try:
            right[group].append(bool(model.predict(pipeline(pixels))[0] == label))
        except StepError:
            right[group].append(False)
    return right


def print_sources(folder: Path) -> None:
    """The README's table: of each source how many photos each recipe reads right; then the pools."""
    photos, model = real_photos(folder), dp.load_model()
    found = [answers(recipe(name), photos, model) for name in RECIPES]
    default, *others = RECIPES
    print_table(
        "photos",
        ["source", "photos", f"`{default}`, the default", *(f"`{name}`" for name in others)],
        source_rows(found),
    )
    for name, (how, title) in POOLS.items():
        pool = folder.parent / name
        if pool.is_dir():
            (right,) = answers(recipe(), pool_photos(pool, how), model).values()
            print(f"the default reads {sum(right):,} of {len(right):,} {title} ({name})", flush=True)


def source_rows(found: list[dict[str, list[bool]]]) -> Iterator[list[str]]:
    """A row a source, the largest first, and two for all of them, the best figure in bold."""
    counts = {source: len(right) for source, right in found[0].items()}
    for source in sorted(counts, key=lambda source: (-counts[source], source.lower())):
        yield [source, str(counts[source]), *(str(sum(right[source])) for right in found)]
    means = [np.mean([np.mean(right) for right in one.values()]) for one in found]
    shares = [np.mean([answer for right in one.values() for answer in right]) for one in found]
    yield ["mean over the sources", "", *percents(means)]
    yield ["of all photos", str(sum(counts.values())), *percents(shares)]


def percents(shares: list[float]) -> list[str]:
    """Shares in percent, the largest in bold."""
    mark = {max(shares): "**"}
    return [f"{mark.get(share, '')}{100 * share:.1f} %{mark.get(share, '')}" for share in shares]


def pool_photos(folder: Path, how: str) -> Iterator[Photo]:
    """The photos of one of the POOLS, one after the other."""
    files = list(find_photos([folder]))
    labels = find_labels(files, str(folder / how) if how.endswith(".csv") else how)
    for file, label in zip(files, labels, strict=True):
        if isinstance(label, dp.DigitprepError):
            raise label
        yield folder.name, dp.load_photo(file), label
