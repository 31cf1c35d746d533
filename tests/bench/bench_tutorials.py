"""What the tutorials' networks read of photos by each recipe: `bench_tutorials.py PHOTOS NETWORKS`.

PHOTOS is a folder of real photos with manifest.csv, NETWORKS the folder that `bench_zoo.py --keep` filled:
each network of the zoo, trained on all of MNIST, once a seed. The table says how many percent of the photos
are right, as the mean over the seeds: of all photos, and as the mean over their sources. A photo that a
recipe rejects counts as wrong.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: a process a core

import cv2
import numpy as np
from numpy.typing import NDArray
from real_photos import Photo, real_photos

import digitprep as dp
from digitprep.errors import StepError
from digitprep.nn import ZOO
from digitprep.recipes import RECIPES, recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="real photos with manifest.csv")
    parser.add_argument("networks", type=Path, help="NAME-SEED.npz, as bench_zoo.py --keep leaves them")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    photos = real_photos(options.photos)
    images = {name: list(prepared(recipe(name), photos)) for name in RECIPES}
    print(f"{len(photos)} photos, percent right of all (mean over the sources)\n")
    print("| network |", " | ".join(RECIPES), "|")
    print("|---|", *("---|" for _ in RECIPES), sep="")
    for name in ZOO:
        models = [dp.load_model(file) for file in sorted(options.networks.glob(f"{name}-[0-9].npz"))]
        if models:
            cells = (cell(images[way], models, photos) for way in RECIPES)
            print(f"| `{name}` |", " | ".join(cells), "|", flush=True)


def prepared(pipeline: dp.Pipeline, photos: list[Photo]) -> Iterator[NDArray[np.uint8] | None]:
    """What a recipe makes of each photo, None of one that it rejects."""
    for _, pixels, _ in photos:
        try:
            yield pipeline(pixels)
        except StepError:
            yield None


def cell(images: list[NDArray[np.uint8] | None], models: list[dp.Model], photos: list[Photo]) -> str:
    """The share of right answers over photos and over sources, each the mean over some networks."""
    shares = [over_photos_and_sources(right(images, model, photos), photos) for model in models]
    of_all, of_sources = np.mean(shares, axis=0)
    return f"{of_all:.1%} ({of_sources:.1%})"


def right(images: list[NDArray[np.uint8] | None], model: dp.Model, photos: list[Photo]) -> list[bool]:
    """Whether a network reads each photo as its label says."""
    return [
        image is not None and int(model.predict(image)[0]) == label
        for image, (_, _, label) in zip(images, photos, strict=True)
    ]


def over_photos_and_sources(answers: list[bool], photos: list[Photo]) -> tuple[float, float]:
    """The share of right answers over all photos, and the mean of the shares of their sources."""
    sources = np.array([source for source, _, _ in photos])
    shares = [np.mean(np.array(answers)[sources == source]) for source in np.unique(sources)]
    return float(np.mean(answers)), float(np.mean(shares))


if __name__ == "__main__":
    main()
