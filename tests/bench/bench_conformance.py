"""How the conformance check sorts images: `python tests/bench/bench_conformance.py MNIST PHOTOS`.

Prints how many of MNIST's test images pass and how long that takes, then a row a recipe: how many of
the photos' images pass, and how many the bundled network reads right among those that do and do not.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import digitprep as dp
from digitprep.batch import clean_photo
from digitprep.conformance import likeness
from digitprep.recipes import RECIPES, recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist", type=Path, help="MNIST in any format")
    parser.add_argument("photos", type=Path, help="a folder of photos with manifest.csv: file, label")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    options = parser.parse_args()
    images = dp.read(options.mnist)["test"].images
    start = time.perf_counter()
    found = likeness(dp.check_all(images))
    seconds = time.perf_counter() - start
    passed = found["passed"] / found["count"]
    print(f"MNIST's test images: {passed:.2%} pass, {seconds:.1f} s; others for {found['failed']}\n")
    with (options.photos / "manifest.csv").open(newline="", encoding="utf-8") as file:
        labelled = [(row["file"], row["label"]) for row in csv.DictReader(file) if len(row["label"]) == 1]
    print("| recipe | images | pass | right, of those that pass | right, of the others |")
    print("|---|---|---|---|---|")
    for name in options.recipes:
        print(f"| {name} | {' | '.join(judged(options.photos, labelled, name))} |", flush=True)


def judged(folder: Path, labelled: list[tuple[str, str]], name: str) -> list[str]:
    """The cells of a recipe's row."""
    model, pipeline = dp.load_model(), recipe(name)
    right: dict[bool, list[bool]] = {True: [], False: []}
    for file, label in labelled:
        image = clean_photo(folder / file, pipeline).image
        if image is not None:
            right[dp.check(image).passed].append(model.predict(image)[0] == int(label))
    count = sum(map(len, right.values()))
    return [
        str(count),
        share(len(right[True]), count),
        *(share(sum(part), len(part)) for part in right.values()),
    ]


def share(part: int, whole: int) -> str:
    return f"{part} of {whole}, {part / whole:.1%}" if whole else "-"


if __name__ == "__main__":
    main()
