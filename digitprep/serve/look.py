"""What there is to see of a photo: what is read in it, and what every step makes of it.

These functions run in processes of their own, which keep the pixels of the last photos and their network, and
give plain values, ready for JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digitprep.conformance import check, checkable
from digitprep.errors import StepError
from digitprep.formats.png import encode_png
from digitprep.opencv import cv2, in_memory_of
from digitprep.photos import LONGEST_PX
from digitprep.pipeline import Traced
from digitprep.report.html import png_uri
from digitprep.report.photos import thumbnail_uri
from digitprep.serve.digits import Found, Image, Task, decoded, digit_of, digits_of
from digitprep.shrink import shrunk
from digitprep.spec import spec_name

PANEL_PX = 240  # as large as the images of the steps are shown


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
    photo = decoded(task)
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


def steps_of(task: Task, key: str) -> dict[str, Any]:
    """What every step makes of one digit, as far as they come; of a page's own digits its part alone."""
    panels: list[dict[str, Any]] = []
    if task.many and key not in dict(task.boxes):
        found = next((one for one in digits_of(task) if one.key == key), None)
        if found and found.part is not None:
            panels.append(_panel(Traced(None, found.part)))
    else:
        with in_memory_of(task.name):
            found = digit_of(task, key, lambda moment: panels.append(_panel(moment)))
    reason = found.reason if found and found.image is None else None
    return {"panels": panels, "reason": reason, "sample": found and shown(found), "text": task.pipeline}


def picture(task: Task) -> bytes:
    """The upright photo as a JPEG, its longer side LONGEST_PX at most."""
    pixels = shrunk(decoded(task).pixels, LONGEST_PX)
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


def _panel(moment: Traced) -> dict[str, Any]:
    """What a step left, ready for JSON."""
    return {
        "title": str(moment.step or ""),
        "name": spec_name(type(moment.step)) if moment.step else "",
        "decision": moment.decision,
        "picture": png_uri(encode_png(shrunk(moment.image, PANEL_PX))),
    }
