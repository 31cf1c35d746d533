"""The plan of a training run: its options, checked, and all that follows from them alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitprep.contents import fingerprint
from digitprep.dataset import Split, size_text
from digitprep.errors import UsageError
from digitprep.nn.augment import AUGMENTATIONS, Augmentation
from digitprep.nn.loss import LOSSES, Loss
from digitprep.nn.model import Model
from digitprep.nn.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from digitprep.selection import held_back, held_back_unasked

Indices = NDArray[np.int64]

REPORT_EVERY = 50  # steps, where not said otherwise


@dataclass(frozen=True)
class Plan:
    """The options of `train`, with specs for text; `validation` is a count of images.

    Raises UsageError where an option cannot be meant.
    """

    epochs: int
    steps: int | None
    report_every: int
    batch: int
    optimizer: Optimizer
    schedule: Schedule
    loss: Loss
    augment: tuple[Augmentation, ...]
    validation: int
    patience: int | None
    seed: int

    def __post_init__(self) -> None:
        """Raises UsageError for numbers that no training can be done by."""
        for name in ("epochs", "steps", "report_every", "batch", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, found {value}")
        if self.seed < 0:
            raise UsageError(f"a seed is a whole number from 0, found {self.seed}")
        if self.patience and not self.validation:
            raise UsageError(
                f"patience={self.patience} waits for a better validation accuracy, but no images are held "
                "back; give validation a number, or leave patience out"
            )

    @classmethod
    def of(
        cls,
        count: int,
        *,
        epochs: int = 5,
        steps: int | None = None,
        report_every: int = REPORT_EVERY,
        batch: int = 64,
        optimizer: str | Optimizer = "adam",
        schedule: str | Schedule = "cosine",
        loss: str | Loss = "softmax_cross_entropy",
        augment: str | Augmentation | None = None,
        validation: float | None = None,
        patience: int | None = None,
        seed: int = 0,
    ) -> Plan:
        """The plan for a split of `count` images, of options as `train` takes them: specs or their text."""
        return cls(
            epochs,
            steps,
            report_every,
            batch,
            OPTIMIZERS.parse(optimizer) if isinstance(optimizer, str) else optimizer,
            SCHEDULES.parse(schedule) if isinstance(schedule, str) else schedule,
            LOSSES.parse(loss) if isinstance(loss, str) else loss,
            AUGMENTATIONS.parse_chain(augment) if isinstance(augment, str) else (augment,) if augment else (),
            held_back(held_back_unasked(count) if validation is None else validation, count),
            patience,
            seed,
        )

    @property
    def reports(self) -> int:
        """How many epochs a whole run reports."""
        return self.epochs if self.steps is None else math.ceil(self.steps / self.report_every)

    def images(self, number: int, training: Indices) -> int:
        """How many images are shown during the epoch of that number, from 1."""
        return len(training) if self.steps is None else len(self._steps(number)) * self.batch

    def batches(
        self, number: int, training: Indices, rng: np.random.Generator
    ) -> Iterator[tuple[Indices, float]]:
        """The images of each batch of an epoch, and the share of the run that lies before it."""
        if self.steps is None:
            order = rng.permutation(training)
            for start in range(0, len(order), self.batch):
                yield order[start : start + self.batch], (number - 1 + start / len(order)) / self.epochs
        else:
            for step in self._steps(number):
                yield training[rng.integers(len(training), size=self.batch)], step / self.steps

    def is_measured(self, number: int, training: Indices) -> bool:
        """Whether an epoch ends with validation.

        Each does. Where steps are counted, those do by which as many images as there are have been
        shown once more, and the last.
        """
        if self.steps is None or number == self.reports:
            return True
        passes = self.report_every * self.batch / len(training)
        return math.floor(number * passes) > math.floor((number - 1) * passes)

    def steps_done(self, number: int) -> int | None:
        """The batches of the run up to the end of an epoch, where steps are counted."""
        return None if self.steps is None else self._steps(number).stop

    def text(self) -> dict[str, str]:
        """Every option that the outcome depends on, as text by name."""
        length = {"epochs": str(self.epochs)}
        if self.steps is not None:
            length = {"steps": str(self.steps), "report_every": str(self.report_every)}
        return length | {
            "batch": str(self.batch),
            "optimizer": str(self.optimizer),
            "schedule": str(self.schedule),
            "loss": str(self.loss),
            "augment": " | ".join(map(str, self.augment)),
            "validation": str(self.validation),
            "patience": str(self.patience or "none"),
            "seed": str(self.seed),
        }

    def task(self, model: Model, split: Split) -> dict[str, str]:
        """What is trained, on what and how, as text by name: the same task ends in the same network."""
        return self.text() | {
            "layers": model.text,
            "images": size_text(split.images),
            "class_names": ", ".join(model.class_names),
            "data": fingerprint([replace(split, name="train")]),
        }

    def _steps(self, number: int) -> range:
        """The steps of an epoch, counted from 0 over the whole run."""
        first = (number - 1) * self.report_every
        return range(first, min(first + self.report_every, self.steps or 0))
