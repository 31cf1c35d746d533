"""A training run: epoch after epoch, batch after batch, from the start or from a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from digitprep.dataset import Labels, Split
from digitprep.errors import ModelError
from digitprep.nn.calibration import calibrate
from digitprep.nn.checkpoint import ADVICE, Checkpoint, digest, generator_state, named, restore_generator
from digitprep.nn.epoch import Epoch
from digitprep.nn.loss import SoftmaxCrossEntropy
from digitprep.nn.model import Model
from digitprep.nn.parallel import one_blas_thread
from digitprep.nn.params import copied, overflow_allowed, put_back
from digitprep.nn.plan import Indices, Plan

Progress = Callable[[int, int, float], None]


@dataclass
class Run:
    """One training run: its plan, what it works on, and what changes from batch to batch."""

    model: Model
    split: Split
    labels: Labels
    plan: Plan
    file: Path | None
    progress: Progress | None

    def __post_init__(self) -> None:
        """The state before the first batch, which follows from the seed."""
        # A stream of random numbers for each purpose: changing one leaves the others alone.
        split_rng, *rngs = np.random.default_rng(self.plan.seed).spawn(4)
        self.shuffling, self.augmenting, self.dropping = rngs
        self.generators = dict(zip(("shuffling", "augmenting", "dropping"), rngs, strict=True))
        order = split_rng.permutation(len(self.split))
        self.validation, self.training = np.split(order, [self.plan.validation])
        self.params, self.states = copied(self.model.params), self.plan.optimizer.init(self.model.params)
        self.history: list[Epoch] = []
        self.losses: list[float] = []  # of each batch
        self.best: Epoch | None = None
        self.best_params = copied(self.model.params)
        self.is_resumed = False
        self.task = self.plan.task(self.model, self.split)

    def train(self) -> Iterator[Epoch]:
        """The epochs; however it ends, the best parameters, if any, go back into the model."""
        try:
            if self.is_resumed:
                put_back(self.model.params, self.params)
            else:
                self._save()
            yield from tuple(self.history)
            while self._goes_on():
                epoch = self._epoch(len(self.history) + 1)
                measured = self.plan.is_measured(epoch.number, self.training)
                if measured and (self.best is None or epoch.score > self.best.score):
                    self.best = epoch = replace(epoch, best=True)
                    self.best_params = copied(self.model.params)
                self.history.append(epoch)
                if measured or epoch.number == 1:  # so whoever has seen an epoch finds it in the checkpoint
                    self._save()
                yield epoch
        finally:
            self.model.metadata.pop("unfinished", None)
            self.model.metadata.update(self._notes())
            if self.best:
                put_back(self.model.params, self.best_params)
                self.model.metadata.update(self._calibrated())

    def _calibrated(self) -> dict[str, str]:
        """The note of the temperature that the confidences were calibrated by, where there can be one."""
        if not (self.plan.validation and isinstance(self.plan.loss, SoftmaxCrossEntropy)):
            return {}
        logits = self.model.logits(self.split.images[self.validation])
        temperature = calibrate(self.model, logits, self.labels[self.validation])
        return {} if temperature is None else {"temperature": f"{temperature:.4f}"}

    def _goes_on(self) -> bool:
        """Whether another epoch is planned and the patience is not at its end."""
        waited = 0
        for epoch in self.history:
            if epoch.validation_accuracy is not None:
                waited = 0 if epoch.best else waited + 1
        patience = self.plan.patience
        return len(self.history) < self.plan.reports and (patience is None or waited < patience)

    def _epoch(self, number: int) -> Epoch:
        """Train and, where it is due, validate."""
        start = time.perf_counter()
        loss, accuracy, rate = self._train_epoch(number)
        speed = self.plan.images(number, self.training) / (time.perf_counter() - start)
        measured = self.plan.validation and self.plan.is_measured(number, self.training)
        validation_loss, validation_accuracy = self._validate() if measured else (None, None)
        seconds = time.perf_counter() - start
        steps = self.plan.steps_done(number)
        return Epoch(
            number,
            loss,
            accuracy,
            validation_loss,
            validation_accuracy,
            seconds,
            speed,
            steps=steps,
            learning_rate=rate,
        )

    def _train_epoch(self, number: int) -> tuple[float, float, float]:
        """Mean loss and accuracy over the batches of an epoch, and the rate of its last step."""
        total = self.plan.images(number, self.training)
        done, loss_sum, correct, scale = 0, 0.0, 0, 1.0
        for chosen, before in self.plan.batches(number, self.training, self.shuffling):
            scale = self.plan.schedule(before)
            loss, hits = self._train_batch(chosen, scale)
            done += len(chosen)
            if not np.isfinite(loss):
                raise ModelError(
                    f"epoch {number}: the loss is {loss} after {done} images; lower the rate of "
                    f"{self.plan.optimizer}, {self.plan.optimizer.rate:g}"
                )
            self.losses.append(loss)
            loss_sum += loss * len(chosen)
            correct += hits
            if self.progress:
                self.progress(done, total, loss)
        rate = self.plan.optimizer.rate * scale
        return float(loss_sum / total), float(correct / total), float(rate)

    def _train_batch(self, chosen: Indices, scale: float) -> tuple[float, int]:
        """Forward, loss, backward, step: the mean loss and how many images were right before the step."""
        images, labels = self.split.images[chosen], self.labels[chosen]
        for augmentation in self.plan.augment:
            with one_blas_thread():
                images = augmentation(images, self.augmenting, labels)
        loss, hits, grads = self.model.gradients(images, labels, self.plan.loss, self.dropping)
        with overflow_allowed():
            self.plan.optimizer.step(self.model.params, grads, self.states, scale)
        return loss, hits

    def _validate(self) -> tuple[float, float]:
        """Mean loss and accuracy on the images held back."""
        logits, labels = self.model.logits(self.split.images[self.validation]), self.labels[self.validation]
        return float(self.plan.loss(logits, labels)[0]), float((logits.argmax(axis=1) == labels).mean())

    def _save(self) -> None:
        """Keep all that is needed to go on after the last epoch, if there is a file for it."""
        if self.file is None:
            return
        checkpoint = Checkpoint(
            self.task,
            [asdict(epoch) for epoch in self.history],
            {name: generator_state(rng) for name, rng in self.generators.items()},
            self.losses,
            named("params", self.model.params)
            | named("best", self.best_params)
            | named("states", self.states),
        )
        checkpoint.save(self.file)

    def resume(self, checkpoint: Checkpoint, file: Path) -> None:
        """Bring the run to where the checkpoint was written; the model itself waits for `train`."""
        checkpoint.check_task(self.task, file)
        checkpoint.fill("params", self.params, file)
        checkpoint.fill("best", self.best_params, file)
        checkpoint.fill("states", self.states, file)
        try:
            self.history = [Epoch(**epoch) for epoch in checkpoint.history]
            self.losses = list(checkpoint.losses)
            self.best = next((epoch for epoch in reversed(self.history) if epoch.best), None)
            for name, rng in self.generators.items():
                restore_generator(rng, checkpoint.generators[name])
        except (TypeError, ValueError, LookupError) as error:
            raise ModelError(
                f"{file}: expected epochs and random generators as digitprep train writes them, found "
                f"something else ({type(error).__name__}: {error}); {ADVICE}"
            ) from None
        self.is_resumed = True

    def _notes(self) -> dict[str, str]:
        """How the parameters that are kept came about, for the model's metadata."""
        done, reports = len(self.history), self.plan.reports
        number, accuracy = (self.best.number, self.best.validation_accuracy) if self.best else (done, None)
        notes = {"unfinished": f"stopped after {done} of {reports}"} if self._goes_on() else {}
        return (
            notes
            | {
                "epoch": f"{number} of {reports}",
                "run": digest(self.task),
                "training_images": str(len(self.training)),
                "validation_images": str(self.plan.validation),
                "validation_accuracy": "not measured" if accuracy is None else f"{accuracy:.4f}",
            }
            | {
                name: value
                for name, value in self.plan.text().items()
                if name not in ("epochs", "validation", "patience", "report_every")
            }
        )
