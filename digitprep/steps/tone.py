"""Steps that change how bright things are: grey, polarity, light, threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from digitprep.errors import StepError
from digitprep.opencv import cv2
from digitprep.spec import Between
from digitprep.steps.base import STEPS, Image, Mask, Share, Step

# The ground is looked for in a photo of this size, on its longer side, and there softened by a standard
# deviation of SOFT_PX and darkened for EDGE_PX around.
GROUND_PX, SOFT_PX, EDGE_PX = 200, 1, 2

# Where fewer pixels than these stand out by this many grey levels, the paper is blank. What light from
# one side leaves of it reaches 10 to 20; the faintest ink among 1,200 photos of digits has 62.
SMALLEST_INK_PX, BLANK_RANGE = 20, 20


@STEPS.register
@dataclass(frozen=True)
class Grayscale(Step):
    """(H, W, 3) or (H, W) -> (H, W): luminance. Source: ITU-R BT.601."""

    takes_colour: ClassVar[bool] = True

    def apply(self, image: Image) -> Image:
        if image.ndim == 2:
            return image.copy()
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


@STEPS.register
@dataclass(frozen=True)
class Invert(Step):
    """(H, W) -> (H, W): dark becomes bright; always, or only where the ink is the darker side.

    `when="auto"` leaves bright ink on a dark ground as it is. It asks the border first, which is
    nearly always ground, and where that is mixed, on which side of the local ground the outliers lie.
    """

    takes_colour: ClassVar[bool] = True

    when: Literal["always", "auto"] = "always"

    def apply(self, image: Image) -> Image:
        if self.when == "auto" and not ink_is_dark(_luminance(image)):
            return image.copy()
        return np.bitwise_not(image)

    def decision(self, before: Image, after: Image) -> str:
        if self.when == "always":
            return "always inverted"
        kept = np.array_equal(before, after)
        return "light ink on a dark ground: kept" if kept else "dark ink on a light ground: inverted"


@STEPS.register
@dataclass(frozen=True)
class EvenLight(Step):
    """(H, W) -> (H, W): shadows and gradients taken out of the ground; bright ink on dark paper.

    The ground is what a closing of the paper leaves when strokes are gone; each pixel is divided by
    it. `size` is the diameter of the closing as a share of the shorter side: larger than a stroke is
    wide, smaller than a shadow.
    """

    size: Share = 0.3

    def apply(self, image: Image) -> Image:
        paper = 255 - image
        small = _shrunk(paper, GROUND_PX)
        diameter = max(3, int(self.size * min(small.shape))) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
        ground = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel)
        # The edge of a hard shadow would stand out as a line from a ground that passes smoothly under
        # it; so the ground is hardly softened, and the shadow's reaches out over the edge.
        ground = cv2.GaussianBlur(ground, (0, 0), SOFT_PX)
        ground = cv2.erode(ground, np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8))
        ground = cv2.resize(ground, image.shape[::-1], interpolation=cv2.INTER_LINEAR)
        even = np.minimum(paper.astype(np.float32) / np.maximum(ground, 1), 1)
        return np.asarray(np.rint(255 - even * 255), dtype=np.uint8)

    def decision(self, before: Image, after: Image) -> str:
        least, most = np.percentile(before.astype(np.int16) - after, (1, 99))
        return f"took {max(least, 0):.0f} to {max(most, 0):.0f} of 255 levels off"


@STEPS.register
@dataclass(frozen=True)
class Brighten(Step):
    """(H, W) -> (H, W): scaled so that the brightest pixel is 255; an empty image stays empty."""

    def apply(self, image: Image) -> Image:
        brightest = max(int(image.max()), 1)
        return np.asarray(np.floor(image * 255.0 / brightest + 0.5), dtype=np.uint8)

    def decision(self, before: Image, after: Image) -> str:
        return f"brightest pixel {before.max()}, now {after.max()}"


@STEPS.register
@dataclass(frozen=True)
class Threshold(Step):
    """(H, W) -> (H, W): 255 where there is ink and 0 elsewhere.

    method:
        "fixed": ink is `level` and above. "otsu": the level that splits the histogram best (Otsu,
        "A threshold selection method from gray-level histograms", 1979). "adaptive": brighter than
        the mean of the neighbourhood by 15 % of the contrast. "hysteresis": Otsu's level kept within
        the contrast between paper and the strongest ink, and of what is above it only what holds on
        to strong ink, so that a faint stroke is kept whole and noise is not.
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


def ink_is_dark(image: Image) -> bool:
    """Whether the ink of an (H, W) photo is darker than its ground.

    The border, 4 % of the sides, counts where nearly all of it lies on one side of Otsu's level.
    Otherwise a large median stands for the ground, and the side with the heavier tail is ink.
    """
    small = _shrunk(image, 128)
    level = otsu_level(small)
    dark = small <= level
    width = max(1, round(0.04 * max(small.shape)))
    border = np.ones(small.shape, dtype=bool)
    border[width:-width, width:-width] = False
    border_dark, all_dark = dark[border].mean(), dark.mean()
    if border_dark > 0.9 and all_dark > 0.5:
        return False
    if border_dark < 0.1 and all_dark < 0.65:
        return True
    size = min(max(3, int(0.35 * max(small.shape))) | 1, 255)
    above = small.astype(np.int16) - cv2.medianBlur(small, size)
    low, high = -np.percentile(above, 0.5), np.percentile(above, 99.5)
    beyond = max(12.0, 0.35 * max(low, high))
    return bool(np.maximum(-above - beyond, 0).sum() >= np.maximum(above - beyond, 0).sum())


def otsu_level(image: Image) -> int:
    """The level that best splits the histogram of a uint8 image: the dark side is <= level."""
    return int(cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])


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
    weak = (image > level).astype(np.uint8)
    strong = image > level + 0.45 * (darkest - level)
    count, components = cv2.connectedComponents(weak, connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[components[strong]] = True
    keep[0] = False
    return _with_fading_strokes(image, keep[components], paper, contrast)


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
    count, components = cv2.connectedComponents((ink | fading).astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[components[cv2.dilate(ink.astype(np.uint8), around) > 0]] = True
    keep[0] = False
    return np.asarray(keep[components])


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


def _luminance(image: Image) -> Image:
    return image if image.ndim == 2 else Grayscale().apply(image)


def _shrunk(image: Image, longest_px: int) -> Image:
    """At most `longest_px` on the longer side, for estimates that need no detail."""
    scale = longest_px / max(image.shape)
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
