"""Is an image like MNIST's own, and if not, why: nine figures that a network relies on without saying so.

Of MNIST's 10,000 test images 98.5 % lie within all bounds, of what tutorials make of photos nearly none.
An image that does not may still be a digit: the check tells how far to trust what a network reads in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.errors import UsageError

SIDE_PX = 28

# From these levels on a pixel is part of a piece, and part of a stroke's full middle: MNIST's makers
# spread each pixel over 0.99 of its width, so that full ink reads 252 to 254, or 255 once scaled.
PIECE_LEVEL, FULL_LEVEL = 100, 252

HOW = "digitprep.prepare makes such images of photos, and a pipeline that ends with center"

AT_ONCE = 1000  # images: so many that NumPy is quick, so few that what is measured on them stays small


@dataclass(frozen=True)
class Invariant:
    """A figure of an image, the bounds that it has in MNIST, and what to do outside of them.

    figure: the field of `Conformance` that it is about
    name: the figure in words
    low, high: the bounds, which belong to it
    form, unit: how the figure is written
    too_low, too_high: what to do about a value outside of either
    """

    figure: str
    name: str
    low: float
    high: float
    form: str
    unit: str
    too_low: str
    too_high: str = ""

    def holds(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return self.low <= value <= self.high

    def reason(self, value: float) -> str:
        """The sentence for a value that is out of bounds."""
        advice = self.too_low if value < self.low else self.too_high
        bounds = f"{self.low:{self.form}} to {self.high:{self.form}}{self.unit}"
        return f"{self.name}: expected {bounds}, found {value:{self.form}}{self.unit}; {advice}"


_CENTRE = "put the ink's centre of mass into the middle with center"

INVARIANTS = (
    Invariant(
        "longer_side_px", "longer side", 18, 20, "d", " px",
        "the digit is too small: crop to its ink and resize(size=20)",
        "the digit is too large, or not all that is ink is digit: keep_digit, crop and resize(size=20)",
    ),
    Invariant("centre_row", "centre's row", 13.4, 14.6, ".2f", "", _CENTRE, _CENTRE),
    Invariant("centre_column", "centre's column", 13.4, 14.6, ".2f", "", _CENTRE, _CENTRE),
    Invariant(
        "peak", "brightest pixel", 250, 255, "d", "",
        "the ink is grey: scale it to 255 with brighten",
    ),
    Invariant(
        "mean", "mean", 0.035, 0.28, ".3f", "",
        "there is little ink: a thicker pen, or thicken before resize",
        "there is much ink: a thinner pen, or paper that is not 0 for want of a threshold",
    ),
    Invariant(
        "stroke_px", "stroke width", 1.1, 4.8, ".2f", " px",
        "the strokes are too thin: a thicker pen, or thicken before resize",
        "the strokes are too thick: a thinner pen, or paper taken for ink",
    ),
    Invariant(
        "components", "pieces of ink", 1, 2, "d", "",
        "nothing is dark enough to be a stroke",
        "a broken stroke, dirt, or more than one digit: keep_digit, or one photo a digit",
    ),
    Invariant(
        "zero_share", "empty pixels", 0.55, 1, ".1%", "",
        "the paper has to be 0: invert where the ink is dark, and use a threshold",
    ),
    Invariant(
        "grey_share", "grey share of the ink", 0.25, 0.97, ".1%", "",
        "the edges are hard: use the threshold first and resize by area after it",
        "the strokes have no full middle: a digit enlarged, out of focus or without a threshold",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Conformance:
    """What was measured on one (28, 28) image; all of it 0 where the image is empty, but `zero_share`.

    longer_side_px: of the tight box around all pixels above 0
    centre_row, centre_column: the centre of mass, in pixel indices; MNIST's lie around 14.0
    peak: the brightest pixel, 0..255
    mean: of the pixels, scaled to 0..1
    stroke_px: twice the ink over the length of its outline, both by grey levels: the outline's length
        is the image's total variation, which is the mean of its outlines' lengths at all levels
        (Fleming and Rishel, "An integral formula for total gradient variation", 1960). In MNIST's
        test images 1.4, 2.4 and 4.7 px at the 0.5th, 50th and 99.5th percentile.
    components: pieces of ink above level 100, diagonal neighbours joined
    zero_share: pixels that are exactly 0, of all
    grey_share: pixels from 1 to 251, of those above 0: the soft edges that resampling by area leaves
    """

    longer_side_px: int
    centre_row: float
    centre_column: float
    peak: int
    mean: float
    stroke_px: float
    components: int
    zero_share: float
    grey_share: float

    @property
    def passed(self) -> bool:
        """Whether every figure is within its bounds."""
        return not self.failed

    @property
    def failed(self) -> tuple[Invariant, ...]:
        """The invariants that do not hold, in the order of `INVARIANTS`."""
        return tuple(entry for entry in INVARIANTS if not entry.holds(getattr(self, entry.figure)))

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each invariant that does not hold: expected, found, what to do."""
        if not self.peak:
            return ("the image is empty, there is no ink",)
        return tuple(entry.reason(getattr(self, entry.figure)) for entry in self.failed)


def check(image: NDArray[np.uint8]) -> Conformance:
    """(28, 28) uint8, 0 for paper -> its figures, and whether and why not they are like MNIST's.

    Raises UsageError for an image of another size or type.
    """
    return check_all(np.asarray(image)[None])[0]


def check_all(images: Images) -> list[Conformance]:
    """(N, 28, 28) uint8 -> as `check`, of each image; 10,000 take about a second.

    Raises UsageError for images of another size or type.
    """
    if not checkable(images):
        is_share = images.dtype.kind == "f" and images.shape[1:] == (SIDE_PX, SIDE_PX)
        advice = "(image * 255).round().astype('uint8') if it is from 0 to 1" if is_share else HOW
        raise UsageError(
            f"expected images of {(SIDE_PX, SIDE_PX)} uint8, 0 for paper and 255 for ink, "
            f"found {images.shape[1:]} {images.dtype}; {advice}"
        )
    return [
        one for start in range(0, len(images), AT_ONCE) for one in _measured(images[start : start + AT_ONCE])
    ]


def checkable(images: Images) -> bool:
    """Whether images are of MNIST's size and type, so that they can be checked."""
    return images.dtype == np.uint8 and images.shape[1:] == (SIDE_PX, SIDE_PX)


def likeness(checked: Iterable[Conformance]) -> dict[str, Any]:
    """Figures of many images -> `{"count": n, "passed": m, "failed": {invariant's name: images}}`.

    The invariants that fail most often come first.
    """
    checked = list(checked)
    failed = Counter(entry.name for one in checked for entry in one.failed)
    passed = sum(one.passed for one in checked)
    return {"count": len(checked), "passed": passed, "failed": dict(failed.most_common())}


def _measured(images: Images) -> list[Conformance]:
    """Every figure of some images at a time, each as the docstring of `Conformance` defines it."""
    ink: NDArray[np.bool_] = images > 0
    mass = images.sum(axis=(1, 2), dtype=np.float64)
    area = ink.sum(axis=(1, 2))
    some = np.maximum(mass, 1)
    place = np.arange(SIDE_PX)
    figures = {
        "longer_side_px": np.maximum(_extent(ink, 1), _extent(ink, 2)),
        "centre_row": images.sum(axis=2, dtype=np.float64) @ place / some,
        "centre_column": images.sum(axis=1, dtype=np.float64) @ place / some,
        "peak": images.max(axis=(1, 2)),
        "mean": mass / (255 * SIDE_PX**2),
        "stroke_px": 2 * mass / np.maximum(_total_variation(images), 1),
        "components": _components(images > PIECE_LEVEL),
        "zero_share": 1 - area / SIDE_PX**2,
        "grey_share": (ink & (images < FULL_LEVEL)).sum(axis=(1, 2)) / np.maximum(area, 1),
    }
    columns = zip(*(values.tolist() for values in figures.values()), strict=True)
    return [Conformance(**dict(zip(figures, values, strict=True))) for values in columns]


def _extent(ink: NDArray[np.bool_], axis: int) -> NDArray[np.intp]:
    """(N, 28, 28) -> (N,): from the first to the last row or column with ink, both counted."""
    lines = np.asarray(ink.any(axis=axis))
    first, last = lines.argmax(axis=1), SIDE_PX - lines[:, ::-1].argmax(axis=1)
    return np.where(lines.any(axis=1), last - first, 0)


def _total_variation(images: Images) -> NDArray[np.float64]:
    """(N, 28, 28) -> (N,): the sum of the gradient's length, on a ground of 0."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    down, right = np.diff(padded[:, :, :-1], axis=1), np.diff(padded[:, :-1], axis=2)
    return np.asarray(np.sqrt(down**2 + right**2).sum(axis=(1, 2), dtype=np.float64))


def _components(strong: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N, 28, 28) -> (N,): the pieces of each image, diagonal neighbours joined.

    A row of an image is one whole number, a bit a pixel, so that one operation grows a row at a time.
    """
    left = np.asarray(strong.astype(np.uint32) @ (1 << np.arange(SIDE_PX, dtype=np.uint32)), dtype=np.uint32)
    count = np.zeros(len(strong), dtype=np.int64)
    while len(busy := np.flatnonzero(left.any(axis=1))):
        left[busy] &= ~_first_piece(left[busy])
        count[busy] += 1
    return count


def _first_piece(rows: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """(N, 28) rows of bits, none all 0 -> the bits of the piece that holds each image's first pixel."""
    image, row = np.arange(len(rows)), (rows > 0).argmax(axis=1)
    piece = np.zeros_like(rows)
    bit = np.uint32(1)
    piece[image, row] = rows[image, row] & (~rows[image, row] + bit)
    while True:
        wide = piece | piece << bit | piece >> bit
        grown = wide.copy()
        grown[:, 1:] |= wide[:, :-1]
        grown[:, :-1] |= wide[:, 1:]
        grown &= rows
        if np.array_equal(grown, piece):
            return piece
        piece = grown
