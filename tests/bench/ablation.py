"""What each step of the default recipe is worth: points of accuracy lost without it, or with another."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import digitprep as dp
from digitprep.errors import DigitprepError, StepError
from digitprep.recipes import recipe
from digitprep.spec import spec_name
from digitprep.steps import STEPS

Photo = tuple[str, NDArray[np.uint8], int]  # its group (a source, a difficulty), pixels, label

# Where a step cannot be left out, or where more than leaving it out is of interest: others in its place.
CHANGES = (
    "rescale(smallest_px=1)",
    "rescale(largest_px=1000)",
    "invert",
    'threshold(method="fixed", level=105)',
    'threshold(method="otsu")',
    'threshold(method="adaptive")',
    "keep_digit(gap=0.0, gap_above=0.0)",
    'resize(size=20, mode="stretch")',
    'center(size=28, by="box")',
)


def print_ablation(drawn: Iterable[Photo], folder: Path | None) -> None:
    """A table of the points lost, on real photos as the mean over their sources, and on drawn ones."""
    sets = {"drawn": list(drawn)}
    if folder:
        sets = {"photos": real_photos(folder), **sets}
    model = dp.load_model()
    whole = {name: scores(recipe(), photos, model) for name, photos in sets.items()}
    for name, photos in sets.items():
        mean = np.mean(list(whole[name].values()))
        print(
            f"{name}: {len(photos)} photos, {len(whole[name])} groups, {100 * mean:.2f} % right in the mean"
        )
    print("\n| recipe |", " | ".join(sets), "| loses most on |")
    print("|---|", *("---|" for _ in sets), "---|", sep="")
    for title, pipeline in variants(recipe()).items():
        lost = {name: losses(whole[name], scores(pipeline, photos, model)) for name, photos in sets.items()}
        means = (f"{np.mean(list(points.values())):+.1f}" for points in lost.values())
        worst = sorted(lost["drawn"].items(), key=lambda group: -group[1])[:3]
        named = ", ".join(f"{name} {points:.0f}" for name, points in worst if points >= 1)
        print(f"| {title} | {' | '.join(means)} | {named} |", flush=True)


def variants(whole: dp.Pipeline) -> dict[str, dp.Pipeline]:
    """The pipeline without each of its steps, as far as an image comes out, and with each of CHANGES."""
    found = {}
    for index, step in enumerate(whole.steps):
        rest = dp.Pipeline(whole.steps[:index] + whole.steps[index + 1 :])
        if makes_an_image(rest):
            found[f"without {spec_name(type(step))}"] = rest
    for text in CHANGES:
        other = STEPS.parse(text)
        steps = tuple(other if type(step) is type(other) else step for step in whole.steps)
        found[f"`{text}`"] = dp.Pipeline(steps)
    return found


def makes_an_image(pipeline: dp.Pipeline) -> bool:
    """Whether a pipeline turns a colour photo into 28 x 28 pixels at all."""
    photo = np.full((300, 300, 3), 240, np.uint8)
    photo[60:240, 140:160] = 20
    try:
        return pipeline(photo).shape == (28, 28)
    except DigitprepError:
        return False


def scores(pipeline: dp.Pipeline, photos: list[Photo], model: dp.Model) -> dict[str, float]:
    """The share of right answers for each group of photos."""
    right = defaultdict(list)
    for group, pixels, label in photos:
        try:
            right[group].append(int(model.predict(pipeline(pixels))[0]) == label)
        except StepError:
            right[group].append(False)
    return {group: float(np.mean(answers)) for group, answers in right.items()}


def losses(whole: dict[str, float], less: dict[str, float]) -> dict[str, float]:
    """Points of a hundred lost by each group."""
    return {group: 100 * (share - less[group]) for group, share in whole.items()}


def real_photos(folder: Path) -> list[Photo]:
    """The photos of one digit that a folder's manifest.csv (file, label, source) lists."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if len(row["label"]) == 1]
    return [(row["source"], dp.load_photo(folder / row["file"]), int(row["label"])) for row in rows]
