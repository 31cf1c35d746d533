"""Steps that change how bright things are: grey, polarity, light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from digitprep.opencv import cv2
from digitprep.shrink import shrunk
from digitprep.steps.base import STEPS, Image, Share, Step

# The ground is looked for in a photo of this size, on its longer side, and there softened by a standard
# deviation of SOFT_PX and darkened for EDGE_PX around.
GROUND_PX, SOFT_PX, EDGE_PX = 200, 1, 2

# Under even light nearly all of the border is paper, and either tone is narrow beside their difference.
EVEN_BORDER, EVEN_TONES = 0.9, 0.25


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

    To tell which, it asks the border first, which is nearly always ground, and where that is mixed, on
    which side of the local ground the outliers lie. Source: our own.

    when: "auto" leaves bright ink on a dark ground as it is
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
    it. Where the light is even, no stroke is too wide for that.
    Source: our own, by the closing of Serra, Image Analysis and Mathematical Morphology, 1982.

    size: the diameter of the closing as a share of the shorter side: larger than a stroke is wide,
        smaller than a shadow
    """

    size: Share = 0.3

    def apply(self, image: Image) -> Image:
        paper = 255 - image
        small = shrunk(paper, GROUND_PX)
        diameter = max(3, int(self.size * min(small.shape))) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
        ground = np.maximum(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), _even_paper(small))
        # The edge of a hard shadow would stand out as a line from a ground that passes smoothly under
        # it; so the ground is hardly softened, and the shadow's reaches out over the edge.
        ground = cv2.GaussianBlur(ground, (0, 0), SOFT_PX)
        ground = cv2.erode(ground, np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8))
        ground = cv2.resize(ground, image.shape[::-1], interpolation=cv2.INTER_LINEAR)
        even = np.minimum(paper.astype(np.float32) / np.maximum(ground, 1), 1)
        return np.asarray(np.rint(255 - even * 255), dtype=np.uint8)

    def decision(self, before: Image, after: Image) -> str:
        # Of every fourth row, by a histogram: sorting all pixels would take as long as the step itself.
        taken = cv2.calcHist([cv2.subtract(before[::4], after[::4])], [0], None, [256], [0, 256]).cumsum()
        least, most = np.searchsorted(taken, (0.01 * taken[-1], 0.99 * taken[-1]))
        return f"took {least} to {most} of 255 levels off"


@STEPS.register
@dataclass(frozen=True)
class Brighten(Step):
    """(H, W) -> (H, W): scaled so that the brightest pixel is 255; an empty image stays empty.

    Source: by definition.
    """

    def apply(self, image: Image) -> Image:
        brightest = max(int(image.max()), 1)
        return np.asarray(np.floor(image * 255.0 / brightest + 0.5), dtype=np.uint8)

    def decision(self, before: Image, after: Image) -> str:
        return f"brightest pixel {before.max()}, now {after.max()}"


def ink_is_dark(image: Image) -> bool:
    """Whether the ink of an (H, W) photo is darker than its ground.

    The border, 4 % of the sides, counts where nearly all of it lies on one side of Otsu's level.
    Otherwise a large median stands for the ground, and the side with the heavier tail is ink.
    """
    small = shrunk(image, 128)
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


def _even_paper(paper: Image) -> int:
    """How dark paper under even light gets anywhere, 0..255; 0 where the light may be uneven.

    It is even where the photo has two clearly different tones of which the darker one keeps off the
    border. Then a stroke that is wider than the closing, or a loop filled with ink, is no shadow.
    """
    bright = paper > otsu_level(paper)
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if border.mean() < EVEN_BORDER or bright.all():
        return 0
    # The darkest of the dark side counts: a digit in a shadow that keeps off the border is a third tone.
    dark_from, dark_to = np.percentile(paper[~bright], (1, 90))
    from_, to = np.percentile(paper[bright], (10, 90))
    gap = (from_ + to - dark_from - dark_to) / 2
    return int(from_) if max(dark_to - dark_from, to - from_) < EVEN_TONES * gap else 0


def otsu_level(image: Image) -> int:
    """The level that best splits the histogram of a uint8 image: the dark side is <= level."""
    return int(cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])


def _luminance(image: Image) -> Image:
    return image if image.ndim == 2 else Grayscale().apply(image)
