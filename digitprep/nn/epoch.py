"""An epoch: what one stretch of training gave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave, or one report of a run that counts steps.

    loss and accuracy are means over the epoch, measured on each batch before its step; the
    validation figures, measured after the epoch, are None where nothing is held back or nothing was
    measured. images_per_second counts training alone, seconds validation too. steps is the number of
    batches so far, in a run that counts them. learning_rate is that of the last batch, None in a log
    from before it was kept.
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
