"""What a project's file holds: everything that was said of its photos, and how to take it back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from digitprep.errors import DataError
from digitprep.serve.cards import Card, cards_of
from digitprep.serve.entries import Photo, photo_from

FORMAT, VERSION = "digitprep project", 1


@dataclass(frozen=True)
class Before:
    """What a change has changed, as it was: some photos, or the pipeline."""

    photos: tuple[Photo, ...] = ()
    cards: tuple[Card, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"photos": _told(self.photos), "cards": _told(self.cards)}


@dataclass(frozen=True)
class Record:
    """One state of a project; a change makes another one.

    revision: grows with each change; what was changed last bears it
    cards: the steps of the pipeline, and which of them are on; cards_revision: when they were changed last
    network: which one reads, "bundled" or "trained"; trained: the file of that one, once there is one
    photos: by their numbers
    undo: what to take back, the last change last
    """

    cards: tuple[Card, ...]
    revision: int = 0
    cards_revision: int = 0
    network: str = "bundled"
    trained: str | None = None
    photos: Mapping[int, Photo] = field(default_factory=dict)
    undo: tuple[Before, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "revision": self.revision,
            "network": self.network,
            "trained": self.trained,
            "cards_revision": self.cards_revision,
            "cards": _told(self.cards),
            "photos": _told(self.photos.values()),
            "undo": _told(self.undo),
        }


def record_from(value: Any) -> Record:
    """The record that `to_dict` described.

    Raises DataError where it is of a later version, and ValueError, KeyError, TypeError or AttributeError
    where it describes none.
    """
    kind, version = value["format"], value["version"]
    if kind == FORMAT and isinstance(version, int) and version > VERSION:
        raise DataError(
            f"expected a project of version {VERSION}, found version {version}; a newer digitprep reads it"
        )
    if kind != FORMAT or version != VERSION:
        raise ValueError(f"{kind!r} of version {version!r}")
    network, trained = value["network"], value["trained"]
    if trained is not None and not re.fullmatch(r"trained-\d+\.npz", trained, re.ASCII):
        raise ValueError(f"a network in a file called {trained!r}")
    if network not in ("bundled", "trained") or (network == "trained" and trained is None):
        raise ValueError(f"a network called {network!r}")
    return Record(
        cards=tuple(cards_of(value["cards"])),
        revision=int(value["revision"]),
        cards_revision=int(value["cards_revision"]),
        network=network,
        trained=trained,
        photos={photo.id: photo for photo in map(photo_from, value["photos"])},
        undo=tuple(
            Before(tuple(map(photo_from, before["photos"])), tuple(cards_of(before["cards"])))
            for before in value["undo"]
        ),
    )


def _told(values: Any) -> list[dict[str, Any]]:
    return [value.to_dict() for value in values]
