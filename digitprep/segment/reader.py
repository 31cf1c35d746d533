"""A photo of a page -> the digits that a network reads on it: `read_page`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitprep.acceptance import gate_for
from digitprep.dataset import Images
from digitprep.errors import ModelError
from digitprep.segment.page import Page, segment
from digitprep.segment.reading import Judge
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
    page = segment(photo, _judge(net))
    digits, confidences = net.predict(np.stack([digit.image for digit in page.digits]))
    read = tuple(
        ReadDigit(int(digit), float(confidence))
        for digit, confidence in zip(digits, confidences, strict=True)
    )
    return Reading(page, read, page.text([net.class_names[digit.digit] for digit in read]))


def _judge(net: Classifier) -> Judge:
    """What `net` finds likely, where its gate takes the ink for a digit at all, not for a part or for two."""
    gate = gate_for(net)
    if gate is None:
        return net.probabilities

    def judge(images: Images) -> NDArray[np.float32]:
        digit = gate.probabilities(images)[:, : net.classes].sum(axis=1, keepdims=True)
        return np.asarray(net.probabilities(images) * digit, dtype=np.float32)

    return judge
