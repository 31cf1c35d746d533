"""A project: photos, and all that a person says of them, each change kept at once (see `storage`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitprep.errors import DigitprepError, UsageError
from digitprep.pipeline import Pipeline
from digitprep.recipes import recipe
from digitprep.serve.cards import Card, cards_for, cards_of, pipeline_of
from digitprep.serve.entries import Photo, sample_changes
from digitprep.serve.record import Before, Record
from digitprep.serve.storage import Storage, file_name, free_name, plain_name

if TYPE_CHECKING:
    from digitprep.nn import Model

# So many photos a page can show at once, and so many changes can be undone.
MOST_PHOTOS, MOST_UNDO = 2000, 100


class Conflict(DigitprepError):
    """What is asked for does not go with how things are now."""


class Project:
    """The project in a folder, which no other program may have open at the same time.

    Raises UsageError where the folder holds something else, DataError where its file is damaged,
    DigitprepError where another program has it open; that, too, at each change, where the disk refuses: then
    nothing is changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._storage = Storage(folder)
        try:
            self.record = self._storage.read() or self._begun()
            if self.trained_file and not self.trained_file.exists():
                self.record = replace(self.record, network="bundled", trained=None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another program open the folder; all changes are on the disk already."""
        self._storage.close()

    # What there is

    @property
    def photos(self) -> Mapping[int, Photo]:
        """The photos, by their numbers."""
        return self.record.photos

    @property
    def pipeline(self) -> Pipeline:
        """The steps that are switched on."""
        return pipeline_of(self.record.cards)

    @property
    def networks(self) -> list[str]:
        """The names of the networks that there are."""
        return ["bundled", *(["trained"] if self.record.trained else [])]

    @property
    def trained_file(self) -> Path | None:
        """The file of the network that was trained here, if one was."""
        return self.folder / self.record.trained if self.record.trained else None

    def file_of(self, network: str) -> Path | None:
        """The file of the network of that name, None for the bundled one. Raises UsageError for others."""
        if network not in self.networks:
            known = ", ".join(self.networks)
            raise UsageError(f"no network here is called {network!r:.100}; known: {known}")
        return self.trained_file if network == "trained" else None

    def path_of(self, photo: Photo) -> Path:
        """Where the bytes of a photo are."""
        return self._storage.photos / photo.file

    def photo(self, number: int) -> Photo:
        """The photo of that number. Raises UsageError where there is none."""
        if number not in self.photos:
            raise UsageError(f"there is no photo {number} in this project")
        return self.photos[number]

    def with_bytes(self, data: bytes) -> Photo | None:
        """The photo that these bytes are of, if it is there already."""
        digest = hashlib.sha256(data).hexdigest()
        return next((photo for photo in self.photos.values() if photo.sha256 == digest), None)

    def check_room(self) -> None:
        """Raise Conflict where the project has as many photos as it may have."""
        if len(self.photos) >= MOST_PHOTOS:
            raise Conflict(
                f"a project has at most {MOST_PHOTOS:,} photos; start another one, or use `digitprep clean`"
            )

    # What is done

    def add(self, name: str, data: bytes) -> Photo:
        """Keep a photo that was called so elsewhere. Raises Conflict as `check_room` does."""
        self.check_room()
        number = max(self.photos, default=0) + 1
        taken = {photo.name for photo in self.photos.values()}
        photo = Photo(
            id=number,
            name=free_name(plain_name(name) or f"photo {number}", taken),
            file=file_name(number, data),
            sha256=hashlib.sha256(data).hexdigest(),
            revision=self.record.revision + 1,
        )
        self._storage.add_photo(photo.file, data)
        self._keep(replace(self.record, photos={**self.photos, number: photo}))
        return photo

    def remove(self, photo: Photo) -> None:
        """Forget a photo that was just added, and turned out to be none."""
        left = {number: other for number, other in self.photos.items() if number != photo.id}
        self._keep(replace(self.record, photos=left))
        self._storage.remove_photo(photo.file)

    def change(self, number: int, revision: int, changes: Mapping[str, Any]) -> Photo:
        """A photo with what a person says of it now: `many`, and of `samples` label, box and rejection.

        revision: the photo's when that person looked at it

        Raises Conflict where it was changed since, UsageError for what cannot be said of a photo.
        """
        photo = self.photo(number)
        if revision != photo.revision:
            raise Conflict(f"{photo.name} was changed in another window; this is how it is now")
        return self._put([sample_changes(photo, changes)])[0]

    def label(self, labels: Mapping[int, Mapping[str, int]]) -> list[Photo]:
        """The photos with labels, by photo and key of the sample, in one change."""
        changed = [
            sample_changes(self.photo(number), {"samples": {k: {"label": v} for k, v in by_key.items()}})
            for number, by_key in labels.items()
        ]
        return self._put(changed) if changed else []

    def set_cards(self, revision: int, *, text: str | None = None, cards: Any = None) -> None:
        """Another pipeline, as text or as cards; steps that are off stay when a text is given.

        Raises Conflict where it was changed since `revision`, UsageError for what is no pipeline.
        """
        if revision != self.record.cards_revision:
            raise Conflict("the pipeline was changed in another window; this is how it is now")
        before = self.record.cards
        new = cards_of(cards) if text is None else cards_for(Pipeline.parse(text), before)
        pipeline_of(new)
        if new != before:
            self._put_cards(new, (*self.record.undo, Before(cards=before)))

    def set_network(self, name: str) -> None:
        """Which network reads from now on. Raises UsageError where there is none of that name."""
        self.file_of(name)
        self._keep(replace(self.record, network=name))

    def keep_trained(self, model: Model) -> None:
        """Keep a network that was trained on this project's photos, in the place of an earlier one.

        Its file has a name of its own, so that nobody takes it for that one.
        """
        before, name = self.trained_file, f"trained-{self.record.revision + 1}.npz"
        model.save(self.folder / name, overwrite=True)
        self._keep(replace(self.record, trained=name))
        if before:
            before.unlink(missing_ok=True)

    def undo(self) -> tuple[list[Photo], bool]:
        """Take the last change back: the photos that it was of, and whether it was of the pipeline.

        Raises Conflict where there is nothing to take back.
        """
        if not self.record.undo:
            raise Conflict("there is nothing to undo")
        *left, last = self.record.undo
        if last.cards:
            self._put_cards(last.cards, tuple(left))
            return [], True
        return self._put(last.photos, tuple(left)), False

    def _put(
        self, photos: list[Photo] | tuple[Photo, ...], undo: tuple[Before, ...] | None = None
    ) -> list[Photo]:
        """The photos in the place of what they were; `undo` is then, without it, to bring these back."""
        if undo is None:
            before = Before(tuple(self.photos[photo.id] for photo in photos))
            undo = (*self.record.undo, before)[-MOST_UNDO:]
        changed = [replace(photo, revision=self.record.revision + 1) for photo in photos]
        new = {photo.id: photo for photo in changed}
        self._keep(replace(self.record, photos={**self.photos, **new}, undo=undo))
        return changed

    def _put_cards(self, cards: tuple[Card, ...], undo: tuple[Before, ...]) -> None:
        revision = self.record.revision + 1
        self._keep(replace(self.record, cards=cards, cards_revision=revision, undo=undo[-MOST_UNDO:]))

    def _keep(self, record: Record) -> None:
        """Write the file, at once and whole: what a person was told is done outlives a crash."""
        record = replace(record, revision=self.record.revision + 1)
        self._storage.write(record)
        self.record = record

    def _begun(self) -> Record:
        record = Record(cards_for(recipe()))
        self._storage.write(record)
        return record
