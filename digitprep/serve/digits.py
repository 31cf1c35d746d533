"""What is made of each digit of a photo: its image, what is read in it, and what speaks against that.

A process that asks for this keeps the pixels of the last photos, and the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitprep.acceptance import gate_for, verdicts
from digitprep.errors import DataError, StepError
from digitprep.limits import Limits
from digitprep.nn import load_model
from digitprep.nn.engines import Classifier, mismatch
from digitprep.opencv import in_memory_of
from digitprep.photos import LONGEST_PX, Photo, decode_photo
from digitprep.pipeline import Pipeline, Traced
from digitprep.segment.paper import FINEST_PX
from digitprep.segment.reader import Reading, read_page
from digitprep.segment.reading import over_turns
from digitprep.segment.samples import places_of
from digitprep.serve.entries import Box
from digitprep.sources import read_bytes

Image = NDArray[np.uint8]

KEPT_PHOTOS = 8  # whose pixels a process keeps: 3 MB each, of a page 27 MB
BOX_MARGIN = 0.15  # of a box's longer side: the paper around a digit tells its tone


@dataclass(frozen=True)
class Task:
    """A photo, and how it is to be looked at.

    pipeline: as text; many: whether it is a page of digits
    boxes: those that were drawn by hand, by the sample's key
    model: the file of the network that reads; the bundled one without it
    limits: of the photo's file
    """

    photo: Path
    name: str
    pipeline: str
    many: bool
    boxes: tuple[tuple[str, Box], ...]
    model: Path | None
    limits: Limits


@dataclass(frozen=True, eq=False)
class Found:
    """What was made of one digit: its image, what is read in it, and what speaks against that.

    probabilities: (classes,), of each class; reason: why there is no image, or why it was not read
    """

    key: str
    box: Box | None = None
    image: Image | None = None
    part: Image | None = None
    digit: int | None = None
    probabilities: NDArray[np.float32] | None = None
    doubt: str | None = None
    reason: str | None = None


def digits_of(task: Task) -> list[Found]:
    """Each digit of a photo, in reading order, those behind that were added by hand.

    Raises DataError for a file that is no image, StepError for a page on which there is nothing to read.
    """
    photo, net = decoded(task), _network(task.model)
    with in_memory_of(task.name):
        if not task.many:
            return [digit_of(task, "")]
        reading, boxes = _read(task), dict(task.boxes)
        on_page = _of_page(photo, reading, net) if reading else []
        found = [digit_of(task, one.key) if one.key in boxes else one for one in on_page]
        known = {one.key for one in found}
        return found + [digit_of(task, key) for key in sorted(boxes) if key not in known]


def digit_of(task: Task, key: str, seen: Callable[[Traced], None] | None = None) -> Found:
    """What the pipeline makes of a photo, or of the part in the box that was drawn by hand.

    Raises DataError for a file that is no image.
    """
    photo, net, box = decoded(task), _network(task.model), dict(task.boxes).get(key)
    pixels = photo.pixels if box is None else _part(photo, box)
    part = None if box is None else pixels
    try:
        located = Pipeline.parse(task.pipeline).locate(pixels, seen=seen)
    except StepError as error:
        return Found(key, box, part=part, reason=str(error))
    found = Found(key, box or photo.in_full(located.box), located.image, part, doubt=located.doubt or None)
    if reason := mismatch(located.image.shape, net):
        return replace(found, reason=reason)
    shares = net.probabilities(located.image[None])
    (verdict,) = verdicts(located.image[None], shares, net.class_names, gate_for(net))
    doubt = found.doubt or verdict.reason
    return replace(found, digit=verdict.digit, probabilities=shares[0], doubt=doubt)


def decoded(task: Task) -> Photo:
    """The photo's pixels. Raises DataError for a file that is no image."""
    return _pixels(task.photo, task.name, FINEST_PX if task.many else LONGEST_PX, task.limits)


def _of_page(photo: Photo, reading: Reading, net: Classifier) -> Iterable[Found]:
    """The digits that were found on a page, named after row and place."""
    digits = reading.page.digits
    shares = over_turns(np.stack([digit.image for digit in digits]), net.probabilities)
    places = places_of(reading.page)
    for digit, said, share, place in zip(digits, reading.digits, shares, places, strict=True):
        box = photo.in_full(digit.box)
        yield Found(
            place,
            box,
            digit.image,
            _part(photo, box),
            said.digit,
            share,
            said.reason,
        )


def _read(task: Task) -> Reading | None:
    """What is read on a page; None where nothing is, and somebody has drawn boxes."""
    try:
        return _page(task.photo, task.name, task.limits, task.model)
    except StepError:
        if task.boxes:
            return None
        raise


@lru_cache(maxsize=KEPT_PHOTOS)
def _page(photo: Path, name: str, limits: Limits, model: Path | None) -> Reading:
    return read_page(_network(model), _pixels(photo, name, FINEST_PX, limits).pixels)


def _part(photo: Photo, box: Box) -> Image:
    """What a photo shows in a box of the full photo, and a little around it."""
    across, down = photo.pixels.shape[1] / photo.width_px, photo.pixels.shape[0] / photo.height_px
    x, y, width, height = box
    margin = BOX_MARGIN * max(width, height)
    left, top = max(0, round((x - margin) * across)), max(0, round((y - margin) * down))
    right, bottom = round((x + width + margin) * across), round((y + height + margin) * down)
    # A box beyond the photo's edge is of its last pixels.
    left, top = min(left, photo.pixels.shape[1] - 1), min(top, photo.pixels.shape[0] - 1)
    return photo.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


@lru_cache(maxsize=KEPT_PHOTOS)
def _pixels(photo: Path, name: str, longest_px: int, limits: Limits) -> Photo:
    try:
        data = read_bytes(photo, limits.bytes)
    except DataError as error:  # by the name that a person knows it by
        raise DataError(str(error).replace(str(photo), name)) from error
    with in_memory_of(name):
        return decode_photo(data, name, longest_px, limits)


@lru_cache(maxsize=4)
def _network(file: Path | None) -> Classifier:
    return load_model(file)
