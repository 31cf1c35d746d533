"""How many pages of digits are read exactly: `python tests/bench/bench_pages.py MNIST [--photos DIR]`.

Pages are drawn here from MNIST's test digits, with one known difficulty each, and printed is a row a
difficulty: pages read exactly (blanks count), the same when blanks do not count, and the character
error rate. With `--photos` the pages in a folder with a manifest.csv (file, label) are read as well;
with `--digits` a folder of that kind with photos of single digits gives the digits for one more kind
of page: strangers' own pens and styles, pasted onto paper.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

import digitprep as dp

Digits = tuple[np.ndarray, np.ndarray]
BLACK, BLUE, RED, PENCIL, CHALK = (35, 32, 38), (40, 58, 150), (180, 40, 45), (105, 104, 108), (232, 230, 222)
WHITE, CREAM, GREY, BOARD = (246, 245, 240), (236, 226, 204), (200, 199, 196), (42, 50, 46)


@dataclass
class Drawn:
    """How a page is drawn: lengths in pixels, angles in degrees."""

    rows: tuple[int, int] = (1, 6)
    digits: tuple[int, int] = (3, 10)
    size: tuple[int, int] = (45, 110)
    spread: tuple[float, float] = (0.2, 0.7)
    touching: float = 0.0
    jitter: float = 0.06
    tilt: float = 1.0
    turn: int = 0
    page: tuple[int, int] = (900, 1700)
    ink: tuple[tuple[int, int, int], ...] = (BLACK, BLUE)
    paper: tuple[tuple[int, int, int], ...] = (WHITE, CREAM, GREY)
    strength: tuple[float, float] = (0.8, 0.95)
    thin: tuple[float, float] = (-0.06, 0.08)
    quality: int = 80
    grain: float = 0.01
    blur: float = 0.8
    before: list[Callable] = field(default_factory=list)
    after: list[Callable] = field(default_factory=list)


def kinds() -> dict[str, Drawn]:
    wide = (0.6, 0.95)
    return {
        "plain": Drawn(),
        "tilted": Drawn(tilt=8.0),
        "uneven baseline": Drawn(jitter=0.16),
        "ruled paper": Drawn(before=[ruled]),
        "squared paper": Drawn(before=[squared]),
        "gradient": Drawn(after=[gradient]),
        "hard shadow": Drawn(after=[shadow]),
        "faint under shadow": Drawn(ink=(PENCIL,), strength=(0.35, 0.6), after=[gradient, shadow]),
        "noise and blur": Drawn(grain=0.05, blur=1.8, quality=30),
        "thin pen": Drawn(thin=(0.18, 0.24), size=(60, 120)),
        "thick marker": Drawn(
            thin=(-0.16, -0.12), size=(90, 170), rows=(1, 3), digits=(2, 6), ink=(BLACK, RED)
        ),
        "touching": Drawn(touching=0.5, rows=(1, 3)),
        "tiny": Drawn(size=(26, 34), page=(2200, 2600), rows=(1, 4), thin=(-0.03, 0.04), blur=0.6),
        "sideways": Drawn(turn=1, digits=(4, 10)),
        "chalk": Drawn(ink=(CHALK,), paper=(BOARD,), strength=wide, after=[gradient]),
        "cells": Drawn(before=[], spread=(0.5, 0.6), rows=(2, 6), digits=(4, 8), jitter=0.05),
        "clutter": Drawn(before=[specks], after=[desk]),
        "few large": Drawn(rows=(1, 1), digits=(2, 4), size=(250, 420), page=(1100, 1600)),
        "cut close": Drawn(rows=(1, 2), size=(60, 150), after=[trimmed], thin=(-0.1, 0.08)),
        "small screen drawing": Drawn(
            rows=(1, 2),
            digits=(3, 7),
            size=(40, 90),
            page=(260, 620),
            thin=(-0.16, 0.1),
            ink=((0, 0, 0), (255, 255, 255), (237, 28, 36)),
            paper=((255, 255, 255), (0, 0, 0)),
            strength=(1.0, 1.0),
            tilt=0.0,
            grain=0.0,
            blur=0.4,
        ),
        "letters beside": Drawn(rows=(1, 4), size=(50, 90), before=[heading]),
        "dark board": Drawn(
            ink=(CHALK,), paper=(BOARD,), strength=(0.45, 0.8), thin=(0.0, 0.16), grain=0.03, after=[shadow]
        ),
        "long rows": Drawn(rows=(1, 1), digits=(14, 22), size=(40, 60), spread=(0.15, 0.5)),
    }


def page(kind: str, how: Drawn, digits: Digits, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A page and the text on it: (H, W, 3) uint8 RGB."""
    height, width = (int(rng.integers(*how.page)) for _ in range(2))
    paper, ink = (np.array(choose(rng, colours)) / 255.0 for colours in (how.paper, how.ink))
    while np.ptp([paper.mean(), ink.mean()]) < 0.2:
        ink = np.array(choose(rng, how.ink)) / 255.0
    size = min(rng.uniform(*how.size), 0.7 * height)
    cover, text, boxes = written(how, digits, rng, height, width, size)
    pixels = np.ones((height, width, 3)) * paper
    for draw in how.before:
        draw(pixels, size, rng)
    if kind == "cells":
        frame_cells(pixels, boxes, size)
    pixels = pixels * (1 - cover[..., None]) + ink * cover[..., None]
    angle = rng.uniform(-how.tilt, how.tilt)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    pixels = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=tuple(paper))
    if how.before:
        pixels = inside(pixels, angle)
    for change in how.after:
        pixels = change(pixels, rng)
    pixels = cv2.GaussianBlur(pixels, (0, 0), how.blur)
    pixels = pixels + rng.normal(0, how.grain, (*pixels.shape[:2], 1))
    picture = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    picture = np.rot90(picture, int(rng.integers(1, 4)) if how.turn else 0)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture), [cv2.IMWRITE_JPEG_QUALITY, how.quality])
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED), text


def written(how: Drawn, digits: Digits, rng, height: int, width: int, size: float):
    """Rows of digits as ink cover (H, W), their text and the boxes of each row."""
    cover = np.zeros((height, width))
    margin = 0.12 * min(height, width)
    pitch = size * rng.uniform(1.7, 2.4)
    most = max(1, int((height - 2 * margin) / pitch))
    rows = min(int(rng.integers(how.rows[0], how.rows[1] + 1)), most)
    top = margin + rng.uniform(0, max(1.0, height - 2 * margin - rows * pitch))
    slant, thin = rng.uniform(-0.25, 0.35), rng.uniform(*how.thin)
    strength = rng.uniform(*how.strength)
    lines, boxes = [], []
    for row in range(rows):
        count = int(rng.integers(how.digits[0], how.digits[1] + 1))
        groups = [count] if count < 6 or rng.random() < 0.6 else [count // 2, count - count // 2]
        x, words, row_boxes = margin + rng.uniform(0, size), [], []
        for length in groups:
            word = ""
            for place in range(length):
                index = int(rng.integers(len(digits[0])))
                shape = stroke(digits[0][index], size * rng.uniform(0.9, 1.1), slant, thin)
                if x + shape.shape[1] > width - margin:
                    break
                y = top + row * pitch + rng.normal(0, how.jitter) * size
                cover_with(cover, shape * strength, int(y), int(x))
                row_boxes.append((int(x), int(y), shape.shape[1], shape.shape[0]))
                word += str(digits[1][index])
                near = how.touching and place < length - 1 and rng.random() < how.touching
                gap = -rng.uniform(0.02, 0.08) if near else rng.uniform(*how.spread)
                x += shape.shape[1] + gap * size
            words.append(word)
            x += size * rng.uniform(1.6, 2.2)
        lines.append(" ".join(filter(None, words)))
        boxes.append(row_boxes)
    return cover, " ".join(filter(None, lines)), boxes


def stroke(digit: np.ndarray, size: float, slant: float, thin: float) -> np.ndarray:
    """(28, 28) -> (h, w) of 0..1: the digit enlarged to a smooth stroke, cut to its box."""
    scale = size / 20
    side = int(40 * scale)
    matrix = np.array([[scale, -slant * scale, 0], [0, scale, 0]])
    matrix[:, 2] = side / 2 - matrix[:, :2] @ (13.5, 13.5)
    grey = cv2.warpAffine(digit.astype(np.float32), matrix, (side, side), flags=cv2.INTER_CUBIC) / 255
    grey = cv2.GaussianBlur(grey, (0, 0), scale * 0.45)
    shape = 1 / (1 + np.exp(-np.clip((grey - 0.42 - thin) / 0.04, -50, 50)))
    rows, columns = np.flatnonzero(shape.max(axis=1) > 0.5), np.flatnonzero(shape.max(axis=0) > 0.5)
    if not len(rows):
        return stroke(digit, size, slant, 0)
    return shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def cover_with(cover: np.ndarray, shape: np.ndarray, y: int, x: int) -> None:
    y, x = max(0, y), max(0, x)
    part = cover[y : y + shape.shape[0], x : x + shape.shape[1]]
    np.maximum(part, shape[: part.shape[0], : part.shape[1]], out=part)


def choose(rng, options):
    return options[int(rng.integers(len(options)))]


def ruled(pixels, size, rng, columns=False):
    spacing, thickness = int(size * rng.uniform(0.7, 1.7)), int(rng.integers(1, 4))
    colour = np.array(choose(rng, ((150, 172, 208), (170, 170, 175), (120, 140, 190)))) / 255
    for first in range(thickness):
        pixels[spacing // 2 + first :: spacing] = colour
        if columns:
            pixels[:, spacing // 3 + first :: spacing] = colour


def squared(pixels, size, rng):
    ruled(pixels, size * rng.uniform(0.6, 1.2), rng, columns=True)


def frame_cells(pixels, boxes, size):
    """A printed box around every digit, in one table where they are close."""
    for row in boxes:
        for x, y, w, h in row:
            left, top = int(x + w / 2 - 0.62 * size), int(y + h / 2 - 0.8 * size)
            corner = (int(left + 1.24 * size), int(top + 1.6 * size))
            cv2.rectangle(pixels, (left, top), corner, (0.25, 0.25, 0.28), 2)


def specks(pixels, size, rng):
    for _ in range(int(rng.integers(5, 25))):
        centre = (int(rng.integers(pixels.shape[1])), int(rng.integers(pixels.shape[0])))
        cv2.circle(pixels, centre, int(rng.integers(1, max(2, size // 18) + 1)), (0.35, 0.34, 0.33), -1)


def inside(pixels: np.ndarray, angle: float) -> np.ndarray:
    """The page without the corners that turning it has left empty."""
    height, width = pixels.shape[:2]
    y = int(np.ceil(width / 2 * abs(np.sin(np.deg2rad(angle))))) + 1
    x = int(np.ceil(height / 2 * abs(np.sin(np.deg2rad(angle))))) + 1
    return pixels[y : height - y, x : width - x]


def gradient(pixels, rng):
    height, width = pixels.shape[:2]
    direction = rng.uniform(0, 2 * np.pi)
    across = np.linspace(-0.5, 0.5, width) * np.cos(direction)
    ramp = np.add.outer(np.linspace(-0.5, 0.5, height) * np.sin(direction), across)
    return pixels * (0.75 + 0.5 * rng.uniform(0.5, 1) * ramp)[..., None]


def shadow(pixels, rng):
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    edge = columns - width * rng.uniform(0.3, 0.7) + (rows - height / 2) * rng.uniform(-1, 1)
    dark = 1 / (1 + np.exp(-np.clip(edge / rng.uniform(1.5, 8), -50, 50)))
    return pixels * (1 - rng.uniform(0.35, 0.6) * dark)[..., None]


def heading(pixels, size, rng):
    """A line of letters above the digits, as small print or as large as they are."""
    text = choose(rng, ("Name:", "Phone number", "Datum", "Zip code", "KUNDEN-NR."))
    scale = size * rng.uniform(0.35, 0.9) / 22
    font = choose(rng, (cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX))
    height, width = pixels.shape[:2]
    place = (int(rng.uniform(0.06, 0.3) * width), int(0.1 * min(height, width)))
    cover = np.zeros((height, width), np.uint8)
    cv2.putText(cover, text, place, font, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA)
    pixels *= 1 - 0.75 * cover[..., None] / 255.0


def trimmed(pixels, rng):
    """The page cut to its ink, or nearly."""
    inked = np.abs(pixels - pixels[0, 0]).max(axis=2) > 0.3
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    left, top, right, bottom = (int(rng.integers(0, 14)) * int(rng.integers(0, 2)) for _ in range(4))
    y, x = max(0, rows[0] - top), max(0, columns[0] - left)
    return pixels[y : rows[-1] + 1 + bottom, x : columns[-1] + 1 + right]


def desk(pixels, _):
    """A dark table along one side, and a finger."""
    height, width = pixels.shape[:2]
    pixels = pixels.copy()
    depth = int(0.07 * width)
    points = np.array([[0, 0], [depth, 0], [depth // 2, height], [0, height]])
    cv2.fillPoly(pixels, [points], (0.35, 0.24, 0.16))
    cv2.ellipse(pixels, (width, height), (width // 9, height // 7), 20, 0, 360, (0.78, 0.6, 0.5), -1)
    return pixels


def errors(found: str, expected: str) -> int:
    """Levenshtein's distance: digits to insert, delete or replace."""
    row = list(range(len(expected) + 1))
    for i, a in enumerate(found, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(expected, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def bare(text: str) -> str:
    return text.replace(" ", "")


@dataclass
class Score:
    """What became of the pages of one kind."""

    pages: int = 0
    exact: int = 0
    digits_exact: int = 0
    wrong: int = 0
    characters: int = 0
    seconds: float = 0.0

    def add(self, found: str, expected: str, seconds: float) -> None:
        self.pages += 1
        self.exact += found == expected
        self.digits_exact += bare(found) == bare(expected)
        self.wrong += errors(bare(found), bare(expected))
        self.characters += len(bare(expected))
        self.seconds += seconds

    def row(self, name: str) -> str:
        rate = self.wrong / max(self.characters, 1)
        mean = self.seconds / max(self.pages, 1)
        return (
            f"| {name} | {self.pages} | {self.exact} | {self.digits_exact} | {rate:.1%} | {mean * 1000:.0f} |"
        )


def read(net, pixels: np.ndarray) -> tuple[str, float]:
    start = time.process_time()
    try:
        text = dp.read_page(net, pixels).text
    except dp.StepError:
        text = ""
    return text, time.process_time() - start


def manifest(folder: Path) -> list[tuple[Path, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return [(folder / row["file"], row["label"]) for row in csv.DictReader(file)]


def strangers(folder: Path) -> Digits:
    """Photos of single digits, cleaned to ink of (28, 28), and their labels."""
    images, labels = [], []
    for file, label in manifest(folder):
        if len(label) == 1:
            images.append(dp.prepare(file))
            labels.append(int(label))
    return np.stack(images), np.array(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="MNIST in any format")
    parser.add_argument("--pages", type=int, default=8, help="how many of each kind")
    parser.add_argument("--kinds", nargs="+", default=list(kinds()))
    parser.add_argument("--photos", type=Path, help="a folder with manifest.csv whose pages are read, too")
    parser.add_argument("--digits", type=Path, help="a folder with manifest.csv whose single digits are used")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the pages that were not read exactly")
    options = parser.parse_args()
    net = dp.load_model()
    total = Score()
    print("| pages | number | exact | exact, blanks aside | characters wrong | CPU ms a page |")
    print("|---|---|---|---|---|---|")
    test = dp.read(options.data)["test"]
    sources = {"": (test.images, test.labels)}
    if options.digits:
        sources[", strangers' digits"] = strangers(options.digits)
    for suffix, digits in sources.items():
        for number, name in enumerate(kinds()):
            if name not in options.kinds:
                continue
            score = Score()
            for index in range(options.pages):
                rng = np.random.default_rng([options.seed, number, index])
                pixels, text = page(name, kinds()[name], digits, rng)
                found, seconds = read(net, pixels)
                for each in (score, total):
                    each.add(found, text, seconds)
                if options.keep and found != text:
                    keep(options.keep, f"{name}{suffix}-{index}", pixels, text, found)
            print(score.row(name + suffix), flush=True)
    print(total.row("all of these"), flush=True)
    if options.photos:
        real(net, options.photos)


def real(net, folder: Path) -> None:
    score = Score()
    for file, label in manifest(folder):
        if len(label) > 1:
            found, seconds = read(net, dp.load_photo(file, 2000))
            score.add(found, label, seconds)
            wrong = errors(bare(found), bare(label))
            print(f"{file.name}: {wrong} of {len(bare(label))} wrong\n  expected {label}\n  found    {found}")
    print(score.row("real pages"))


def keep(folder: Path, name: str, pixels: np.ndarray, text: str, found: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = name.replace(" ", "-").replace("'", "")
    cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    print(f"  {name}\n    expected {text}\n    found    {found}")


if __name__ == "__main__":
    main()
