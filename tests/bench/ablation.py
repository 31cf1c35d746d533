"""What each step of the default recipe is worth: points of accuracy lost without it, or with another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from readme_table import print_table
from real_photos import Photo, answers, real_photos

import digitprep as dp
from digitprep.errors import DigitprepError
from digitprep.recipes import recipe
from digitprep.spec import spec_name
from digitprep.steps import STEPS

# What the README says of the points that are lost: compare it with the difficulties that are printed.
HURTS_MOST = {
    "rescale": "thumbnails",
    "invert": "nearly all",
    "even_light": "hard and soft shadows",
    "threshold": "tiny digits, faint pencil",
    "remove_lines": "ruled and squared paper",
    "keep_digit": "neighbours, squared paper",
    "thicken": "thin pens in photos",
    "crop": "tiny digits, off-centre ones",
}
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


class Ablation:
    """Points lost by recipes that differ from the default one, on groups of photos."""

    def __init__(self, drawn: Iterable[Photo], folder: Path | None) -> None:
        self.sets = {"photos": real_photos(folder)} if folder else {}
        self.sets["drawn"] = list(drawn)
        self.model = dp.load_model()
        self.whole = {name: scores(recipe(), photos, self.model) for name, photos in self.sets.items()}
        for name, groups in self.whole.items():
            mean = 100 * np.mean(list(groups.values()))
            print(
                f"{name}: {len(self.sets[name])} photos, {len(groups)} groups, {mean:.2f} % right in the mean"
            )

    def print_steps(self) -> None:
        """The README's table: a row a step that is left out; then where the most is lost."""
        worst: list[str] = []
        print_table("ablation", ["left out", *self.sets, "hurts most"], self._step_rows(worst))
        print("\nloses most on:", *worst, sep="\n  ")

    def _step_rows(self, worst: list[str]) -> Iterator[list[str]]:
        for name, pipeline in without_steps(recipe()).items():
            means, most = self.lost_by(pipeline)
            worst.append(f"{name}: {most}")
            yield [f"`{name}`", *means, HURTS_MOST[name]]

    def print_changes(self) -> None:
        """A row a step that is another instead."""
        print_table("changes", ["instead", *self.sets, "loses most on"], self._change_rows())

    def _change_rows(self) -> Iterator[list[str]]:
        for text, pipeline in with_changes(recipe()).items():
            means, most = self.lost_by(pipeline)
            yield [f"`{text}`", *means, most]

    def lost_by(self, pipeline: dp.Pipeline) -> tuple[list[str], str]:
        """The points lost in the mean of each set's groups, and the drawn ones that lose most."""
        lost = {
            name: losses(self.whole[name], scores(pipeline, photos, self.model))
            for name, photos in self.sets.items()
        }
        means = [f"{np.mean(list(points.values())).round(1) + 0.0:.1f}" for points in lost.values()]
        worst = sorted(lost["drawn"].items(), key=lambda group: -group[1])[:3]
        return means, ", ".join(f"{name} {points:.0f}" for name, points in worst if points >= 1)


def without_steps(whole: dp.Pipeline) -> dict[str, dp.Pipeline]:
    """The pipeline without each of its steps, as far as an image comes out."""
    shorter = {
        spec_name(type(step)): dp.Pipeline(whole.steps[:index] + whole.steps[index + 1 :])
        for index, step in enumerate(whole.steps)
    }
    return {name: pipeline for name, pipeline in shorter.items() if makes_an_image(pipeline)}


def with_changes(whole: dp.Pipeline) -> dict[str, dp.Pipeline]:
    """The pipeline with each of CHANGES in the place of its step of that kind."""
    found = {}
    for text in CHANGES:
        other = STEPS.parse(text)
        steps = tuple(other if type(step) is type(other) else step for step in whole.steps)
        found[text] = dp.Pipeline(steps)
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
    return {group: float(np.mean(right)) for group, right in answers(pipeline, photos, model).items()}


def losses(whole: dict[str, float], less: dict[str, float]) -> dict[str, float]:
    """Points of a hundred lost by each group."""
    return {group: 100 * (share - less[group]) for group, share in whole.items()}
