"""The step that tells ink from paper, by one of several methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.spec import Between
from digitprep.steps.base import STEPS, Image, Mask, Step, touching
from digitprep.steps.tone import otsu_level

# Where fewer pixels than these stand out by this many grey levels, the paper is blank. What light from
# one side leaves of it reaches 10 to 20; the faintest ink among 1,200 photos of digits has 62.
SMALLEST_INK_PX, BLANK_RANGE = 20, 20


@STEPS.register
@dataclass(frozen=True)
class Threshold(Step):
    """(H, W) -> (H, W): 255 where there is ink and 0 elsewhere.

    "fixed": ink is `level` and above. "otsu": the level that splits the histogram best. "adaptive":
    brighter than the mean of the neighbourhood by 15 % of the contrast. "hysteresis": Otsu's level kept
    within the contrast between paper and the strongest ink, and of what is above it only what holds on
    to strong ink, so that a faint stroke is kept whole and noise is not.

    Source: Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979; hysteresis as in Canny,
    A Computational Approach to Edge Detection, 1986.

    method: how the level is found
    level: grey level of "fixed", 0..255
    ink: which side is ink; "dark" takes pixels below the level, for photos that were not inverted

    Raises StepError for a blank image, except with "fixed", which asks nothing.
    """

    method: Literal["fixed", "otsu", "adaptive", "hysteresis"] = "otsu"
    level: Annotated[int, Between(0, 255)] = 128
    ink: Literal["bright", "dark"] = "bright"

    def apply(self, image: Image) -> Image:
        if self.method == "fixed":
            mask = image < self.level if self.ink == "dark" else image >= self.level
            return np.where(mask, 255, 0).astype(np.uint8)
        if self.ink == "dark":
            image = 255 - image
        _require_contrast(image)
        find = {"otsu": _otsu, "adaptive": _adaptive, "hysteresis": _hysteresis}[self.method]
        return np.where(find(image), 255, 0).astype(np.uint8)

    def decision(self, before: Image, after: Image) -> str:
        ink = before[after > 0]
        if not ink.size:
            return "no ink"
        level = f"level {ink.max()} down" if self.ink == "dark" else f"level {ink.min()} up"
        return f"ink is {level}: {ink.size / before.size:.1%} of the image"


def _require_contrast(image: Image) -> None:
    """Raise StepError where nothing stands out but the grain of the paper, which a blur takes away."""
    smooth = _smooth(image)
    low, high = _level(smooth, 1 / 200), _strongest(smooth)
    if high - low < BLANK_RANGE:
        raise StepError(
            f"no ink: the photo is blank, its grey levels span {high - low}, at least "
            f"{BLANK_RANGE} are needed; photograph the digit closer or in better light"
        )


def _smooth(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1), dtype=np.uint8)


def _level(image: Image, share: float) -> int:
    """The grey level below which a share of an image's pixels lies."""
    counts = np.bincount(image.reshape(-1), minlength=256).cumsum()
    return int(np.searchsorted(counts, share * image.size, side="right"))


def _strongest(smooth: Image) -> int:
    """The grey level of the strongest ink: all but a few pixels are below."""
    return _level(smooth, 1 - min(SMALLEST_INK_PX, smooth.size) / smooth.size)


def _otsu(image: Image) -> Mask:
    return image > otsu_level(image)


def _adaptive(image: Image) -> Mask:
    size = max(3, min(image.shape) // 4) | 1
    mean = cv2.boxFilter(image, cv2.CV_32F, (size, size), borderType=cv2.BORDER_REPLICATE)
    low, high = np.percentile(image, (5, 99.5))
    return np.asarray(image > mean + 0.15 * (high - low))


def _hysteresis(image: Image) -> Mask:
    paper, darkest = _paper_and_ink(image)
    contrast = max(darkest - paper, 1.0)
    level = min(max(otsu_level(image), paper + 0.35 * contrast), darkest - 0.3 * contrast)
    strong = image > level + 0.45 * (darkest - level)
    return _with_fading_strokes(image, touching(image > level, strong), paper, contrast)


# The darkest ink within this share of the longer side is what a pixel is compared with; it counts where
# it stands out of the paper by this share of the contrast, and by this many times the paper's grain.
NEIGHBOURHOOD, PALEST, GRAIN = 0.08, 0.2, 4.0


def _with_fading_strokes(image: Image, ink: Mask, paper: float, contrast: float) -> Mask:
    """The ink, and the paler strokes that it goes on in: written without pressure, or blurred by motion.

    A pixel is such ink where it is half as strong as the strongest one nearby.
    """
    strength = image.astype(np.float32) - np.float32(paper)
    size = max(3, int(NEIGHBOURHOOD * max(image.shape))) | 1
    around = np.ones((size, size), np.uint8)
    nearby = cv2.blur(cv2.dilate(strength, around), (size, size))
    grain = (_level(image, 0.75) - paper) / 0.6745
    fading = (strength > nearby / 2) & (nearby > max(PALEST * contrast, GRAIN * grain))
    return touching(ink | fading, cv2.dilate(ink.astype(np.uint8), around) > 0)


def _paper_and_ink(image: Image) -> tuple[int, int]:
    """The grey levels of the paper and of strong ink.

    Strong ink is the brightest 0.3 %, so that dust does not count. Where that is no more than the
    grain of the paper, five standard deviations, the ink covers less of the photo: a tiny digit.
    """
    paper, darkest = _level(image, 0.5), _level(image, 0.997)
    grain = (_level(image, 0.75) - paper) / 0.6745
    if darkest - paper < max(5 * grain, BLANK_RANGE):
        darkest = max(darkest, _strongest(_smooth(image)))
    return paper, darkest
