"""Training: a generator of epochs, so that the caller prints, plots or stops as it likes."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Labels, Split, check_labels
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.nn.augment import AUGMENTATIONS, Augmentation
from digitprep.nn.layers import Params
from digitprep.nn.loss import LOSSES, Loss
from digitprep.nn.model import Model
from digitprep.nn.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule

Progress = Callable[[int, int, float], None]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave.

    loss and accuracy are means over the epoch, measured on each batch before its step; the
    validation figures, measured after the epoch, are None where nothing is held back.
    images_per_second counts training alone, seconds validation too.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    best: bool = False

    def __str__(self) -> str:
        text = f"epoch {self.number}: loss {self.loss:.4f}, accuracy {self.accuracy:.2%}"
        if self.validation_accuracy is not None:
            text += f", validation loss {self.validation_loss:.4f}, accuracy {self.validation_accuracy:.2%}"
        return f"{text}{' (best)' if self.best else ''}, {self.images_per_second:.0f} images/s"


def train(
    model: Model,
    split: Split,
    *,
    epochs: int = 5,
    batch: int = 64,
    optimizer: str | Optimizer = "adam",
    schedule: str | Schedule = "cosine",
    loss: str | Loss = "softmax_cross_entropy",
    validation: float = 5000,
    seed: int = 0,
    augment: str | Augmentation | None = None,
    progress: Progress | None = None,
) -> Iterator[Epoch]:
    """Train a model in place, one epoch a `next`.

    When the generator ends, is closed or is interrupted, the model holds the parameters of the
    best epoch so far: highest validation accuracy, then lowest validation loss; without
    validation the last whole epoch. The same seed gives the same parameters, bit for bit, on the
    same machine with the same number of BLAS threads.

    validation: how many images are held back, drawn at random: a count, or a share below 1
    augment: a chain such as "affine | thickness", applied anew to each training batch
    progress: called after each batch with images done, images in the epoch, and the batch's loss

    Raises UsageError on bad options and DataError where the split cannot be learnt from, both at
    once; ModelError, from `next`, where the loss is no longer a number.
    """
    if min(epochs, batch) < 1:
        raise UsageError(f"epochs and batch must be at least 1, found {epochs} and {batch}")
    if seed < 0:
        raise UsageError(f"a seed is a whole number from 0, found {seed}")
    if not len(split):
        raise DataError(f"split {split.name!r} has no images to learn from")
    if split.labels is None:
        raise DataError(f"split {split.name!r} has no labels to learn from")
    check_labels(split.labels, model.classes, f"split {split.name!r}")
    model.logits(split.images[:1])  # refuses images of another size
    chain = AUGMENTATIONS.parse_chain(augment) if isinstance(augment, str) else (augment,) if augment else ()
    run = _Run(
        model,
        split,
        split.labels,
        epochs,
        batch,
        OPTIMIZERS.parse(optimizer) if isinstance(optimizer, str) else optimizer,
        SCHEDULES.parse(schedule) if isinstance(schedule, str) else schedule,
        LOSSES.parse(loss) if isinstance(loss, str) else loss,
        _held_back(validation, len(split)),
        seed,
        chain,
        progress,
    )
    return run.train()


@dataclass
class _Run:
    """One training run: its options, all checked, and what changes from batch to batch."""

    model: Model
    split: Split
    labels: Labels
    epochs: int
    batch: int
    optimizer: Optimizer
    schedule: Schedule
    loss: Loss
    held_back: int
    seed: int
    augment: tuple[Augmentation, ...]
    progress: Progress | None

    def __post_init__(self) -> None:
        # A stream of random numbers for each purpose: changing one leaves the others alone.
        split_rng, self.shuffling, self.augmenting, self.dropping = np.random.default_rng(self.seed).spawn(4)
        order = split_rng.permutation(len(self.split))
        self.validation, self.training = np.split(order, [self.held_back])
        self.states = self.optimizer.init(self.model.params)

    def train(self) -> Iterator[Epoch]:
        """The epochs; however it ends, the best parameters go back into the model."""
        best: Epoch | None = None
        best_params: list[Params] = []
        try:
            for number in range(1, self.epochs + 1):
                epoch = self._epoch(number)
                if best is None or _score(epoch) > _score(best):
                    best = epoch = replace(epoch, best=True)
                    best_params = copy.deepcopy(self.model.params)
                yield epoch
        finally:
            if best:
                self._restore(best_params)
                self.model.metadata.update(self._notes(best))

    def _epoch(self, number: int) -> Epoch:
        """Train and validate once."""
        start = time.perf_counter()
        loss, accuracy = self._train_epoch(number)
        speed = len(self.training) / (time.perf_counter() - start)
        validation_loss, validation_accuracy = self._validate() if self.held_back else (None, None)
        seconds = time.perf_counter() - start
        return Epoch(number, loss, accuracy, validation_loss, validation_accuracy, seconds, speed)

    def _train_epoch(self, number: int) -> tuple[float, float]:
        """Mean loss and accuracy of one pass over the training images, in a new order."""
        total = len(self.training)
        order = self.shuffling.permutation(self.training)
        done, loss_sum, correct = 0, 0.0, 0
        for start in range(0, total, self.batch):
            chosen = order[start : start + self.batch]
            scale = self.schedule((number - 1 + start / total) / self.epochs)
            loss, hits = self._train_batch(chosen, scale)
            done += len(chosen)
            if not np.isfinite(loss):
                raise ModelError(
                    f"epoch {number}: the loss is {loss} after {done} images; "
                    f"lower the rate of {self.optimizer}, {self.optimizer.rate:g}"
                )
            loss_sum += loss * len(chosen)
            correct += hits
            if self.progress:
                self.progress(done, total, loss)
        return loss_sum / total, correct / total

    def _train_batch(self, chosen: Indices, scale: float) -> tuple[float, int]:
        """Forward, loss, backward, step: the loss and how many images were right before the step."""
        images, labels = self.split.images[chosen], self.labels[chosen]
        for augmentation in self.augment:
            images = augmentation(images, self.augmenting)
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the loss instead
            logits, backward = self.model.forward(images, self.dropping)
            loss, dlogits = self.loss(logits, labels)
            self.optimizer.step(self.model.params, backward(dlogits), self.states, scale)
        return loss, int((logits.argmax(axis=1) == labels).sum())

    def _validate(self) -> tuple[float, float]:
        """Mean loss and accuracy on the images held back."""
        logits, labels = self.model.logits(self.split.images[self.validation]), self.labels[self.validation]
        return self.loss(logits, labels)[0], float((logits.argmax(axis=1) == labels).mean())

    def _restore(self, params: list[Params]) -> None:
        for layer, best in zip(self.model.params, params, strict=True):
            for name, array in layer.items():
                array[...] = best[name]

    def _notes(self, best: Epoch) -> dict[str, str]:
        """How the parameters of the best epoch came about, for the model's metadata."""
        accuracy = best.validation_accuracy
        return {
            "epoch": f"{best.number} of {self.epochs}",
            "batch": str(self.batch),
            "optimizer": str(self.optimizer),
            "schedule": str(self.schedule),
            "loss": str(self.loss),
            "augment": " | ".join(map(str, self.augment)),
            "seed": str(self.seed),
            "training_images": str(len(self.training)),
            "validation_images": str(self.held_back),
            "validation_accuracy": "not measured" if accuracy is None else f"{accuracy:.4f}",
        }


def _score(epoch: Epoch) -> tuple[float, float]:
    """What makes one epoch better than another; without validation, being later does."""
    if epoch.validation_accuracy is None or epoch.validation_loss is None:
        return epoch.number, 0.0
    return epoch.validation_accuracy, -epoch.validation_loss


def _held_back(validation: float, count: int) -> int:
    """How many of `count` images a number or a share of validation images stands for."""
    held = max(round(validation * count), 1) if 0 < validation < 1 else validation
    if held < 0 or not float(held).is_integer():
        raise UsageError(f"validation must be a number of images or a share below 1, found {validation}")
    if held >= count:
        raise UsageError(
            f"{held:g} of {count} images cannot be held back for validation, as none would be left to learn "
            "from; give fewer, a share such as 0.1, or 0"
        )
    return int(held)
