"""Named pipelines, as text. To add one, add an entry to `RECIPES`; nothing else is edited."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np

from digitprep.errors import UsageError
from digitprep.photos import load_photo
from digitprep.pipeline import Pipeline
from digitprep.steps import Image

DEFAULT = "mnist"


@dataclass(frozen=True)
class Recipe:
    """A named pipeline: what it is, and its steps as text."""

    summary: str
    steps: str


RECIPES = {
    "mnist": Recipe(
        "what MNIST's makers would have made of the photo",
        'rescale | grayscale | invert(when="auto") | even_light | threshold(method="hysteresis") '
        "| remove_lines | keep_digit | thicken | crop | resize(size=20) | center(size=28)",
    ),
    "tutorial-invert": Recipe(
        "what many tutorials do, for comparison: grey, invert, stretch to 28 x 28",
        'grayscale | invert | resize(size=28, mode="stretch")',
    ),
    "tutorial-threshold": Recipe(
        "what others do, for comparison: stretch to 28 x 28, below 150 is ink",
        'resize(size=28, mode="stretch") | grayscale | threshold(method="fixed", level=150, ink="dark")',
    ),
}


def recipe(name: str = DEFAULT) -> Pipeline:
    """The pipeline of that name. Raises UsageError listing the known names."""
    if name not in RECIPES:
        raise UsageError(f"no recipe is named {name!r}; known: {', '.join(RECIPES)}")
    return Pipeline.parse(RECIPES[name].steps)


def prepare(photo: str | PathLike[str] | Image, recipe_name: str = DEFAULT) -> Image:
    """An image file, or (H, W) or (H, W, 3) uint8 -> the image that a recipe makes of it, (28, 28) uint8.

    recipe_name: one of those that `digitprep list recipes` lists

    Raises DataError for a file that is no image, StepError where there is nothing to work on, UsageError
    where no recipe has that name.
    """
    pixels = photo if isinstance(photo, np.ndarray) else load_photo(photo)
    return recipe(recipe_name)(pixels)
