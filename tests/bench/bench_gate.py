"""How much of what is no digit is taken for one: `python tests/bench/bench_gate.py [--photos DIR]`.

Each kind is drawn by `strange_ink.py`, prepared by the default recipe and judged at the defaults. With
--photos, real photos of digits follow, by source: those have to be accepted. A folder with a
manifest.csv (file, label, source) is read by it, any other is one source.

--gates says what the acceptance of either would be at other thresholds of the gate.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from strange_ink import Fonts, Picture, Rng, kinds

import digitprep as dp
from digitprep import acceptance
from digitprep.photos import find_photos
from digitprep.recipes import recipe

SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of photos of digits")
    parser.add_argument("--fonts", type=Path, help="a folder of font files, beside those that are bundled")
    parser.add_argument("--count", type=int, default=300, help="pictures of each kind")
    parser.add_argument("--gates", action="store_true", help="what other thresholds would accept")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    fonts = Fonts(options.fonts)
    print("accepted, of what is no digit")
    strange = [show(name, drawn(draw, options.count)) for name, draw in kinds(fonts).items()]
    print("accepted, of what looks like one")
    show("letters shaped like digits", drawn(fonts.letter_like_a_digit, options.count))
    show("printed digits", drawn(fonts.digit, options.count))
    print("accepted, of photos of digits")
    real = [show(name, photos) for folder in options.photos for name, photos in sources(folder)]
    if real:
        show_images("all of them", np.concatenate(real), sum(map(len, real)))
    if options.gates:
        print_gates(strange, real)


def drawn(draw: Callable[[Rng], Picture], count: int) -> Iterator[Picture]:
    """Pictures that are the same each time, whatever was drawn before."""
    return (draw(np.random.default_rng([SEED, number])) for number in range(count))


def sources(folder: Path) -> Iterator[tuple[str, Iterable[Path]]]:
    """The photos of single digits in a folder, by source."""
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        yield folder.name, find_photos([folder])
        return
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if len(row["label"]) == 1]
    for source in sorted({row["source"] for row in rows}):
        yield source, [folder / row["file"] for row in rows if row["source"] == source]


def show(name: str, pictures: Iterable[Picture | Path]) -> NDArray[np.uint8]:
    """Print the share of the pictures that is accepted; give the images that could be prepared."""
    steps, images, count = recipe(), [], 0
    for picture in pictures:
        count += 1
        try:
            images.append(steps(dp.load_photo(picture) if isinstance(picture, Path) else picture))
        except dp.DigitprepError:
            continue
    prepared = np.stack(images) if images else np.zeros((0, 28, 28), np.uint8)
    show_images(name, prepared, count)
    return prepared


def show_images(name: str, images: NDArray[np.uint8], count: int) -> None:
    accepted = sum(verdict.accepted for verdict in dp.judge(images)) if len(images) else 0
    print(f"  {name:45}{accepted / max(count, 1):7.1%} of {count:5}", flush=True)


def print_gates(strange: list[NDArray[np.uint8]], real: list[NDArray[np.uint8]]) -> None:
    """A row a threshold: what is accepted of all that is no digit, and of the photos, once prepared."""
    print("gate   no digit   photos")
    default = acceptance.LEAST_GATE
    for least in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        acceptance.LEAST_GATE = least
        shares = [
            np.mean([verdict.accepted for verdict in dp.judge(np.concatenate(images))]) if images else np.nan
            for images in (strange, real)
        ]
        print(f"{least:4}{shares[0]:10.1%}{shares[1]:10.1%}", flush=True)
    acceptance.LEAST_GATE = default


if __name__ == "__main__":
    main()
