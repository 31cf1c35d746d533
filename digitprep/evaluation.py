"""How good a model is on labelled images, and which of them it finds hard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Split, check_labels
from digitprep.errors import DataError, UsageError
from digitprep.nn.engines import Classifier

BINS = 15  # as in Guo et al., see calibration_error
Z95 = 1.959964  # 95 % of a normal distribution lie within so many standard deviations


@dataclass(frozen=True)
class Hard:
    """One image that the model finds hard: its position in the split, and what was said of it.

    confidence is the probability given to the prediction, truth the one given to the true label.
    """

    index: int
    label: int
    prediction: int
    confidence: float
    truth: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The predictions of a model on one split, counted.

    confusion: (classes, classes) int64, a row a true class, a column a predicted one
    hardest: the images whose true label got the lowest probability, hardest first
    calibration_error: how far the probability given to a prediction is, in the mean, from the share
        of such predictions that are right, from 0 to 1: the predictions are put into 15 bins by
        their probability, each bin compares its two means and counts by its size. Guo et al.,
        On Calibration of Modern Neural Networks, ICML 2017.
    """

    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]
    hardest: tuple[Hard, ...]
    calibration_error: float

    @property
    def count(self) -> int:
        """How many images were looked at."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """How many predictions were right."""
        return int(self.confusion.trace())

    @property
    def wrong(self) -> int:
        """How many predictions were not."""
        return self.count - self.correct

    @property
    def accuracy(self) -> float:
        """The share of right predictions."""
        return self.correct / self.count

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the accuracy on images like these, lowest and highest.

        Wilson, Probable Inference, JASA 22 (1927), which holds near 100 % and for few images too.
        """
        count, share = self.count, self.accuracy
        centre = share + Z95**2 / (2 * count)
        spread = Z95 * math.sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2))
        scale = 1 + Z95**2 / count
        return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(classes,): of what was called a class, the share that is one; nan where nothing was."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """(classes,): of what is a class, the share that was called one; nan where nothing is."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=1))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, ready for JSON; a share of nothing is None."""
        per_class = {
            name: {"count": count, "precision": _or_none(precision), "recall": _or_none(recall)}
            for name, count, precision, recall in zip(
                self.class_names,
                self.confusion.sum(axis=1).tolist(),
                self.precision.tolist(),
                self.recall.tolist(),
                strict=True,
            )
        }
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "count": self.count,
            "correct": self.correct,
            "wrong": self.wrong,
            "calibration_error": self.calibration_error,
            "per_class": per_class,
            "confusion": self.confusion.tolist(),
            "hardest": [asdict(hard) for hard in self.hardest],
        }


def evaluate(
    model: Classifier, split: Split | Iterable[Split], batch: int = 256, hardest: int = 25
) -> Evaluation:
    """Compare a model's predictions with the labels of a split, or of a stream of its batches.

    At most `batch` images are computed at a time, and `hardest` of them are named.

    Raises DataError where labels or images are missing or a label is none of the model's classes,
    ModelError where the images are not of the model's size, UsageError where the stream goes on
    with another split.
    """
    confusion = np.zeros((model.classes, model.classes), np.int64)
    bins = np.zeros((2, BINS))
    hard: list[Hard] = []
    count, name = 0, None
    for part in [split] if isinstance(split, Split) else split:
        if name not in (None, part.name):
            raise UsageError(f"one split is evaluated at a time, found {name!r} and {part.name!r}")
        name = part.name
        for piece in part.batches(batch):
            labels, probabilities = _predictions(model, piece, count)
            np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
            bins += _binned(labels, probabilities)
            hard += _hardest(labels, probabilities, count, hardest)
            hard = sorted(hard, key=lambda found: (found.truth, found.index))[:hardest]
            count += len(piece)
    if not count:
        raise DataError(f"split {name!r} has no images to evaluate" if name else "no images to evaluate")
    calibration_error = float(np.abs(bins[0] - bins[1]).sum() / count)
    return Evaluation(confusion, model.class_names, tuple(hard), calibration_error)


def _predictions(
    model: Classifier, piece: Split, first: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if piece.labels is None:
        raise DataError(f"split {piece.name!r} has no labels to compare predictions with")
    advice = f"this network tells {model.classes} classes apart; evaluate one that was trained for these"
    check_labels(piece.labels, model.classes, f"split {piece.name!r}", first, advice)
    return piece.labels, model.probabilities(piece.images, max(len(piece), 1))


def _binned(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """(2, BINS): sums of the confidences and counts of right predictions, by confidence."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    # A confidence on the border of two bins belongs to the lower one.
    index = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return np.stack([np.bincount(index, values, BINS) for values in (confidence, right)])


def _hardest(
    labels: NDArray[np.int64], probabilities: NDArray[np.float32], first: int, keep: int
) -> list[Hard]:
    """The hardest images of one batch, whose first image is number `first` of its split."""
    truth = probabilities[np.arange(len(labels)), labels]
    predictions = probabilities.argmax(axis=1)
    return [
        Hard(
            index=first + index,
            label=int(labels[index]),
            prediction=int(predictions[index]),
            confidence=float(probabilities[index].max()),
            truth=float(truth[index]),
        )
        for index in np.argsort(truth, kind="stable")[:keep].tolist()
    ]


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _or_none(share: float) -> float | None:
    return None if np.isnan(share) else share
