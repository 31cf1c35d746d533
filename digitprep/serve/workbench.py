"""What the server knows while it runs: the project, what is read in it, who listens, and what is trained."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from digitprep.errors import DigitprepError
from digitprep.limits import LIMITS, Limits
from digitprep.serve import takeaway
from digitprep.serve.entries import Photo
from digitprep.serve.events import Events
from digitprep.serve.looking import Looks
from digitprep.serve.project import Project
from digitprep.serve.training import Trainer, Training

LOG = logging.getLogger("digitprep.serve")


class Workbench:
    """One project, open in any number of windows."""

    def __init__(self, project: Project, limits: Limits = LIMITS) -> None:
        self.project, self.limits = project, limits
        self.events = Events()
        self.looks = Looks(project, self.events, limits)
        self.trainer = Trainer(self._heard_of_training)
        self._tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def running(self, _app: Any = None) -> AsyncIterator[None]:
        """While the block runs, photos that have not been looked at are."""
        self._loop = asyncio.get_running_loop()
        self.in_background(self.looks.run())
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            self.events.close()
            self.trainer.close()
            self.looks.close()

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for; where it fails, that is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def publish(self, photo: Photo) -> dict[str, Any]:
        """Tell all windows of a photo as it is now, and say what they were told."""
        told = self.looks.told(self.project.photo(photo.id))
        self.events.publish("photo", told)
        return told

    def pipeline(self) -> dict[str, Any]:
        """The pipeline as a window is told of it."""
        record = self.project.record
        cards = [card.to_dict() for card in record.cards]
        return {"revision": record.cards_revision, "text": str(self.project.pipeline), "steps": cards}

    def publish_pipeline(self) -> None:
        """Tell all windows of the pipeline, and look at all photos as it says."""
        self.events.publish("pipeline", self.pipeline())
        self.looks.look_anew()

    def publish_network(self) -> None:
        """Tell all windows which network reads, and let it read all photos."""
        self.events.publish("network", {"network": self.project.record.network})
        self.looks.look_anew()

    async def samples(self) -> list[takeaway.Sample]:
        """All digits of all photos, as soon as they have been looked at as things are now."""
        await self.looks.all_known()
        photos = self.project.photos.values()
        return takeaway.samples([(photo, look) for photo in photos if (look := self.looks.known(photo))])

    async def follow_training(self) -> None:
        """Keep the network that the training ends with."""
        model, error = await asyncio.to_thread(self.trainer.follow), None
        try:
            if model is not None:
                self.project.keep_trained(model)
                self.publish_network()
        except DigitprepError as refused:
            error = str(refused)
        self.trainer.end(error)

    def _heard_of_training(self, training: Training) -> None:
        self._loop.call_soon_threadsafe(self.events.publish, "training", training.to_dict())

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            LOG.error("work in the background ended", exc_info=task.exception())
