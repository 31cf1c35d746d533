"""How much of what is no digit is taken for one: `python tests/bench/bench_gate.py [--photos DIR]`.

Each kind is drawn by `strange_ink.py`, prepared by the default recipe and judged at the defaults. With
--photos, real photos of digits follow, by source: those have to be accepted. A folder with a
manifest.csv (file, label, source) is read by it, any other is one source. The README's table comes last.

The README's figures are with the font files of Debian's packages fonts-breip, fonts-bwht,
fonts-dancingscript, fonts-ecolier-court, fonts-femkeklaver, fonts-fifthhorseman-dkg-handwriting,
fonts-humor-sans, fonts-isabella, fonts-kaushanscript, fonts-klee, fonts-kristi, fonts-sjfonts and
fonts-tomsontalks, given by --fonts.

--gates says what the acceptance of either would be at other thresholds of the gate.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from readme_table import print_table
from strange_ink import Fonts, Picture, Rng, kinds

import digitprep as dp
from digitprep import acceptance
from digitprep.recipes import recipe
from digitprep.sources import find_photos

SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of photos of digits")
    parser.add_argument("--fonts", type=Path, help="a folder of font files, beside those that are bundled")
    parser.add_argument("--count", type=int, default=1000, help="pictures of each kind")
    parser.add_argument("--gates", action="store_true", help="what other thresholds would accept")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    fonts = Fonts(options.fonts)
    print("accepted, of what is no digit")
    strange = {name: show(name, drawn(draw, options.count)) for name, draw in kinds(fonts).items()}
    print("accepted, of what looks like one")
    show("letters shaped like digits", drawn(fonts.letter_like_a_digit, options.count))
    show("printed digits", drawn(fonts.digit, options.count))
    print("accepted, of photos of digits")
    real = [show(name, photos) for folder in options.photos for name, photos in sources(folder)]
    if real:
        show_share("all of them", Prepared.together(real))
    if options.gates:
        print_gates(Prepared.together([*strange.values()]), Prepared.together(real))
    print_table("gate", ["shown", "accepted"], readme_rows(real, strange))


def readme_rows(real: list[Prepared], strange: dict[str, Prepared]) -> Iterator[list[str]]:
    """What is accepted of the photos, of each kind of what is no digit, and of all kinds."""
    digits = Prepared.together(real)
    title = f"{digits.count:,} photos, scans and drawings of digits, {len(real)} sources"
    rows = {title: digits, **strange, "all of what is no digit": Prepared.together([*strange.values()])}
    yield from ([name, f"{100 * prepared.accepted:.1f} %"] for name, prepared in rows.items())


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


@dataclass(frozen=True, eq=False)
class Prepared:
    """The images (N, 28, 28) of the pictures that the recipe found nothing doubtful in, of how many."""

    images: NDArray[np.uint8]
    count: int

    @property
    def accepted(self) -> float:
        """The share that is accepted at the end."""
        accepted = sum(verdict.accepted for verdict in dp.judge(self.images)) if len(self.images) else 0
        return accepted / max(self.count, 1)

    @classmethod
    def together(cls, parts: list[Prepared]) -> Prepared:
        """All of them as one."""
        images = [part.images for part in parts] or [np.zeros((0, 28, 28), np.uint8)]
        return cls(np.concatenate(images), sum(part.count for part in parts))


def show(name: str, pictures: Iterable[Picture | Path]) -> Prepared:
    """Prepare pictures, and print the share that is accepted."""
    steps, images, count = recipe(), [np.zeros((0, 28, 28), np.uint8)], 0
    for picture in pictures:
        count += 1
        try:
            pixels = dp.load_photo(picture) if isinstance(picture, Path) else picture
            found = steps.locate(pixels)
        except dp.DigitprepError:
            continue
        if not found.doubt:
            images.append(found.image[None])
    prepared = Prepared(np.concatenate(images), count)
    show_share(name, prepared)
    return prepared


def show_share(name: str, prepared: Prepared) -> None:
    print(f"  {name:56}{prepared.accepted:7.1%} of {prepared.count:5}", flush=True)


def print_gates(strange: Prepared, real: Prepared) -> None:
    """A row a threshold: what is accepted of all that is no digit, and of the photos."""
    print("gate   no digit   photos")
    default = acceptance.LEAST_GATE
    for least in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        acceptance.LEAST_GATE = least
        print(f"{least:4}{strange.accepted:10.1%}{real.accepted:10.1%}", flush=True)
    acceptance.LEAST_GATE = default


if __name__ == "__main__":
    main()
