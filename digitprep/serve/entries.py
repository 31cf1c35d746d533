"""What a person says of a photo: what each digit is, where it is, and whether to leave it out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from digitprep.errors import UsageError

Box = tuple[int, int, int, int]

# A photo of one digit has one sample, ""; of a page's, row and place are the names; "b1" was boxed by hand.
KEY = re.compile(r"(r\d{1,3}-c\d{2,3}|b\d{1,3})?", re.ASCII)
MOST_SAMPLES = 1000
LONGEST_SIDE_PX = 100_000
CLASSES = 10


@dataclass(frozen=True)
class Sample:
    """What a person said of one digit.

    label: what it is, if that was said
    box: (x, y, width, height) in pixels of the upright photo, if it was drawn by hand
    rejected: whether it is to be left out
    """

    label: int | None = None
    box: Box | None = None
    rejected: bool = False


@dataclass(frozen=True)
class Photo:
    """A photo of a project.

    name: what it was called where it came from
    file: what it is called in the project's folder
    many: whether it is a page of digits
    samples: what was said of its digits, by key; of those that are missing nothing was said
    """

    id: int
    name: str
    file: str
    sha256: str
    revision: int
    many: bool = False
    samples: dict[str, Sample] = field(default_factory=dict)

    def sample(self, key: str) -> Sample:
        """What was said of one of its digits."""
        return self.samples.get(key, Sample())

    @property
    def boxes(self) -> dict[str, Box]:
        """The boxes that were drawn by hand on the photo as it is read now, by key."""
        return {
            key: sample.box
            for key, sample in self.samples.items()
            if sample.box is not None and bool(key) == self.many
        }

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def photo_from(value: Mapping[str, Any]) -> Photo:
    """The photo that `to_dict` described. Raises ValueError, KeyError or TypeError where it does not."""
    file = str(value["file"])
    if not re.fullmatch(r"\d+\.[a-z]+", file, re.ASCII):
        raise UsageError(f"{file!r} is no name of a photo in a project")
    return Photo(
        id=int(value["id"]),
        name=str(value["name"]),
        file=file,
        sha256=str(value["sha256"]),
        revision=int(value["revision"]),
        many=bool(value["many"]),
        samples={checked_key(key): changed(Sample(), sample) for key, sample in value["samples"].items()},
    )


def sample_changes(photo: Photo, changes: Mapping[str, Any]) -> Photo:
    """A photo with changes as they were sent: `many`, and `samples` by key; what is not named stays.

    Raises UsageError for anything else.
    """
    many, samples = changes.get("many", photo.many), changes.get("samples") or {}
    if not isinstance(many, bool) or not isinstance(samples, dict):
        raise UsageError("a change to a photo is `many`, true or false, and `samples` by their keys")
    kept = dict(photo.samples)
    for key, change in samples.items():
        sample = changed(kept.get(checked_key(key), Sample()), change)
        if sample == Sample() or (key.startswith("b") and sample.box is None):
            kept.pop(key, None)
        else:
            kept[key] = sample
    if len(kept) > MOST_SAMPLES:
        raise UsageError(f"at most {MOST_SAMPLES} digits of a photo can be spoken of")
    return replace(photo, many=many, samples=kept)


def changed(sample: Sample, change: Any) -> Sample:
    """A sample with what is said of it now. Raises UsageError for what cannot be said."""
    if not isinstance(change, dict) or not set(change) <= {"label", "box", "rejected"}:
        raise UsageError(f"of a digit can be said label, box and rejected, found {change!r:.200}")
    label, box = change.get("label", sample.label), change.get("box", sample.box)
    rejected = change.get("rejected", sample.rejected)
    if label is not None and (type(label) is not int or not 0 <= label < CLASSES):
        raise UsageError(f"a label is a whole number from 0 to {CLASSES - 1}, found {label!r:.200}")
    if not isinstance(rejected, bool):
        raise UsageError(f"rejected is true or false, found {rejected!r:.200}")
    return Sample(label, None if box is None else _box(box), rejected)


def checked_key(key: Any) -> str:
    """What a sample is called. Raises UsageError where none is called so."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise UsageError(f"no digit is called {key!r:.200}")
    return key


def _box(value: Any) -> Box:
    whole = isinstance(value, list | tuple) and len(value) == 4 and all(type(side) is int for side in value)
    if not whole or min(value[:2]) < 0 or min(value[2:]) < 1 or max(value) > LONGEST_SIDE_PX:
        raise UsageError(f"a box is [x, y, width, height] in whole pixels of the photo, found {value!r:.200}")
    x, y, width, height = value
    return x, y, width, height
