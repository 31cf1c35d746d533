"""From a photo of a page to its ink: what is written, printed or lies on the paper, as a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.steps.base import Image, Mask, touching
from digitprep.steps.geometry import Rescale
from digitprep.steps.tone import Grayscale

# Pages are looked at in more detail than single digits: on A4 at 2,000 px, 3 mm are 20 px.
SMALLEST_PX, LARGEST_PX = 900, 2000

# A page is enlarged for digits that are lower than this there, at most by the factor: the edge of a stroke is
# more than which pixels it fills. Up to so many pixels a photo is read for that.
SMALL_DIGIT_PX, MOST_ENLARGED, FINEST_PX = 40, 1.5, 3000

# The ground at a pixel is the median of a window of this share of the shorter side: a median keeps the
# edge of a shadow where it is, and the strokes of a digit never fill half of the window.
GROUND = 0.2

# What is darker than its first ground by this share is taken for ink, and filled for the second one by a
# closing of this share of the window, unless it covers more of the page than the last: too little paper then.
INKY, FILL, MOST_INK = 0.1, 0.15, 0.12

# A page is first seen as small as this, in a window of this share, to learn how wide its strokes are;
# the window of the ground is at least so many strokes wide. Strokes that are too wide for the usual window
# belong to pieces at least this large, as a share of the shorter side.
OVERVIEW_PX, WHOLE, STROKES, LARGE = 360, 0.7, 3.0, 0.15

# Ink is darker than its ground by this share of what the darkest ink nearby is, within this share of
# the longer side, so that pencil in a shadow is found beside a marker in the sun.
LOCAL_CONTRAST, NEIGHBOURHOOD = 0.35, 0.035

# How many standard deviations of the paper's grain ink stands out, everywhere and somewhere, and by
# which share of the ground it does so at least somewhere.
WEAK_GRAINS, STRONG_GRAINS, LEAST_INK = 4.0, 6.5, 0.05

# What is paler than this share of the usual ink was not written with the same hand.
GHOST = 0.4

Floats = NDArray[np.float32]


def rescaled(photo: Image) -> Image:
    """(H, W[, 3]) uint8 -> the same photo in the size in which pages are looked at."""
    return Rescale(SMALLEST_PX, LARGEST_PX)(photo)


def enlarged(photo: Image, longest_px: int, height_px: float) -> Image | None:
    """(H, W[, 3]) uint8 -> the photo so large that its digits are high enough, or None if they are already.

    longest_px: the longer side of the page in which the usual digit was found to be `height_px` high
    """
    factor = min(SMALL_DIGIT_PX / max(height_px, 1), MOST_ENLARGED)
    if not height_px or factor <= 1:
        return None
    side = round(factor * longest_px)
    return Rescale(side, side)(photo)


@dataclass(frozen=True, eq=False)
class Ink:
    """What stands out from the paper.

    mask: (H, W), where there is ink
    darkness: (H, W), the share by which each pixel differs from the paper around it, towards the ink
    """

    mask: Mask
    darkness: Floats


def ink_of(photo: Image, window: float) -> Ink:
    """(H, W[, 3]) uint8 -> its ink, dark or bright, in light or in shadow.

    window: the side of the square whose median is the ground, as a share of the shorter side

    Raises StepError where nothing stands out from the paper.
    """
    darkness = np.asarray(cv2.GaussianBlur(_darkness(photo, window), (0, 0), 0.8), dtype=np.float32)
    grain = _grain(darkness)
    size = max(3, round(NEIGHBOURHOOD * max(darkness.shape))) | 1
    peak = cv2.dilate(cv2.GaussianBlur(darkness, (0, 0), 1.2), np.ones((size, size), np.uint8))
    peak = cv2.blur(peak, (size, size))
    weak = darkness > np.maximum(WEAK_GRAINS * grain, LOCAL_CONTRAST * peak)
    strong = weak & (darkness > np.maximum(STRONG_GRAINS * grain, LEAST_INK))
    mask = touching(weak, strong)
    if not mask.any():
        raise StepError(
            "no ink: nothing stands out from the paper; photograph the page closer or in better light"
        )
    return Ink(mask, darkness)


def widest_window(photo: Image) -> float:
    """(H, W[, 3]) uint8 -> the window for `ink_of` in which no stroke on the page would be the paper."""
    small = Rescale(OVERVIEW_PX, OVERVIEW_PX)(photo)
    try:
        mask = ink_of(small, WHOLE).mask
    except StepError:
        return GROUND
    _, components, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    radius = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    widest = []
    for number in np.flatnonzero(stats[1:, 2:4].max(axis=1) >= LARGE * min(mask.shape)) + 1:
        x, y, width, height, _ = (int(value) for value in stats[number])
        part = np.s_[y : y + height, x : x + width]
        widest.append(2 * float(radius[part][components[part] == number].max()))
    usual = float(np.median(widest or [0.0]))
    return float(np.clip(STROKES * usual / min(mask.shape), GROUND, WHOLE))


def two_tones(photo: Image) -> Mask:
    """(H, W[, 3]) uint8 -> where the rarer one of its two tones is, parted by Otsu's level."""
    _, bright = cv2.threshold(Grayscale()(photo), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(bright == (1 if bright.mean() < 0.5 else 0))


def without_ghosts(mask: Mask, darkness: Floats) -> Mask:
    """(H, W) -> the mask without pieces much paler than the rest: print showing through, edges of shadows."""
    count, components = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    numbers, tones = components[mask], darkness[mask]
    mean = np.bincount(numbers, tones, count) / np.maximum(np.bincount(numbers, minlength=count), 1)
    keep = mean >= GHOST * (np.median(tones) if len(tones) else 0)
    keep[0] = False
    return np.asarray(keep[components])


def _darkness(photo: Image, window: float) -> Floats:
    """(H, W[, 3]) -> (H, W): by which share each pixel is darker than its ground, or for chalk, brighter."""
    grey = Grayscale()(photo)
    ground = _ground(grey, window)
    if _ink_is_bright(grey, ground):
        grey, ground = 255 - grey, 255 - ground
    ground = np.maximum(ground, _ground(_filled(grey, ground, window), window))  # ink only draws it down
    return np.asarray((ground.astype(np.float32) - grey) / np.maximum(ground, 16), dtype=np.float32)


def _ground(grey: Image, window: float) -> Image:
    """The paper at each pixel, without what is on it."""
    height, width = grey.shape
    small = cv2.resize(grey, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    size = min(max(3, round(window * min(small.shape))) | 1, 255)
    return np.asarray(cv2.resize(cv2.medianBlur(small, size), (width, height)), dtype=np.uint8)


def _filled(grey: Image, ground: Image, window: float) -> Image:
    """A photo of dark ink with paper in its place, so that the ground is not drawn to it.

    Ink beside the edge of a shadow would shift the edge in the median. A closing leaves straight edges where
    they are, and noise makes it brighter than the paper, so that it only stands in for ink.
    """
    size = max(3, round(FILL * window * min(grey.shape))) | 1
    paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    inky = (grey < (1 - INKY) * ground).astype(np.uint8)
    if inky.mean() > MOST_INK:
        return grey
    return np.where(cv2.dilate(inky, np.ones((5, 5), np.uint8)) > 0, paper, grey).astype(np.uint8)


def _ink_is_bright(grey: Image, ground: Image) -> bool:
    """Whether more stands out to the bright side than to the dark one, in steps of relative brightness."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.2)[::2, ::2]
    steps = np.log((ground[::2, ::2] + np.float32(16)) / (smooth + np.float32(16)))
    beyond = 0.04 + 5 * float(np.median(np.abs(steps)))
    return bool(np.maximum(-steps - beyond, 0).sum() > np.maximum(steps - beyond, 0).sum())


def _grain(darkness: Floats) -> Floats:
    """The standard deviation of the paper's grain around each pixel."""
    smooth = np.abs(darkness)
    usual = float(np.median(smooth)) * 1.48 + 1e-3
    around = max(3, min(darkness.shape) // 12) | 1
    return np.asarray(cv2.blur(np.minimum(smooth, 3 * usual), (around, around)) * 1.1 + 1e-3)
