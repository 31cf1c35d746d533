"""What makes photos of digits hard, each alone and in three strengths.

A difficulty is a function that takes an ordinary scene and changes it; its docstring says where it
is met, and its three figures what weak, middle and strong are. At the middle strength a person reads
the digit at a glance; the strong one may ask for a second look. To add one, write another function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray
from paper import Colour, Field, Scene, ordinary_scene, photograph, written

STRENGTHS = ("weak", "middle", "strong")

Change = Callable[[Scene, float], None]


@dataclass(frozen=True)
class Difficulty:
    """A change to a scene, with its figure at each of the strengths and what that figure counts."""

    change: Change
    levels: tuple[float, ...]
    unit: str


DIFFICULTIES: dict[str, Difficulty] = {}


def difficulty(unit: str, *levels: float) -> Callable[[Change], Change]:
    """Register a change under its function's name."""

    def register(change: Change) -> Change:
        DIFFICULTIES[change.__name__.replace("_", "-")] = Difficulty(change, levels, unit)
        return change

    return register


def draw(name: str, strength: int, digits: NDArray[np.uint8], number: int, seed: int = 0) -> bytes:
    """One photo file: digit `number` of `digits` (N, 28, 28) with a difficulty at strength 0, 1 or 2.

    A digit meets every difficulty on the same paper with the same pen, so that only the difficulty
    makes the difference.
    """
    chosen = DIFFICULTIES[name]
    scene = ordinary_scene(np.random.default_rng([seed, number]), digits)
    scene.rng = np.random.default_rng([seed, number, crc32(name.encode())])
    chosen.change(scene, chosen.levels[strength])
    return photograph(scene, digits[number])


@difficulty("", 0)
def none(scene: Scene, _: float) -> None:
    """Plain paper in even light, in focus, the digit in the middle."""


# Light


@difficulty("stops darker", 1, 2, 3)
def soft_shadow(scene: Scene, stops: float) -> None:
    """A head or a shoulder before a window: the shadow's edge is as wide as a hand."""
    _shade(scene, stops, softness=0.06)


@difficulty("stops darker", 1, 2, 3)
def hard_shadow(scene: Scene, stops: float) -> None:
    """A phone held over the paper under a lamp: the shadow's edge is sharp and crosses the digit."""
    _shade(scene, stops, softness=0.002)


@difficulty("stops across the photo", 1, 2, 3)
def gradient(scene: Scene, stops: float) -> None:
    """A desk lamp on one side: light falls off across the paper."""
    across, _ = _directed(scene, float(scene.rng.uniform(0, 2 * np.pi)))
    scene.stops += stops * (across - across.min()) / np.ptp(across)


# What is printed


@difficulty("opacity", 0.35, 0.6, 0.9)
def ruled_lines(scene: Scene, opacity: float) -> None:
    """Exercise paper: blue or grey lines, about two of which cross the digit."""
    colour = _pick(scene, ((0.2, 0.3, 0.6), (0.3, 0.32, 0.36), (0.1, 0.38, 0.55)))
    spacing = scene.rng.uniform(0.45, 0.75) * scene.digit_px
    scene.printed.append((_rules(scene, spacing, 0.02, scene.rng.uniform(-2, 2)) * opacity, colour))


@difficulty("opacity", 0.3, 0.5, 0.8)
def grid(scene: Scene, opacity: float) -> None:
    """Squared paper: the digit fills three or four squares."""
    colour = _pick(scene, ((0.2, 0.35, 0.6), (0.35, 0.37, 0.4), (0.15, 0.45, 0.35)))
    spacing, turn = scene.rng.uniform(0.25, 0.36) * scene.digit_px, scene.rng.uniform(-2, 2)
    across = _rules(scene, spacing, 0.014, turn)
    scene.printed.append((np.maximum(across, _rules(scene, spacing, 0.014, turn + 90)) * opacity, colour))


@difficulty("of the digit's size between digit and frame", 0.25, 0.12, 0.04)
def frame(scene: Scene, gap: float) -> None:
    """The box of a form, drawn around the digit, all of it on the photo."""
    scene.size = min(scene.size, 0.9 / (1.06 + 2 * gap))
    scene.printed.append((_box(scene, [gap] * 4, scene.rng.uniform(0.012, 0.03)), (0.15, 0.15, 0.17)))


@difficulty("sides of the frame cut off", 1, 2, 3)
def cut_frame(scene: Scene, sides: float) -> None:
    """A cell cropped out of a form or a sudoku: some sides of its box lie outside of the photo."""
    scene.size = 0.6
    gaps = np.full(4, 0.14)
    gaps[scene.rng.permutation(4)[: int(sides)]] = 2
    # The photo is cropped close to the cell, so the sides that are left lie near its border.
    scene.height_px, scene.width_px = (round(scene.digit_px * scene.rng.uniform(1.35, 1.5)) for _ in range(2))
    scene.size = 1 / scene.rng.uniform(1.35, 1.5)
    scene.stops = np.zeros(scene.shape, np.float32)
    scene.printed.append((_box(scene, list(gaps), scene.rng.uniform(0.02, 0.04)), (0.15, 0.15, 0.17)))


@difficulty("opacity", 0.08, 0.16, 0.25)
def show_through(scene: Scene, opacity: float) -> None:
    """Thin paper printed on its back: lines of type, mirrored and soft."""
    cover = np.zeros(scene.shape, np.uint8)
    scale = 0.0018 * min(scene.shape)
    for row in range(0, scene.height_px + 30, round(55 * scale)):
        text = " ".join(str(word) for word in scene.rng.integers(100, 99999, 14)).translate(LETTERS)
        start = (-int(scene.rng.integers(60)), row)
        cv2.putText(
            cover, text, start, cv2.FONT_HERSHEY_COMPLEX, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA
        )
    soft = cv2.GaussianBlur(cover[:, ::-1], (0, 0), 2.5 * scale)
    scene.printed.append((soft.astype(np.float32) / 255 * opacity, (0.1, 0.1, 0.1)))


@difficulty("of each neighbour visible", 0.2, 0.35, 0.5)
def neighbours(scene: Scene, visible: float) -> None:
    """A digit cropped out of a row: parts of the digits beside it stand at the border."""
    scene.size = min(scene.size, 0.55 * scene.width_px / min(scene.shape))
    for side in (-1, 1):
        other = scene.digits[scene.rng.integers(len(scene.digits))]
        columns = np.flatnonzero(other.any(axis=0))
        width = np.ptp(columns) / 20 * scene.digit_px / scene.width_px
        outside = replace(
            scene,
            right=side * (0.5 + width * (0.5 - visible)),
            down=scene.down + scene.rng.uniform(-0.05, 0.05),
        )
        scene.printed.append((written(outside, other) * scene.opacity, scene.ink))


# The camera


@difficulty("of the digit's size", 0.015, 0.03, 0.05)
def blur(scene: Scene, deviation: float) -> None:
    """Out of focus, as close-ups by phones are: a standard deviation of half a stroke when strong."""
    scene.blur = deviation


@difficulty("standard deviation in grey levels", 8, 16, 28)
def noise(scene: Scene, deviation: float) -> None:
    """A dark room: the sensor's noise, amplified."""
    scene.noise = deviation / 255


@difficulty("quality", 30, 15, 7)
def jpeg(scene: Scene, quality: float) -> None:
    """Sent on by messengers that compress a little more each time."""
    scene.jpeg_quality = int(quality)


@difficulty("degrees", 5, 10, 15)
def tilt(scene: Scene, degrees: float) -> None:
    """The paper lies askew, or the writing slants."""
    scene.angle_degrees = float(degrees * scene.rng.choice((-1, 1)))


@difficulty("degrees from straight above", 20, 35, 50)
def perspective(scene: Scene, degrees: float) -> None:
    """Taken while sitting at the desk: the paper leans away, in any direction."""
    direction, lean = scene.rng.uniform(0, 2 * np.pi), np.radians(degrees)
    away = np.array([np.cos(direction), np.sin(direction)])
    distance = 4.0  # of the camera, in sizes of the digit
    scene.lean[:2, :2] -= np.outer(away, away) * (1 - np.cos(lean))
    scene.lean[2, :2] = away * np.sin(lean) / distance


@difficulty("px on the longer side", 40, 34, 28)
def thumbnail(scene: Scene, longest_px: float) -> None:
    """Already as small as MNIST's own images, but dark on light and with margins of its own."""
    scene.size, scene.longest_px, scene.noise = 0.75, int(longest_px), 0.012


# Pen and ink


@difficulty("opacity", 0.55, 0.38, 0.25)
def faint_pencil(scene: Scene, opacity: float) -> None:
    """A hard pencil: grey, thin, and the tooth of the paper shows in it."""
    scene.ink, scene.opacity, scene.grain, scene.pen_width = (0.3, 0.3, 0.31), opacity, 0.6, 0.05


@difficulty("luminance", 0.35, 0.55, 0.72)
def coloured_ink(scene: Scene, luminance: float) -> None:
    """A felt-tip of any hue: pure colours, from deep red or green to orange and pale blue."""
    scene.ink = _coloured(scene.rng.uniform(0, 360), luminance)


@difficulty("luminance", 0.8, 0.6, 0.4)
def coloured_paper(scene: Scene, luminance: float) -> None:
    """Sticky notes and construction paper in any hue."""
    scene.paper = _coloured(scene.rng.uniform(0, 360), luminance)


@difficulty("of the digit's size", 0.14, 0.18, 0.23)
def marker(scene: Scene, width: float) -> None:
    """A whiteboard marker on a small piece of paper; MNIST's median stroke is 0.11."""
    scene.pen_width = width


@difficulty("of the digit's size", 0.05, 0.025, 0.012)
def thin_pen(scene: Scene, width: float) -> None:
    """A ballpoint's half millimetre in digits of one, two and four centimetres."""
    scene.pen_width = width


@difficulty("opacity", 0.9, 0.65, 0.45)
def chalk(scene: Scene, opacity: float) -> None:
    """Chalk on a blackboard that was wiped before: bare spots in the stroke, clouds behind it."""
    scene.paper = _pick(scene, ((0.13, 0.15, 0.14), (0.14, 0.27, 0.21), (0.10, 0.11, 0.16)))
    scene.ink, scene.opacity, scene.grain = (0.95, 0.95, 0.9), opacity, 0.5
    clouds = cv2.resize(
        scene.rng.random((6, 6), np.float32), scene.shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    scene.printed.append((np.clip(clouds * 0.2, 0, 1), (0.8, 0.8, 0.8)))


@difficulty("brightness of the ink", 0.05, 0.5, 1)
def transparent(scene: Scene, brightness: float) -> None:
    """Saved by a drawing program without a background: black, grey, and even white on nothing."""
    scene.transparent, scene.ink, scene.opacity, scene.grain = True, (brightness,) * 3, 1.0, 0.0


# Size and place


@difficulty("of the shorter side", 0.1, 0.07, 0.05)
def tiny(scene: Scene, size: float) -> None:
    """One digit on a whole page, taken from too far away."""
    scene.size = size


@difficulty("of the shorter side", 0.85, 0.92, 0.97)
def huge(scene: Scene, size: float) -> None:
    """Cropped to the very edge."""
    scene.size, scene.right, scene.down, scene.angle_degrees = size, 0.0, 0.0, 0.0


@difficulty("of the sides from the middle", 0.16, 0.24, 0.32)
def off_centre(scene: Scene, distance: float) -> None:
    """Taken without aiming: the digit stands in a corner or at a side."""
    direction = scene.rng.uniform(0, 2 * np.pi)
    scene.size = 0.28
    scene.right, scene.down = distance * np.cos(direction), distance * np.sin(direction)


# What the difficulties are made of

LETTERS = str.maketrans("0123456789", "aeinorstlu")


def _pick(scene: Scene, colours: tuple[Colour, ...]) -> Colour:
    return colours[scene.rng.integers(len(colours))]


def _directed(scene: Scene, angle: float, bend: float = 0.0) -> tuple[Field, Field]:
    """Distances from the digit's middle (H, W) along an angle and across it, in the photo's longer side."""
    x, y = scene.centre_px
    rows, columns = np.ogrid[: scene.height_px, : scene.width_px]
    right, down = (columns - x) / max(scene.shape), (rows - y) / max(scene.shape)
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    return (along + bend * across**2).astype(np.float32), across.astype(np.float32)


def _shade(scene: Scene, stops: float, softness: float) -> None:
    """A shadow over one side of the photo, its slightly bent edge through the digit."""
    edge, _ = _directed(
        scene, float(scene.rng.uniform(0, 2 * np.pi)), bend=float(scene.rng.uniform(-0.5, 0.5))
    )
    edge -= scene.rng.uniform(-0.3, 0.3) * scene.size
    scene.stops += stops / (1 + cv2.exp(-np.clip(edge / softness, -50, 50)))


def _rules(scene: Scene, spacing_px: float, thickness: float, turn_degrees: float) -> Field:
    """Parallel lines (H, W), their thickness a share of the digit's size, 0 degrees being level."""
    _, across = _directed(scene, float(np.radians(turn_degrees)))
    offset = scene.rng.uniform(0, spacing_px)
    from_line = np.abs((across * max(scene.shape) + offset) % spacing_px - spacing_px / 2)
    return np.asarray(np.clip(0.5 + thickness * scene.digit_px / 2 - from_line, 0, 1), np.float32)


def _box(scene: Scene, gaps: list[float], thickness: float) -> Field:
    """A box around the digit (H, W): the gaps left, above, right and below as shares of its size."""
    x, y = scene.centre_px
    reach = [(0.5 + gap) * scene.digit_px for gap in gaps]
    cover = np.zeros(scene.shape, np.uint8)
    corners = [(round(x - reach[0]), round(y - reach[1])), (round(x + reach[2]), round(y + reach[3]))]
    cv2.rectangle(cover, *corners, 255, max(1, round(thickness * scene.digit_px)), cv2.LINE_AA)
    return cover.astype(np.float32) / 255


def _coloured(hue_degrees: float, luminance: float) -> Colour:
    """The purest colour of a hue that has a luminance: mixed with black or white until it fits."""
    hue = np.array([[[hue_degrees / 2, 255, 255]]], np.float32).astype(np.uint8)
    pure = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0] / 255
    bright = float(pure @ (0.299, 0.587, 0.114))
    if luminance <= bright:
        mixed = pure * luminance / bright
    else:
        mixed = 1 - (1 - pure) * (1 - luminance) / (1 - bright)
    return tuple(float(channel) for channel in mixed)
