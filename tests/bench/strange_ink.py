"""Pictures of what is no digit, drawn by other means than those that the gate learnt from.

Letters come from fonts, Pillow's own, OpenCV's and any others in a folder, shaken and bent as a hand
does; scribbles are the path of a wandering point; textures and things are grey pictures, not strokes.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]  # (SIDE_PX, SIDE_PX)
Rng = np.random.Generator

SIDE_PX = 160
FONT_PX = 75
# Letters that are written as some digit is: 0, 1, 2, 5, 6, 9.
LIKE_DIGITS = "OoIliZzSsbgq"
LETTERS = "".join(letter for letter in string.ascii_letters if letter not in LIKE_DIGITS)


class Fonts:
    """Pillow's default font, OpenCV's, and every font file below a folder."""

    def __init__(self, folder: Path | None) -> None:
        files = sorted(folder.rglob("*.[to]tf")) if folder else []
        self.fonts = [ImageFont.load_default(FONT_PX), *(ImageFont.truetype(file, FONT_PX) for file in files)]

    def text(self, text: str, rng: Rng) -> Picture:
        """A mask of a text in any of the fonts, small enough for the picture."""
        if rng.integers(len(self.fonts) + 1) == len(self.fonts):
            return _text_of_opencv(text, rng)
        font = self.fonts[rng.integers(len(self.fonts))]
        image = Image.new("L", (SIDE_PX * 2, SIDE_PX * 2), 0)
        ImageDraw.Draw(image).text((SIDE_PX, SIDE_PX), text, fill=255, font=font, anchor="mm")
        if image.getbbox() is None:  # a font that lacks the letter
            return self.text(text, rng)
        return _fitted(np.asarray(image))

    def letter(self, rng: Rng) -> Picture:
        return paper(bent(self.text(str(rng.choice(list(LETTERS))), rng), rng), rng)

    def letter_like_a_digit(self, rng: Rng) -> Picture:
        return paper(bent(self.text(str(rng.choice(list(LIKE_DIGITS))), rng), rng), rng)

    def digit(self, rng: Rng) -> Picture:
        return paper(bent(self.text(str(rng.integers(10)), rng), rng), rng)

    def number(self, rng: Rng) -> Picture:
        return paper(bent(self.text("".join(rng.choice(list(string.digits), size=2)), rng), rng), rng)

    def word(self, rng: Rng) -> Picture:
        letters = rng.choice(list(string.ascii_letters), size=rng.integers(3, 6))
        return paper(bent(self.text("".join(letters), rng), rng), rng)


def scribble(rng: Rng) -> Picture:
    """Where a point wandered to that keeps changing its speed."""
    speed = cv2.GaussianBlur(rng.normal(size=(int(rng.integers(150, 500)), 2)), (1, 15), 4)
    path = np.cumsum(speed, axis=0)
    path = (path - path.min(axis=0)) / np.maximum(np.ptp(path, axis=0), 1e-6) * rng.uniform(60, 120, 2) + 20
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    cv2.polylines(mask, [path.astype(np.int32)], False, 255, int(rng.integers(3, 12)))
    return paper(mask, rng)


def blank(rng: Rng) -> Picture:
    """Paper, with light from one side and grain."""
    return paper(np.zeros((SIDE_PX, SIDE_PX), np.uint8), rng, grain=rng.uniform(0, 3))


def texture(rng: Rng) -> Picture:
    """Cloth, wood, gravel: noise of several sizes, stretched along one axis."""
    picture = np.zeros((SIDE_PX, SIDE_PX))
    stretch = rng.uniform(1, 12)
    for size in (1.5, 4, 10):
        noise = cv2.GaussianBlur(rng.normal(size=picture.shape), (0, 0), size, sigmaY=size * stretch)
        picture += noise / noise.std() * rng.random()
    turned = np.rot90(picture, int(rng.integers(4)))
    return _grey(128 + turned / picture.std() * rng.uniform(15, 50))


def thing(rng: Rng) -> Picture:
    """A few shaded shapes on top of each other on a ground of one tone, as a photo of some thing."""
    picture = np.full((SIDE_PX, SIDE_PX), rng.uniform(0, 255))
    for _ in range(rng.integers(1, 7)):
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        centre = rng.uniform(45, 115, 2)
        if rng.random() < 0.5:
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
            corners = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(
                10, 60, (len(angles), 1)
            )
            cv2.fillPoly(mask, [corners.astype(np.int32)], 255)
        else:
            axes = tuple(int(value) for value in rng.integers(8, 55, 2))
            cv2.ellipse(
                mask, tuple(int(value) for value in centre), axes, rng.uniform(0, 180), 0, 360, 255, -1
            )
        tone = rng.uniform(0, 255) + np.linspace(0, rng.normal(0, 40), SIDE_PX)
        picture = np.where(mask > 0, tone, picture)
    return _grey(cv2.GaussianBlur(picture, (0, 0), 1) + rng.normal(0, 2, picture.shape))


def kinds(fonts: Fonts) -> dict[str, Callable[[Rng], Picture]]:
    """What is no digit, by name, and how to draw one of it."""
    return {
        f"letters in {len(fonts.fonts) + 1} fonts, bent, but O I l Z S and their like": fonts.letter,
        "words": fonts.word,
        "two digits": fonts.number,
        "scribbles": scribble,
        "blank paper": blank,
        "textures": texture,
        "things": thing,
    }


def bent(mask: Picture, rng: Rng) -> Picture:
    """Turned, slanted, stretched and bent, with a thinner or thicker pen."""
    pen_px = int(rng.integers(-1, 4))
    if pen_px > 0:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pen_px + 1,) * 2))
    middle = np.array([SIDE_PX / 2, SIDE_PX / 2])
    matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), rng.normal(0, 6), 1)
    matrix[:, :2] = matrix[:, :2] @ np.array([[rng.uniform(0.8, 1.15), rng.normal(0, 0.12)], [0, 1]])
    matrix[:, 2] = middle - matrix[:, :2] @ middle
    mask = cv2.warpAffine(mask, matrix, (SIDE_PX, SIDE_PX))
    waves = cv2.resize(
        rng.normal(0, 4, (6, 6, 2)).astype(np.float32), mask.shape, interpolation=cv2.INTER_CUBIC
    )
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    return np.asarray(cv2.remap(mask, columns + waves[..., 0], rows + waves[..., 1], cv2.INTER_LINEAR))


def paper(mask: Picture, rng: Rng, grain: float = 4) -> Picture:
    """Dark ink on light paper, lit from one side."""
    light = np.linspace(rng.uniform(0.6, 1), rng.uniform(0.6, 1), SIDE_PX)
    picture = (240 - mask.astype(float) * rng.uniform(0.4, 0.85)) * light
    return _grey(picture + rng.normal(0, max(grain, 1e-6), mask.shape))


def _text_of_opencv(text: str, rng: Rng) -> Picture:
    image = np.zeros((SIDE_PX * 2, SIDE_PX * 2), np.uint8)
    cv2.putText(image, text, (40, 200), int(rng.integers(8)), 2.2, 255, int(rng.integers(1, 5)), cv2.LINE_AA)
    return _fitted(image)


def _fitted(image: Picture) -> Picture:
    """The middle of a picture, or all of its ink made smaller."""
    x, y, width, height = cv2.boundingRect(image)
    ink = image[y : y + height, x : x + width]
    scale = min(1.0, 0.8 * SIDE_PX / max(width, height))
    ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else ink
    result = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    top, left = (SIDE_PX - ink.shape[0]) // 2, (SIDE_PX - ink.shape[1]) // 2
    result[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return result


def _grey(picture: NDArray[np.floating]) -> Picture:
    return np.clip(picture, 0, 255).astype(np.uint8)
