"""Accuracy on photos drawn with known difficulties: `python tests/bench/bench_photos.py MNIST`.

Digits of MNIST's test split are drawn onto paper (`paper.py`) with one difficulty at a time
(`difficulties.py`), written to files, and read from them by each recipe and the bundled network. The
table says how many percent are right at the weak, middle and strong strength, and how many were
rejected; what each strength is stands beside it. A rejected photo counts as wrong.

--sheet draws examples, --sources counts what is read of real photos, --ablation says what each step of the
recipe is worth, here and on real photos, --changes what others in the place of steps are worth, --held-out
what recipes read of real sources that they were not tuned on, --cost how much processor time a large photo
takes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: a process a core

import cv2
import numpy as np
from ablation import Ablation
from cost import print_cost
from difficulties import DIFFICULTIES, STRENGTHS, draw
from held_out import print_held_out
from numpy.typing import NDArray
from real_photos import Photo, print_sources

import digitprep as dp
from digitprep.errors import StepError
from digitprep.recipes import RECIPES, recipe
from digitprep.report.sheet import Cell, contact_sheet
from digitprep.workers import ProcessPool

MIDDLE = STRENGTHS.index("middle")
GOAL_PERCENT = 97


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="MNIST in any format")
    parser.add_argument("--photos", type=Path, help="real photos with manifest.csv")
    parser.add_argument("--digits", type=int, default=100, help="of each difficulty and strength")
    parser.add_argument(
        "--difficulties", nargs="+", choices=DIFFICULTIES, default=list(DIFFICULTIES), metavar="NAME"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw examples instead of counting")
    parser.add_argument("--sources", action="store_true", help="count --photos, by source, instead")
    parser.add_argument("--ablation", action="store_true", help="leave out one step after the other instead")
    parser.add_argument("--changes", action="store_true", help="try other steps in the place of some instead")
    parser.add_argument("--held-out", action="store_true", help="tune on other sources than --photos' each")
    parser.add_argument("--cost", action="store_true", help="measure processor time instead")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if (options.sources or options.held_out) and not options.photos:
        parser.error("--sources and --held-out need --photos")
    sample = Sample.of(options.data, options.digits, options.seed)
    if options.sheet:
        draw_sheet(options.sheet, sample, options.difficulties)
    elif options.sources:
        print_sources(options.photos)
    elif options.ablation:
        Ablation(sample.middle_photos(options.difficulties), options.photos).print_steps()
    elif options.changes:
        Ablation(sample.middle_photos(options.difficulties), options.photos).print_changes()
    elif options.held_out:
        print_held_out(options.photos)
    elif options.cost:
        print_cost(sample.digits)
    else:
        print_table(sample, options.difficulties, options.jobs)


@dataclass(frozen=True, eq=False)
class Sample:
    """The digits that are drawn: (N, 28, 28) and (N,), equally many of each class, and the seed."""

    digits: NDArray[np.uint8]
    labels: NDArray[np.int64]
    seed: int

    @classmethod
    def of(cls, data: Path, count: int, seed: int) -> Sample:
        test = dp.read(data)["test"]
        rng = np.random.default_rng(seed)
        turns = np.stack(
            [rng.permutation(np.flatnonzero(test.labels == label))[:count] for label in range(10)]
        )
        chosen = turns.T.ravel()[:count]
        return cls(test.images[chosen], test.labels[chosen], seed)

    def photos(self, name: str, strength: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Each digit's photo as `load_photo` reads it from its file, and the label."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "photo")
            for number, label in enumerate(self.labels):
                file.write_bytes(draw(name, strength, self.digits, number, self.seed))
                yield dp.load_photo(file), int(label)

    def middle_photos(self, names: list[str]) -> Iterator[Photo]:
        """The photos of each difficulty at its middle strength."""
        for name in names:
            for pixels, label in self.photos(name, min(MIDDLE, len(DIFFICULTIES[name].levels) - 1)):
                yield name, pixels, label


# The table


@dataclass
class Count:
    """Of some photos how many were read right, and how many rejected."""

    photos: int = 0
    right: int = 0
    rejected: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.right / self.photos


Counts = dict[str, Count]  # by recipe


def print_table(sample: Sample, names: list[str], jobs: int) -> None:
    cells = [(name, strength) for name in names for strength in range(len(DIFFICULTIES[name].levels))]
    with ProcessPool(jobs) if jobs > 1 else nullcontext() as pool:
        results = (pool.map if pool else map)(partial(counted, sample), cells)
        table: dict[str, list[Counts]] = {name: [] for name in names}
        print("| difficulty | weak, middle, strong |", *(f"{name} |" for name in RECIPES))
        print("|---|---|", *("---|" for _ in RECIPES))
        for (name, strength), counts in zip(cells, results, strict=True):
            table[name].append(counts)
            if strength == len(DIFFICULTIES[name].levels) - 1:
                print(row(name, table[name]), flush=True)
    print_summary(table)


def counted(sample: Sample, cell: tuple[str, int]) -> Counts:
    """How each recipe does on the photos of one difficulty at one strength."""
    pipelines = {name: recipe(name) for name in RECIPES}
    counts = {name: Count() for name in RECIPES}
    for pixels, label in sample.photos(*cell):
        for name, pipeline in pipelines.items():
            digit = read(pipeline, pixels)
            counts[name].photos += 1
            counts[name].right += digit == label
            counts[name].rejected += digit is None
    return counts


def read(pipeline: dp.Pipeline, pixels: NDArray[np.uint8]) -> int | None:
    """The digit that the bundled network sees; None where the pipeline finds none."""
    try:
        return int(network().predict(pipeline(pixels))[0])
    except StepError:
        return None


@cache
def network() -> dp.Model:
    return dp.load_model()


def row(name: str, levels: list[Counts]) -> str:
    difficulty = DIFFICULTIES[name]
    figures = ", ".join(f"{level:g}" for level in difficulty.levels) + f" {difficulty.unit}"
    cells = [name, figures if difficulty.unit else ""]
    for recipe_name in RECIPES:
        counts = [level[recipe_name] for level in levels]
        right = " ".join(f"{count.percent:.0f}" for count in counts)
        rejected = " ".join(f"{100 * count.rejected / count.photos:.0f}" for count in counts)
        cells.append(right + (f" (rejected {rejected})" if any(count.rejected for count in counts) else ""))
    return f"| {' | '.join(cells)} |"


def print_summary(table: dict[str, list[Counts]]) -> None:
    """The mean over the difficulties, and where the goals are missed."""
    default, *others = RECIPES
    middle = {name: levels[min(MIDDLE, len(levels) - 1)] for name, levels in table.items()}
    means = (
        f"{name} {np.mean([counts[name].percent for counts in middle.values()]):.1f} %" for name in RECIPES
    )
    print(f"\nmean of the difficulties at middle strength: {', '.join(means)}")
    short = [name for name, counts in middle.items() if counts[default].percent < GOAL_PERCENT]
    print(f"below {GOAL_PERCENT} % at middle strength: {', '.join(short) or 'none'}")
    beaten = [
        f"{name} {STRENGTHS[strength] if len(levels) > 1 else ''}".strip()
        for name, levels in table.items()
        for strength, counts in enumerate(levels)
        if any(counts[other].right > counts[default].right for other in others)
    ]
    print(f"read better by a tutorial's recipe: {', '.join(beaten) or 'none'}")


# The sheet


def draw_sheet(path: Path, sample: Sample, names: list[str]) -> None:
    """A row a difficulty: at each strength two photos and what the default recipe makes of them."""
    cells = []
    for name in names:
        levels = DIFFICULTIES[name].levels
        for strength in range(len(STRENGTHS)):
            caption = f"{name} {levels[strength]:g}" if strength < len(levels) else ""
            photos = sample.photos(name, strength) if caption else iter(())
            for _ in range(2):
                cells += photo_and_result(*next(photos, (None, None)), caption)
    contact_sheet([[cell] for cell in cells], across=4 * len(STRENGTHS)).save(path)


def photo_and_result(pixels: NDArray[np.uint8] | None, label: int | None, caption: str) -> list[Cell]:
    if pixels is None:
        return [Cell(None), Cell(None)]
    try:
        image = recipe()(pixels)
    except StepError as error:
        return [Cell(pixels, caption), Cell(None, str(error), False)]
    digit = int(network().predict(image)[0])
    return [Cell(pixels, caption), Cell(image, f"{label} read {digit}", digit == label)]


if __name__ == "__main__":
    main()
