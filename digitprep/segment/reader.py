"""A photo of a page -> the digits that a network reads on it: `read_page`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitprep.errors import ModelError
from digitprep.segment.page import Page, segment
from digitprep.steps.base import Image

if TYPE_CHECKING:
    from digitprep.nn.engines import Classifier


@dataclass(frozen=True)
class ReadDigit:
    """What a network says of one digit: its class, and the probability of that."""

    digit: int
    confidence: float


@dataclass(frozen=True, eq=False)
class Reading:
    """A page, what each of its digits is read as, in the same order, and all of it as text."""

    page: Page
    digits: tuple[ReadDigit, ...]
    text: str


def read_page(net: Classifier, photo: Image) -> Reading:
    """(H, W[, 3]) uint8 -> all digits on the page, as `net` reads them.

    Raises StepError where there is nothing to read, ModelError where the network does not take images
    of (28, 28).
    """
    if tuple(net.image_shape) != (28, 28):
        raise ModelError(
            f"pages are read by networks for images of (28, 28), found one for {net.image_shape}"
        )
    page = segment(photo, net.probabilities)
    digits, confidences = net.predict(np.stack([digit.image for digit in page.digits]))
    read = tuple(
        ReadDigit(int(digit), float(confidence))
        for digit, confidence in zip(digits, confidences, strict=True)
    )
    return Reading(page, read, page.text([net.class_names[digit.digit] for digit in read]))
