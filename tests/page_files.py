"""Files that the how-to pages find where they are run: what their readers bring along."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "photos"
FIRST_IMAGE = 2041  # phones count their photos


def samples() -> Iterator[tuple[Path, str]]:
    """The sample photos, and what each shows."""
    with (SAMPLES / "labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield SAMPLES / row["file"], row["label"]


def photos_in_folders(folder: Path) -> None:
    """`photos/`: 22 photos with a phone's names, in a folder a digit; one of them is in the wrong folder,
    one is HEIC, one lies on its side, one shows two digits and one nothing.
    """
    photos = folder / "photos"
    for digit in "0123456789":
        (photos / digit).mkdir(parents=True)
    for number, (sample, label) in enumerate(samples(), FIRST_IMAGE):
        where = photos / ("4" if sample.stem == "10" else label)  # a 9 among the fours
        if sample.stem == "09":
            write_heic(sample, where / f"IMG_{number}.HEIC")
        else:
            (where / f"IMG_{number}{sample.suffix}").write_bytes(sample.read_bytes())
    written("").save(photos / "7" / "IMG_2061.jpg")
    written("42").save(photos / "2" / "IMG_2062.jpg")


def write_heic(photo: Path, file: Path) -> None:
    """The photo as phones of one maker store it."""
    from pillow_heif import from_pillow

    with Image.open(photo) as picture:
        from_pillow(picture.convert("RGB")).save(file, quality=90)


def written(text: str) -> Image.Image:
    """A text on grey paper."""
    paper = np.full((420, 560), 225, np.uint8)
    cv2.putText(paper, text, (120, 280), cv2.FONT_HERSHEY_SIMPLEX, 6, 50, 14, cv2.LINE_AA)
    return Image.fromarray(paper)


FILES = {
    "photos-in-folders": photos_in_folders,
}
