"""A page on every photo that was cleaned: before and after, what was found and read, the doubtful first."""

from __future__ import annotations

import base64
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.batch import Cleaned
from digitprep.opencv import cv2
from digitprep.report.html import picture_uri, write_page
from digitprep.shrink import shrunk

# As large as photos are shown, 4 times an image of MNIST's. Ten thousand of them, with all that is said of
# each, make a page of about 40 MB; the bound on each keeps it under 60 MB whatever they show.
THUMBNAIL_PX, THUMBNAIL_BYTES, QUALITIES = 112, 3000, (70, 45, 20, 5)

# What a photo is shown under, the first that is true of it; and what that means.
GROUPS = {
    "doubtful": ("Doubtful", "It is doubtful whether they show one digit; they are in the dataset."),
    "otherwise": ("Read otherwise", "The network reads something else than the label says."),
    "unlike": (
        "Unlike MNIST's",
        "A network that was trained on MNIST has seen no such images.",
    ),
    "rejected": ("Rejected", "Nothing could be made of them; they are not in the dataset."),
    "others": ("Nothing to remark", "Those that the network is least sure of come first."),
}
ORDER = list(GROUPS)


class PhotoPage:
    """Hears of every photo, keeps what is to be shown of it on the disk, and writes the page at the end."""

    def __init__(self) -> None:
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `write`, or with the object)
        self._places: list[tuple[int, float, int]] = []  # group, confidence, where it begins in the spool
        self._end = 0
        self._labels: Counter[int] = Counter()
        self._digits: Counter[int] = Counter()

    def add(self, cleaned: Cleaned, unlike: Sequence[str] = ()) -> None:
        """Keep what is to be shown of a photo; `unlike` says in what its image is not like MNIST's."""
        accepted = cleaned.image is not None
        if accepted:
            self._labels.update([] if cleaned.label is None else [cleaned.label])
            self._digits.update([] if cleaned.digit is None else [cleaned.digit])
        shown = {
            "name": str(cleaned.photo),
            "before": None if cleaned.thumbnail is None else thumbnail_uri(cleaned.thumbnail),
            "after": None if cleaned.image is None else picture_uri(cleaned.image),
            "label": cleaned.label,
            "digit": cleaned.digit,
            "confidence": cleaned.confidence,
            "remarks": [*filter(None, [cleaned.doubt if accepted else cleaned.reason or ""]), *unlike],
            "decisions": cleaned.decisions,
        }
        group = ORDER.index(_group(cleaned, unlike))
        self._places.append((group, -1.0 if cleaned.confidence is None else cleaned.confidence, self._end))
        self._end += self._spool.write(json.dumps(shown).encode() + b"\n")

    def write(self, file: Path, title: str, facts: Mapping[str, str]) -> None:
        """The page, with facts on the run by name; the same photos and facts give the same bytes.

        Raises MissingExtra without jinja2.
        """
        counts = Counter(ORDER[group] for group, _, _ in self._places)
        groups = [
            {"key": key, "title": title, "said": said, "count": counts[key], "photos": self._shown(key)}
            for key, (title, said) in GROUPS.items()
            if counts[key]
        ]
        write_page(
            file,
            "photos.html",
            title=title,
            facts=facts,
            groups=groups,
            photos=len(self._places),
            images=len(self._places) - counts["rejected"],
            labels=self._histogram(),
        )
        self._spool.close()

    def _shown(self, key: str) -> Iterator[dict[str, Any]]:
        """What is shown of the photos of a group, the least sure first."""
        for group, _, start in sorted(self._places):
            if ORDER[group] == key:
                self._spool.seek(start)
                yield json.loads(self._spool.readline())

    def _histogram(self) -> list[dict[str, Any]]:
        """How many images have a label, and how many are read as it."""
        most = max([*self._labels.values(), *self._digits.values()], default=1)
        return [
            {
                "label": label,
                "labelled": self._labels[label] if self._labels else None,
                "read": self._digits[label] if self._digits else None,
                "labelled_width": self._labels[label] / most,
                "read_width": self._digits[label] / most,
            }
            for label in sorted(self._labels | self._digits)
        ]


def _group(cleaned: Cleaned, unlike: Sequence[str]) -> str:
    if cleaned.image is None:
        return "rejected"
    if cleaned.doubt:
        return "doubtful"
    if None not in (cleaned.label, cleaned.digit) and cleaned.label != cleaned.digit:
        return "otherwise"
    return "unlike" if unlike else "others"


def thumbnail_uri(pixels: NDArray[np.uint8]) -> str:
    """(H, W) or (H, W, 3) uint8 -> a small JPEG as a data URI, of at most THUMBNAIL_BYTES before that."""
    pixels = shrunk(pixels, THUMBNAIL_PX, cv2.INTER_LINEAR)
    if pixels.ndim == 3:
        pixels = pixels[..., ::-1]  # OpenCV's order
    for quality in QUALITIES:
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) <= THUMBNAIL_BYTES:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
