"""Make the bundled gate again, the network that tells digits from other ink.

    python tests/bench/make_digitgate.py mnist/ -o digitgate.npz

Digits are MNIST's training images, written anew with other pens and in other styles; what is no digit
is drawn by `not_digits.py`, or made of MNIST's digits: mirrored, turned, touching, struck out. All go
through the end of the default recipe. Seeded: the same machine makes the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from not_digits import NOT_DIGITS, SIDE_PX, Rng, written
from numpy.typing import NDArray

import digitprep as dp
from digitprep.nn.augment import Elastic
from digitprep.nn.styles import Styles
from digitprep.steps import Image

SEED = 0
TAIL = dp.Pipeline.parse("thicken | crop | resize(size=20) | center(size=28)")
CLASSES = (*map(str, range(10)), *NOT_DIGITS)
LAYERS = (
    "conv(channels=16) | maxpool | batchnorm | relu"
    " | conv(channels=32) | maxpool | batchnorm | relu"
    " | conv(channels=32) | batchnorm | relu"
    f" | flatten | dense(width=72) | relu | dense(width={len(CLASSES)})"
)
TRAINING = {
    "epochs": 10,
    "batch": 64,
    "optimizer": "adamw(rate=0.003)",
    "schedule": "one_cycle",
    "augment": "affine(angle_degrees=8, scale=0.08, shear=0.15, shift_px=1) | thickness",
}
# Mirrored or turned by quarters, these look like no digit: (digit, mirrored, quarters to the left).
STRANGE = [
    *((digit, True, 0) for digit in (3, 4, 6, 7, 9)),
    *((digit, False, 1) for digit in (2, 3, 4, 5, 6, 7, 9)),
    *((digit, False, 3) for digit in (2, 3, 4, 5, 6, 7, 9)),
    *((digit, False, 2) for digit in (3, 4, 7)),
]


def enlarged(digit: Image, rng: Rng) -> Image:
    """(28, 28) of MNIST -> (SIDE_PX, SIDE_PX): smooth, wider or narrower, slanted, with another pen."""
    shape = np.array([[3.6 * rng.uniform(0.75, 1.2), rng.normal(0, 0.4)], [0, 3.6]])
    middle = np.full((2, 1), SIDE_PX / 2) - shape @ np.full((2, 1), 13.5)
    matrix = np.concatenate([shape, middle], axis=1)
    grey = cv2.warpAffine(digit, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_CUBIC)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.6)
    mask = np.where(grey > rng.integers(60, 150), 255, 0).astype(np.uint8)
    size = int(rng.integers(2, 6))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    chosen = rng.random()
    if chosen < 0.25:
        mask = np.asarray(cv2.dilate(mask, kernel), np.uint8)
    elif chosen < 0.4:
        thin = np.asarray(cv2.erode(mask, kernel), np.uint8)
        mask = thin if thin.any() else mask
    return mask


def several(digits: list[Image], rng: Rng) -> Image:
    """Two or three digits side by side, near enough to touch."""
    parts = []
    for digit in digits:
        columns = np.flatnonzero(digit.any(axis=0))
        parts.append(digit[:, columns[0] : columns[-1] + 1])
    canvas = np.zeros((28, sum(part.shape[1] for part in parts) + 12), np.uint8)
    left = 3
    for part in parts:
        top = int(rng.integers(-2, 3))
        place = canvas[:, left : left + part.shape[1]]
        np.maximum(place, np.roll(part, top, axis=0), out=place)
        left += part.shape[1] + int(rng.integers(-3, 2))
    return (
        np.asarray(cv2.resize(canvas, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) > 110, np.uint8) * 255
    )


def struck_out(digit: Image, rng: Rng) -> Image:
    """A digit with a scribble over it."""
    mask = enlarged(digit, rng)
    points = np.stack([np.linspace(0, 1, 8), np.arange(8) % 2 * 1.0], axis=1) + rng.normal(0, 0.1, (8, 2))
    return np.maximum(mask, written([points], rng, aspect=rng.uniform(0.6, 1.4), angle_degrees=40))


def strange(images: dict[int, NDArray[np.uint8]], rng: Rng) -> Image:
    """A digit of MNIST mirrored or turned, so that it is none."""
    digit, mirrored, quarters = STRANGE[rng.integers(len(STRANGE))]
    image = images[digit][rng.integers(len(images[digit]))]
    return np.rot90(enlarged(image[:, ::-1] if mirrored else image, rng), quarters).copy()


def long_bar(five: Image, rng: Rng) -> Image:
    """A 5 with a bar that reaches further, as a second stroke."""
    mask = five.copy()
    rows, columns = np.nonzero(five > 100)
    at = rows <= rows.min() + 3
    start = (int(columns[at].min()), int(rows.min() + rng.integers(0, 2)))
    end = (int(rng.integers(17, 24)), int(rows.min() + rng.integers(-2, 2)))
    cv2.line(mask, start, end, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
    return mask


def broken(mask: Image, rng: Rng) -> Image:
    """With a gap in a stroke, where the pen skipped or the threshold lost it."""
    rows, columns = np.nonzero(mask)
    index = rng.integers(len(rows))
    result = mask.copy()
    cv2.circle(result, (int(columns[index]), int(rows[index])), int(rng.integers(4, 9)), 0, -1)
    return result if result.any() else mask


def digit(image: Image, label: int, rng: Rng) -> Image:
    """A digit as the recipe leaves it: a fifth as MNIST has it, the others written anew."""
    if rng.random() < 0.2:
        return image
    if label == 5 and rng.random() < 0.3:
        image = long_bar(image, rng)
    mask = enlarged(image, rng)
    return TAIL(broken(mask, rng) if rng.random() < 0.08 else mask)


def digits(split: dp.Split, rng: Rng) -> NDArray[np.uint8]:
    """MNIST's digits, half of them in other styles, most with other pens, as the recipe leaves them."""
    styled = Styles(share=0.5)(split.images, rng, split.labels)
    styled = Elastic(strength_px=0.7, smoothness_px=4)(styled, rng)
    made = [digit(image, label, rng) for image, label in zip(styled, split.labels, strict=True)]
    return np.stack(made)


def not_digits(split: dp.Split, count: int, rng: Rng) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """`count` images of what is no digit, and their classes."""
    by_digit = {digit: split.images[split.labels == digit] for digit in range(10)}

    def some(number: int) -> list[Image]:
        return [split.images[index] for index in rng.integers(len(split), size=number)]

    kinds = {name: list(makers) for name, makers in NOT_DIGITS.items()}
    kinds["letter"].append((lambda rng: strange(by_digit, rng), 3))
    kinds["drawing"].append((lambda rng: struck_out(some(1)[0], rng), 0.6))
    kinds["several"].append((lambda rng: several(some(int(rng.integers(2, 4))), rng), 2))
    every = [(make, share, CLASSES.index(name)) for name, makers in kinds.items() for make, share in makers]
    shares = np.array([share for _, share, _ in every])
    chosen = rng.choice(len(every), size=count, p=shares / shares.sum())
    images = [TAIL(every[index][0](rng)) for index in chosen]
    return np.stack(images), np.array([every[index][2] for index in chosen])


def main() -> None:
    """Draw, train, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist", type=Path, help="MNIST in any format")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the network to write")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    train = dp.read(options.mnist)["train"]
    rng = np.random.default_rng(SEED)
    other, kinds = not_digits(train, len(train), rng)
    images = np.concatenate([digits(train, rng), other])
    labels = np.concatenate([train.labels, kinds])
    model = dp.Model.build(LAYERS, classes=len(CLASSES), class_names=CLASSES, seed=SEED)
    for epoch in dp.train(model, dp.Split(images, labels, "train"), seed=SEED, **TRAINING):
        print(epoch)
    model.save(options.output, overwrite=True)


if __name__ == "__main__":
    main()
