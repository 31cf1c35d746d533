"""Photos of digits, drawn: pen on paper, light over it, a camera above it, a file in the end.

A `Scene` is an ordinary photo in the making: a digit of MNIST, enlarged to the smooth stroke of a
pen, on plain paper under even light. `difficulties` makes it a harder one. The same numbers drawn
from the same generator give the same bytes, on one machine and with the same OpenCV.

Brightness is that of the picture, 0..1. Shadows are counted in a photographer's stops, each of them
half of the light, which a camera turns into brightness by a power of 1 / 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Digit = NDArray[np.uint8]  # (28, 28), 0 for paper and 255 for ink
Field = NDArray[np.float32]  # (H, W)
Colour = tuple[float, float, float]  # red, green, blue, 0..1

GAMMA = 2.2
BOX = 20  # pixels that MNIST gives a digit's longer side; the unit of strokes here

PAPERS = ((0.97, 0.97, 0.96), (0.94, 0.93, 0.90), (0.93, 0.90, 0.82), (0.85, 0.85, 0.84))
INKS = ((0.10, 0.10, 0.12), (0.13, 0.17, 0.48), (0.08, 0.10, 0.30), (0.22, 0.20, 0.20))


@dataclass
class Scene:
    """One photo in the making: all that can be said about it before it is taken.

    digits: (N, 28, 28), others to take neighbours from
    size: the digit's longer side as a share of the photo's shorter one
    right, down: the digit's place, as a share of the sides from the middle
    angle_degrees: the digit's turn, counterclockwise
    lean: 3 x 3, what perspective does to the paper around the digit, in units of the digit's size
    pen_width: the stroke's width as a share of the digit's size; None for MNIST's own
    opacity: the share of the paper's brightness that the ink takes away, 0..1
    grain: how much of the stroke the tooth of the paper leaves bare, 0..1
    stops: (H, W), how much darker it is there than in full light
    printed: what was on the paper before the digit: cover (H, W) and colour
    blur: of the lens, a standard deviation as a share of the digit's size
    noise: of the sensor, a standard deviation of brightness
    longest_px: the photo made as small as this in the end
    """

    rng: np.random.Generator
    digits: NDArray[np.uint8]
    height_px: int
    width_px: int
    paper: Colour
    ink: Colour
    size: float
    right: float
    down: float
    angle_degrees: float
    white_balance: Colour
    lean: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    pen_width: float | None = None
    opacity: float = 0.95
    grain: float = 0.15
    printed: list[tuple[Field, Colour]] = field(default_factory=list)
    blur: float = 0.003
    noise: float = 0.008
    jpeg_quality: int = 90
    longest_px: int | None = None
    transparent: bool = False
    stops: Field = field(init=False)

    def __post_init__(self) -> None:
        self.stops = np.zeros(self.shape, np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height_px, self.width_px

    @property
    def digit_px(self) -> float:
        """The digit's longer side in pixels."""
        return self.size * min(self.shape)

    @property
    def centre_px(self) -> tuple[float, float]:
        """The middle of the digit, (x, y)."""
        return self.width_px * (0.5 + self.right), self.height_px * (0.5 + self.down)


def ordinary_scene(rng: np.random.Generator, digits: NDArray[np.uint8]) -> Scene:
    """A photo that has no difficulty: what people send who were told how to take one."""
    longer, aspect = rng.integers(600, 841), rng.uniform(0.72, 0.95)
    sides = [int(longer), int(longer * aspect)]
    height, width = sides if rng.random() < 0.6 else sides[::-1]
    warm = rng.uniform(-0.04, 0.04)
    return Scene(
        rng,
        digits,
        height,
        width,
        paper=PAPERS[rng.integers(len(PAPERS))],
        ink=INKS[rng.integers(len(INKS))],
        size=rng.uniform(0.38, 0.52),
        right=rng.uniform(-0.05, 0.05),
        down=rng.uniform(-0.05, 0.05),
        angle_degrees=rng.uniform(-3, 3),
        white_balance=(1 + warm, 1.0, 1 - warm),
    )


def photograph(scene: Scene, digit: Digit) -> bytes:
    """The scene with that digit on it, as a JPEG file, or a PNG file where it is transparent."""
    cover = _textured(written(scene, digit), scene) * scene.opacity
    if scene.transparent:
        return _transparent(cover, scene)
    shade = cv2.exp(scene.stops * (-np.log(2) / GAMMA)) * (255 + 3 * _grain(scene, smooth_px=1.5))
    planes = []
    for channel in (2, 1, 0):  # plane by plane in OpenCV's order, which is several times faster
        plane = np.full(scene.shape, scene.paper[channel], np.float32)
        for layer, colour in [*scene.printed, (cover, scene.ink)]:
            plane += layer * (np.float32(colour[channel]) - plane)
        plane *= shade
        planes.append(cv2.convertScaleAbs(plane, alpha=scene.white_balance[channel]))
    pixels = _through_lens(cv2.merge(planes), scene)
    pixels = cv2.add(pixels, scene.noise * 255 * _sensor(scene, pixels.shape), dtype=cv2.CV_8U)
    return _encoded(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, scene.jpeg_quality)


def written(scene: Scene, digit: Digit) -> Field:
    """How much of each pixel (H, W) lies under the digit's stroke, 0..1."""
    distance = _edge_distance(digit) if scene.pen_width is None else _pen_distance(digit, scene.pen_width)
    middle = np.diag([1 / FINE, 1 / FINE, 1]) @ _shift(0.5, 0.5)
    unit = np.diag([1 / BOX, 1 / BOX, 1]) @ _shift(-14, -14) @ middle
    turn = np.eye(3)
    turn[:2] = cv2.getRotationMatrix2D((0, 0), scene.angle_degrees, scene.digit_px)
    lean = np.diag([scene.digit_px, scene.digit_px, 1]) @ scene.lean @ np.diag([1 / scene.digit_px] * 2 + [1])
    place = _shift(*scene.centre_px) @ _shift(-0.5, -0.5) @ lean @ turn @ unit
    far = cv2.warpPerspective(
        distance, place, scene.shape[::-1], borderMode=cv2.BORDER_CONSTANT, borderValue=float(BOX)
    )
    edge = 0.5 * BOX / scene.digit_px + 0.04  # half a pixel, and the feathered rim of ink on paper
    return np.asarray(np.clip(0.5 - far / (2 * edge), 0, 1), np.float32)


# MNIST's pixels are cut into this many each way before their stroke's edge is looked for.
FINE = 6


@cache
def _edge_distance_of(pixels: bytes) -> Field:
    digit = np.frombuffer(pixels, np.uint8).reshape(28, 28).astype(np.float32) / 255
    smooth = cv2.resize(digit, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_CUBIC)
    ink = (cv2.GaussianBlur(smooth, (0, 0), 0.4 * FINE) > 0.4).astype(np.uint8)
    outside = cv2.distanceTransform(1 - ink, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    inside = cv2.distanceTransform(ink, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(cv2.GaussianBlur(outside - inside, (0, 0), 0.25 * FINE) / FINE, np.float32)


def _edge_distance(digit: Digit) -> Field:
    """(28, 28) -> (28 FINE, 28 FINE): the distance from the stroke's edge in MNIST's pixels, < 0 inside."""
    return _edge_distance_of(digit.tobytes())


def _pen_distance(digit: Digit, width: float) -> Field:
    """The same for the stroke's middle line drawn again by a pen of that width."""
    line = thinned(_edge_distance(digit) < 0)
    distance = cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(cv2.GaussianBlur(distance, (0, 0), 0.15 * FINE) / FINE - width * BOX / 2, np.float32)


def thinned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W): a mask worn down from its edges to lines of one pixel.

    Source: Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", 1984.
    """
    bits = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)  # clockwise from the pixel above
    image = mask.astype(np.uint8)
    while True:
        before = image.copy()
        for removable in _removable():
            around = cv2.filter2D(image, cv2.CV_16S, bits, borderType=cv2.BORDER_CONSTANT)
            image &= ~removable[around].astype(bool)
        if np.array_equal(before, image):
            return image > 0


@cache
def _removable() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the 256 neighbourhoods lose their pixel in either half of a round."""
    codes = np.arange(256)
    around = (codes[:, None] >> np.arange(8)) & 1  # p2 ... p9 in the paper's words
    rises = ((around == 0) & (np.roll(around, -1, axis=1) == 1)).sum(axis=1)
    edge = (rises == 1) & (around.sum(axis=1) >= 2) & (around.sum(axis=1) <= 6)
    up, right, down, left = around[:, 0], around[:, 2], around[:, 4], around[:, 6]
    first = edge & (up * right * down == 0) & (right * down * left == 0)
    second = edge & (up * right * left == 0) & (up * down * left == 0)
    return first, second


def _textured(cover: Field, scene: Scene) -> Field:
    """The stroke with the tooth of the paper showing through."""
    bare = np.clip(0.5 + _grain(scene, smooth_px=2.0), 0, 1) * scene.grain
    return np.asarray(cover * (1 - bare), np.float32)


TILE_PX = 1100


@cache
def _noise_tile(smooth_px: float, channels: int) -> Field:
    """Noise of standard deviation 1, made once: photos take different parts of it."""
    tile = np.random.default_rng(channels).standard_normal((TILE_PX, TILE_PX, channels), np.float32)
    if smooth_px:
        tile = cv2.GaussianBlur(tile, (0, 0), smooth_px)
        tile /= tile.std()
    return np.squeeze(tile)


def _part(tile: Field, shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    top, left = (int(rng.integers(TILE_PX - side + 1)) for side in shape[:2])
    return tile[top : top + shape[0], left : left + shape[1]]


def _grain(scene: Scene, smooth_px: float) -> Field:
    return _part(_noise_tile(smooth_px, 1), scene.shape, scene.rng)


def _sensor(scene: Scene, shape: tuple[int, ...]) -> Field:
    """(H, W, 3): noise as a camera's processing leaves it, a little smeared and a little coloured."""
    return _part(_noise_tile(0.6, 3), shape, scene.rng)


def _transparent(cover: Field, scene: Scene) -> bytes:
    """What a drawing program saves: one colour of ink, and nothing at all behind it."""
    pixels = np.empty((*scene.shape, 4), np.uint8)
    pixels[..., :3] = np.rint(np.array(scene.ink[::-1]) * 255)
    pixels[..., 3] = np.rint(cover * 255)
    return _encoded(".png", pixels, cv2.IMWRITE_PNG_COMPRESSION, 1)


def _encoded(suffix: str, pixels: NDArray[np.uint8], *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, pixels, options)[1])


def _through_lens(picture: NDArray[np.uint8], scene: Scene) -> NDArray[np.uint8]:
    """Blurred, or made small."""
    if scene.longest_px is None:
        return cv2.GaussianBlur(picture, (0, 0), max(0.3, scene.blur * scene.digit_px))
    scale = scene.longest_px / max(picture.shape)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _shift(right: float, down: float) -> NDArray[np.float64]:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]])
