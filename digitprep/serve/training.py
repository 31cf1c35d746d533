"""A few epochs on what was labelled, in a process of its own, told as they come."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from digitprep.dataset import Split
from digitprep.errors import DigitprepError, UsageError
from digitprep.nn import Model, load_model, train
from digitprep.nn.zoo import ZOO
from digitprep.workers import CONTEXT

BUNDLED, SCRATCH = "bundled", "scratch"
MOST_EPOCHS, LEAST_IMAGES = 200, 10
HELD_BACK = 5  # one image of so many tells how good the network is on what it has not learnt from

# A network that can read already is to be changed a little: a tenth of the rate that it was made with.
FINE_TUNING = {
    "batch": 16,
    "optimizer": "adamw(rate=0.0003)",
    "schedule": "cosine",
    "augment": "affine(angle_degrees=12, scale=0.15, shear=0.15, shift_px=1.5) | thickness",
}
NETWORK = "digitnet"

Told = Callable[["Training"], None]


@dataclass(frozen=True)
class Training:
    """How far a training is.

    state: running, done, stopped or failed, with an `error` then
    epochs: how many there are to be; history: those that there are; progress: a share of the whole
    images, held_back: how many are learnt from, and how many tell what was learnt
    before: how many of those the bundled network reads right, 0..1
    """

    start: str
    epochs: int
    images: int
    held_back: int
    state: str = "running"
    before: float | None = None
    progress: float = 0.0
    history: tuple[dict[str, Any], ...] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass
class Trainer:
    """Trains one network at a time. `told` hears how far it is, from a thread of its own."""

    told: Told
    training: Training | None = None
    _process: Any = field(default=None, repr=False)
    _line: Any = field(default=None, repr=False)  # a Connection; Windows has another class for it
    _end: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether a network is being trained."""
        return self.training is not None and self.training.state == "running"

    def begin(self, split: Split, start: str, epochs: int) -> Training:
        """Start on the images of a split.

        Raises UsageError where there are too few, or for options that there are not.
        """
        if start not in (BUNDLED, SCRATCH) or type(epochs) is not int or not 1 <= epochs <= MOST_EPOCHS:
            raise UsageError(f"training starts from {BUNDLED} or {SCRATCH} and has 1 to {MOST_EPOCHS} epochs")
        if len(split) < LEAST_IMAGES:
            raise UsageError(f"to train takes at least {LEAST_IMAGES} labelled digits, found {len(split)}")
        held_back = max(2, len(split) // HELD_BACK)
        self.training = Training(start, epochs, len(split) - held_back, held_back)
        self._line, theirs = CONTEXT.Pipe()
        arguments = (theirs, split, held_back, start, epochs)
        self._process = CONTEXT.Process(target=_train, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        return self.training

    def follow(self) -> Model | None:
        """Tell of the training until it ends; the network that it ended with, if any.

        That it has ended is told by `end`, once the network is kept. Waits, so it is for a thread.
        """
        model = None
        assert self._line is not None
        try:
            while (message := self._line.recv()) is not None:
                if isinstance(message, Model):
                    model = message
                elif "state" in message:
                    self._end = message
                else:
                    self._tell(**message)
        except (EOFError, OSError):
            error = "the process that trained was lost, perhaps for want of memory"
            self._end = {"state": "failed", "error": error}
        self._process.join()
        return model

    def end(self, error: str | None = None) -> None:
        """Tell how the training ended; with an error, that it failed."""
        self._tell(**(self._end if error is None else {"state": "failed", "error": error}))

    def stop(self) -> None:
        """Ask it to end; the best epoch so far is what it ends with."""
        if self._line is not None and self.is_running:
            with suppress(OSError):
                self._line.send("stop")

    def close(self) -> None:
        """End it at once; nothing is kept of it."""
        if self._process is not None:
            self._process.terminate()

    def _tell(self, **news: Any) -> None:
        assert self.training is not None
        if epoch := news.pop("epoch", None):
            news["history"] = (*self.training.history, epoch)
        self.training = replace(self.training, **news)
        self.told(self.training)


def _train(line: Connection, split: Split, held_back: int, start: str, epochs: int) -> None:
    """Train, in a process of its own; what is told goes down the line, the network at the end."""
    try:
        _train_and_tell(line, split, held_back, start, epochs)
    except DigitprepError as error:
        line.send({"state": "failed", "error": str(error)})
    line.send(None)


def _train_and_tell(line: Connection, split: Split, held_back: int, start: str, epochs: int) -> None:
    # The order is drawn from the same seed each time: two trainings are measured on the same images.
    order = np.random.default_rng(0).permutation(len(split))
    measured, learnt = split[order[:held_back]], split[order[held_back:]]
    line.send({"before": _measured(load_model(), measured)[0]})
    network = ZOO[NETWORK]
    model = load_model() if start == BUNDLED else Model.build(network.layers, split.images.shape[1:], 10)
    options = {**network.training, "epochs": epochs, "validation": 0}
    options |= FINE_TUNING if start == BUNDLED else {"batch": min(options["batch"], len(learnt))}
    best, best_score, trained = None, (-1.0, 0.0), 0

    def after_batch(done: int, total: int, _loss: float) -> None:
        line.send({"progress": (trained + done / total) / epochs})
        if line.poll():  # asked to stop, or whoever asks has gone
            raise KeyboardInterrupt

    state = "done"
    try:
        for epoch in train(model, learnt, progress=after_batch, **options):
            trained += 1
            accuracy, loss = _measured(model, measured)
            is_best = (accuracy, -loss) > best_score
            if is_best:
                best, best_score = copy.deepcopy(model), (accuracy, -loss)
            figures = {"number": epoch.number, "loss": epoch.loss, "accuracy": epoch.accuracy}
            figures |= {"validation_loss": loss, "validation_accuracy": accuracy, "best": is_best}
            line.send({"epoch": figures, "progress": trained / epochs})
    except KeyboardInterrupt:
        state = "stopped"
    if best is not None:
        line.send(best)
    line.send({"state": state})


def _measured(model: Model, split: Split) -> tuple[float, float]:
    """The share of a split that is read right, and the mean of -log of what its labels are given."""
    assert split.labels is not None
    shares = model.probabilities(split.images)
    given = shares[np.arange(len(split)), split.labels]
    right = shares.argmax(axis=1) == split.labels
    return float(right.mean()), float(-np.log(np.maximum(given, 1e-12)).mean())
