"""Photos are looked at in two processes: one for what a person waits for, one for all the others in turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from digitprep.errors import DataError, DigitprepError
from digitprep.limits import LIMITS, Limits
from digitprep.serve.cards import Card, pipeline_of
from digitprep.serve.digits import Task
from digitprep.serve.entries import Photo
from digitprep.serve.events import Events
from digitprep.serve.look import Look, look
from digitprep.serve.project import Project
from digitprep.workers import ProcessPool, in_order

LOG = logging.getLogger("digitprep.serve")

Result = TypeVar("Result")

# What a photo may take: a page of hundreds of digits takes some seconds.
SECONDS, MEMORY_BYTES = 60.0, 3_000_000_000


class Gone(DigitprepError):
    """Nobody waits for the answer any more."""


class Worker:
    """A process that does one thing at a time, in the order in which it is asked."""

    def __init__(self) -> None:
        self._pool = ProcessPool(1, SECONDS, MEMORY_BYTES)
        self._turn = asyncio.Lock()

    async def do(
        self,
        function: Callable[[Task], Result],
        task: Task,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> Result:
        """What a function makes of a task.

        gone: asked when it is its turn, whether nobody waits for it any more; raises Gone then

        Raises what the function raises, and DataError for a task that costs the process.
        """
        async with self._turn:
            if gone and await gone():
                raise Gone("nobody waits for this any more")
            return await asyncio.to_thread(self._done, function, task)

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, function: Callable[[Task], Result], task: Task) -> Result:
        result: Result = next(in_order(function, [task], self._pool, _lost))
        return result


def _lost(task: Task, reason: str) -> Any:
    raise DataError(f"{task.name}: {reason}")


class Looks:
    """What is read in each photo of a project, kept as long as neither it nor the pipeline changes."""

    def __init__(self, project: Project, events: Events, limits: Limits = LIMITS) -> None:
        self.project, self.events, self.limits = project, events, limits
        self.at_once, self.in_turn = Worker(), Worker()
        self._looks: dict[int, tuple[Task, Look]] = {}
        self._changed, self._idle = asyncio.Event(), asyncio.Event()
        self._seen: tuple[Any, tuple[str, Path | None]] | None = None

    def task(self, photo: Photo, cards: tuple[Card, ...] | None = None) -> Task:
        """How a photo is to be looked at now, or with other steps."""
        pipeline, model = self._how()
        return Task(
            photo=self.project.path_of(photo),
            name=photo.name,
            pipeline=pipeline if cards is None else str(pipeline_of(cards)),
            many=photo.many,
            boxes=tuple(sorted(photo.boxes.items())),
            model=model,
            limits=self.limits,
        )

    def _how(self) -> tuple[str, Path | None]:
        """The pipeline's text and the network's file, made once for as long as they stay."""
        record = self.project.record
        seen = record.cards, record.network, record.trained
        if self._seen is None or self._seen[0] != seen:
            self._seen = seen, (str(self.project.pipeline), self.project.file_of(record.network))
        return self._seen[1]

    def known(self, photo: Photo) -> Look | None:
        """What is read in a photo, where that is known as things are now."""
        task, found = self._looks.get(photo.id, (None, None))
        return found if found and task == self.task(photo) else None

    @property
    def waiting(self) -> list[Photo]:
        """The photos that have not been looked at as things are now."""
        return [photo for photo in self.project.photos.values() if self.known(photo) is None]

    def told(self, photo: Photo) -> dict[str, Any]:
        """A photo as a window is told of it."""
        found = self.known(photo)
        shown = {"id": photo.id, "name": photo.name, "revision": photo.revision, "many": photo.many}
        samples = {key: sample.__dict__ for key, sample in photo.samples.items()}
        return shown | {"samples": samples, "look": found and found.told}

    async def first_look(self, photo: Photo) -> Look:
        """What is read in a photo that has just come. Raises DataError for a file that is no image."""
        task = self.task(photo)
        found = await self.in_turn.do(look, task)
        self._looks[photo.id] = task, found
        return found

    async def look(self, photo: Photo, worker: Worker) -> Look:
        """What is read in a photo, by that process where it is not known; where it fails, why it does."""
        known = self.known(photo)
        if known is None:
            task = self.task(photo)
            try:
                known = await worker.do(look, task)
            except Exception as error:
                # One photo, however odd, must not keep the others waiting.
                if not isinstance(error, DigitprepError):
                    LOG.exception("looking at %a failed", photo.name)
                known = _unread(str(error))
            self._looks[photo.id] = task, known
        return known

    def look_anew(self) -> None:
        """Something has changed: look at the photos for which that matters."""
        self._idle.clear()
        self._changed.set()

    def publish_waiting(self) -> None:
        """Tell all windows how many photos still have to be looked at."""
        self.events.publish("counts", {"waiting": len(self.waiting)})

    async def run(self) -> None:
        """Look at one photo after the other, for as long as the server runs."""
        while True:
            self._changed.clear()
            waiting = self.waiting
            for left, photo in zip(range(len(waiting), 0, -1), waiting, strict=True):
                if self._changed.is_set():
                    break
                self.events.publish("counts", {"waiting": left})
                now = self.project.photos.get(photo.id)
                if now is not None and self.known(now) is None:
                    await self.look(now, self.in_turn)
                    if photo.id in self.project.photos:
                        self.events.publish("photo", self.told(self.project.photo(photo.id)))
            else:
                self.publish_waiting()
                self._idle.set()
                await self._changed.wait()

    async def all_known(self) -> None:
        """Wait until every photo has been looked at as things are now."""
        while self.waiting:
            self.look_anew()
            await self._idle.wait()

    def close(self) -> None:
        """End the processes."""
        self.at_once.close()
        self.in_turn.close()


def _unread(reason: str) -> Look:
    told: dict[str, Any] = {"width": 0, "height": 0, "thumbnail": None, "reason": reason, "samples": []}
    return Look(told, {})
