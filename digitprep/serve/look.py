"""What there is to see of a photo: what is read in it, and what every step makes of it.

These functions run in processes of their own, which keep the pixels of the last photos and their network, and
give plain values, ready for JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.acceptance import gate_for, verdicts
from digitprep.conformance import check, checkable
from digitprep.errors import DataError, StepError
from digitprep.formats.png import encode_png
from digitprep.limits import Limits
from digitprep.nn import load_model
from digitprep.nn.engines import Classifier, mismatch
from digitprep.opencv import cv2, in_memory_of
from digitprep.photos import LONGEST_PX, Photo, decode_photo
from digitprep.pipeline import Pipeline, Traced
from digitprep.report.html import png_uri
from digitprep.report.photos import thumbnail_uri
from digitprep.segment.paper import FINEST_PX
from digitprep.segment.reader import Reading, read_page
from digitprep.segment.reading import over_turns
from digitprep.segment.samples import places_of
from digitprep.serve.entries import Box
from digitprep.shrink import shrunk
from digitprep.sources import read_bytes
from digitprep.spec import spec_name

Image = NDArray[np.uint8]

KEPT_PHOTOS = 8  # whose pixels a process keeps: 3 MB each, of a page 27 MB
PANEL_PX = 240  # as large as the images of the steps are shown
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


@dataclass(frozen=True, eq=False)
class Look:
    """What is read in a photo.

    told: ready for JSON
    images: those of its digits that have one, by key
    """

    told: dict[str, Any]
    images: dict[str, Image]


def look(task: Task) -> Look:
    """What is read in a photo: its size, a thumbnail, and each of its digits.

    Raises DataError for a file that is no image.
    """
    photo = _decoded(task)
    found, reason = [], None
    try:
        found = digits_of(task)
    except StepError as error:
        reason = str(error)
    told = {
        "width": photo.width_px,
        "height": photo.height_px,
        "thumbnail": thumbnail_uri(photo.pixels),
        "reason": reason,
        "samples": [shown(one) for one in found],
    }
    return Look(told, {one.key: one.image for one in found if one.image is not None})


def digits_of(task: Task) -> list[Found]:
    """Each digit of a photo, in reading order, those behind that were added by hand.

    Raises DataError for a file that is no image, StepError for a page on which there is nothing to read.
    """
    photo, boxes, net = _decoded(task), dict(task.boxes), _network(task.model)
    with in_memory_of(task.name):
        if not task.many:
            return [_boxed(task, photo, "", boxes.get(""), net)]
        reading = _read(task)
        on_page = _of_page(photo, reading, net) if reading else []
        found = [
            _boxed(task, photo, one.key, boxes[one.key], net) if one.key in boxes else one for one in on_page
        ]
        known = {one.key for one in found}
        return found + [
            _boxed(task, photo, key, box, net) for key, box in sorted(boxes.items()) if key not in known
        ]


def steps_of(task: Task, key: str) -> dict[str, Any]:
    """What every step makes of one digit, as far as they come; of a page's own digits its part alone."""
    photo, net = _decoded(task), _network(task.model)
    box = dict(task.boxes).get(key)
    panels: list[dict[str, Any]] = []
    if task.many and box is None:
        found = next((one for one in digits_of(task) if one.key == key), None)
        if found and found.part is not None:
            panels.append(_panel(Traced(None, found.part)))
    else:
        with in_memory_of(task.name):
            found = _boxed(task, photo, key, box, net, lambda moment: panels.append(_panel(moment)))
    reason = found.reason if found and found.image is None else None
    return {"panels": panels, "reason": reason, "sample": found and shown(found), "text": task.pipeline}


def picture(task: Task) -> bytes:
    """The upright photo as a JPEG, its longer side LONGEST_PX at most."""
    pixels = shrunk(_decoded(task).pixels, LONGEST_PX)
    encoded: Image = cv2.imencode(".jpg", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1]
    return encoded.tobytes()


def shown(found: Found) -> dict[str, Any]:
    """One digit, ready for JSON."""
    image = found.image
    like = image is not None and checkable(image[None])
    shares = (
        None if found.probabilities is None else [round(float(share), 4) for share in found.probabilities]
    )
    return {
        "key": found.key,
        "box": found.box,
        "image": None if image is None else png_uri(encode_png(shrunk(image, PANEL_PX))),
        "digit": found.digit,
        "confidence": None if shares is None or found.digit is None else shares[found.digit],
        "probabilities": shares,
        "doubt": found.doubt,
        "unlike": list(check(image).reasons) if like and image is not None else [],
        "reason": found.reason,
        "thumbnail": None if found.part is None else thumbnail_uri(found.part),
    }


def _boxed(
    task: Task,
    photo: Photo,
    key: str,
    box: Box | None,
    net: Classifier,
    seen: Callable[[Traced], None] | None = None,
) -> Found:
    """What the pipeline makes of a photo, or of the part in a box."""
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


def _decoded(task: Task) -> Photo:
    """The photo's pixels. Raises DataError for a file that is no image."""
    return _pixels(task.photo, task.name, FINEST_PX if task.many else LONGEST_PX, task.limits)


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


def _panel(moment: Traced) -> dict[str, Any]:
    """What a step left, ready for JSON."""
    return {
        "title": str(moment.step or ""),
        "name": spec_name(type(moment.step)) if moment.step else "",
        "decision": moment.decision,
        "picture": png_uri(encode_png(shrunk(moment.image, PANEL_PX))),
    }
