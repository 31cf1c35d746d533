"""An epoch: what one stretch of training gave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave, or one report of a run that counts steps.

    number: which one it is, from 1
    loss, accuracy: means over the epoch, measured on each batch before its step
    validation_loss, validation_accuracy: measured after the epoch; None where nothing is held back or
        nothing was measured
    seconds: how long it took, with validation
    images_per_second: in training alone
    best: whether none before it was better
    steps: the number of batches so far, in a run that counts them
    learning_rate: that of the last batch; None in a log from before it was kept
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    best: bool = False
    steps: int | None = None
    learning_rate: float | None = None

    def __str__(self) -> str:
        """One line on it, as `digitprep train` prints it."""
        name = f"epoch {self.number}" if self.steps is None else f"step {self.steps}"
        text = f"{name}: loss {self.loss:.4f}, accuracy {self.accuracy:.2%}"
        if self.validation_accuracy is not None:
            text += f", validation loss {self.validation_loss:.4f}, accuracy {self.validation_accuracy:.2%}"
        return f"{text}{' (best)' if self.best else ''}, {self.images_per_second:.0f} images/s"

    @property
    def place(self) -> int:
        """Where in its run it ends: after so many epochs, or steps in a run that counts them."""
        return self.number if self.steps is None else self.steps

    @property
    def score(self) -> tuple[float, float]:
        """What makes one epoch better than another; without validation, being later does."""
        if self.validation_accuracy is None or self.validation_loss is None:
            return self.number, 0.0
        return self.validation_accuracy, -self.validation_loss
