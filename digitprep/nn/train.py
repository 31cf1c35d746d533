"""Training: a generator of epochs, so that the caller prints, plots or stops as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from digitprep.dataset import Labels, Split, check_labels
from digitprep.errors import DataError
from digitprep.nn.augment import Augmentation
from digitprep.nn.checkpoint import Checkpoint
from digitprep.nn.epoch import Epoch
from digitprep.nn.loss import Loss
from digitprep.nn.model import Model
from digitprep.nn.optim import Optimizer, Schedule
from digitprep.nn.plan import REPORT_EVERY, Plan
from digitprep.nn.run import Progress, Run

__all__ = ["Epoch", "train"]


def train(
    model: Model,
    split: Split,
    *,
    epochs: int = 5,
    steps: int | None = None,
    report_every: int = REPORT_EVERY,
    batch: int = 64,
    optimizer: str | Optimizer = "adam",
    schedule: str | Schedule = "cosine",
    loss: str | Loss = "softmax_cross_entropy",
    validation: float | None = None,
    patience: int | None = None,
    seed: int = 0,
    augment: str | Augmentation | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Iterator[Epoch]:
    """Train a model in place, one epoch a `next`.

    When the generator ends, is closed or is interrupted, the model holds the parameters of the
    best epoch so far: highest validation accuracy, then lowest validation loss; without
    validation the last whole epoch; before the first of these, the parameters as they are by then. With
    validation and softmax cross-entropy, the last layer of the best epoch is divided by the temperature
    that makes its confidences right (see `calibration`). The same seed gives the same parameters, bit
    for bit, on the same machine, on any number of threads.

    epochs: how often all images are shown
    batch: how many images make a step
    optimizer, schedule, loss: by their texts, as "adam(rate=0.001)", or as they are
    seed: what all that is random follows from
    steps: that many batches, drawn at random with replacement, instead of epochs; an Epoch is
        reported every `report_every` of them, and validation follows those by which as many images
        as there are have been shown once more, and the last
    validation: how many images are held back, drawn at random: a count, or a share below 1; without it
        5,000, of fewer than 50,000 a tenth
    patience: stop after that many validations in a row without a better one
    augment: a chain such as "affine | thickness", applied anew to each training batch
    checkpoint: a file that is written before the first batch and replaced after the first report and
        each validation, and after each epoch where there is none
    resume: go on after the epochs in `checkpoint`, which are given once more as they were; the end
        is the same, bit for bit, as without the interruption. Without such a file it starts anew.
    progress: called after each batch with images done, images in the epoch, and the batch's loss

    Raises UsageError on bad options, on a loss that does not fit the network's end and on a checkpoint of
    another run, DataError where the split cannot be learnt from, ModelError where the checkpoint is
    damaged, all of them at once; from `next`, ModelError where the loss is no longer a number,
    DigitprepError where the checkpoint cannot be written.
    """
    labels = check_split(model, split)
    plan = Plan.of(
        len(split),
        epochs=epochs,
        steps=steps,
        report_every=report_every,
        batch=batch,
        optimizer=optimizer,
        schedule=schedule,
        loss=loss,
        augment=augment,
        validation=validation,
        patience=patience,
        seed=seed,
    )
    plan.loss.check_end(model.layers[-1])
    file = None if checkpoint is None else Path(checkpoint)
    run = Run(model, split, labels, plan, file, progress)
    if resume and file and file.exists():
        run.resume(Checkpoint.load(file), file)
    return run.train()


def check_split(model: Model, split: Split) -> Labels:
    """The labels of a split that a model can learn from.

    Raises DataError where it has no images, no labels or others than the model's classes, ModelError
    where the images are of another size.
    """
    if not len(split):
        raise DataError(f"split {split.name!r} has no images to learn from")
    if split.labels is None:
        raise DataError(f"split {split.name!r} has no labels to learn from")
    check_labels(split.labels, model.classes, f"split {split.name!r}")
    model.logits(split.images[:1])  # refuses images of another size
    return split.labels
