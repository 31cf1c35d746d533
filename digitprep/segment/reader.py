"""A photo of a page -> the digits that a network reads on it: `read_page`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitprep.acceptance import doubt, gate_for
from digitprep.dataset import Images
from digitprep.errors import ModelError
from digitprep.segment.page import Digit, Page, segment
from digitprep.segment.reading import Judge, over_turns
from digitprep.steps.base import Image

if TYPE_CHECKING:
    from digitprep.nn.engines import Classifier

# A digit of a page is doubtful with less than this from the gate, or from the network, or where it is lower
# or higher than the middle one by these factors. Of 3,516 digits read right on drawn pages, real ones and
# pages of strangers' digits, that doubts 1.1 %; of 61 read wrong, 56 %.
LEAST_GATE, LEAST_CONFIDENCE = 0.05, 0.7
LOW, HIGH = 0.55, 1.6

# So many doubtful digits of a page are named.
MOST_NAMED = 3


@dataclass(frozen=True)
class ReadDigit:
    """What a network says of one digit of a page.

    digit: the number of its class
    confidence: the probability of that, 0..1
    reason: why it is doubtful; None where it is accepted
    """

    digit: int
    confidence: float
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Reading:
    """A page, what each of its digits is read as, in the same order, and all of it as text.

    page: the digits as they were found
    digits: what each of them is read as
    text: row by row, with a blank between rows and between groups
    reason: which digits are doubtful, why, and what to do; None where all are accepted
    """

    page: Page
    digits: tuple[ReadDigit, ...]
    text: str
    reason: str | None = None


def read_page(net: Classifier, photo: Image) -> Reading:
    """(H, W[, 3]) uint8 -> all digits on the page, as `net` reads them.

    What a digit is, and how likely, is the mean over its image and the same turned a little.

    Raises StepError where there is nothing to read, ModelError where the network does not take images
    of (28, 28).
    """
    if tuple(net.image_shape) != (28, 28):
        raise ModelError(
            f"pages are read by networks for images of (28, 28), found one for {net.image_shape}"
        )
    page = segment(photo, _judge(net))
    read = _read(net, page)
    names = [net.class_names[digit.digit] for digit in read]
    return Reading(page, read, page.text(names), _reason(page, read, names))


def _judge(net: Classifier) -> Judge:
    """What `net` finds likely, where its gate takes the ink for a digit at all, not for a part or for two."""
    gate = gate_for(net)
    if gate is None:
        return net.probabilities

    def judge(images: Images) -> NDArray[np.float32]:
        digit = gate.probabilities(images)[:, : net.classes].sum(axis=1, keepdims=True)
        return np.asarray(net.probabilities(images) * digit, dtype=np.float32)

    return judge


def _read(net: Classifier, page: Page) -> tuple[ReadDigit, ...]:
    images, names = np.stack([digit.image for digit in page.digits]), tuple(net.class_names)
    gate = gate_for(net)
    shares = over_turns(images, net.probabilities)
    opinions = [None] * len(images) if gate is None else [*over_turns(images, gate.probabilities)]
    usual = float(np.median([_height(digit, page) for digit in page.digits]))
    read = []
    for digit, share, opinion in zip(page.digits, shares, opinions, strict=True):
        reason = doubt(share, opinion, names, LEAST_GATE, LEAST_CONFIDENCE)
        reason = reason or _odd_size(_height(digit, page) / usual)
        what = reason and reason.partition(";")[0]  # what to do is said once for the page
        read.append(ReadDigit(int(share.argmax()), float(share.max()), what))
    return tuple(read)


def _height(digit: Digit, page: Page) -> int:
    """How high a digit is in px once the page is upright."""
    return digit.box[2 if page.quarter_turns % 2 else 3]


def _odd_size(share: float) -> str | None:
    if LOW <= share <= HIGH:
        return None
    return f"it is {share:.1f} times as high as the others"


def _reason(page: Page, read: Sequence[ReadDigit], names: Sequence[str]) -> str | None:
    """Which digits are doubtful, by row and place, and why."""
    starts = [0, *(n for n, (a, b) in enumerate(pairwise(page.digits), 1) if b.row > a.row)]
    doubtful = [
        f"digit {number - starts[found.row] + 1} in row {found.row + 1}, read as {name}: {said.reason}"
        for number, (found, said, name) in enumerate(zip(page.digits, read, names, strict=True))
        if said.reason
    ]
    if not doubtful:
        return None
    named = doubtful[:MOST_NAMED]
    more = f", and {len(doubtful) - len(named)} more" if len(doubtful) > len(named) else ""
    return f"{'; '.join(named)}{more}; look there, write plainer, or take a closer photo"
