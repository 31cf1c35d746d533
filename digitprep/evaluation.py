"""How good a model is on labelled images, and which of them it finds hard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Split, check_labels
from digitprep.errors import DataError, UsageError
from digitprep.nn.engines import Classifier

BINS = 15  # as in Guo et al., see calibration_error
SHOWN_CLASSES = 30  # in a table that still fits a notebook
Z95 = 1.959964  # 95 % of a normal distribution lie within so many standard deviations


@dataclass(frozen=True)
class Answer:
    """What the model says of one image.

    index: its position in the split
    label, prediction: the true class and the one that the model gives, as numbers
    confidence, truth: the probability given to the prediction, and to the true label
    """

    index: int
    label: int
    prediction: int
    confidence: float
    truth: float

    @property
    def is_right(self) -> bool:
        """Whether the prediction is the label."""
        return self.label == self.prediction


@dataclass(frozen=True)
class Bin:
    """The predictions of like confidence.

    count: how many there are
    confidence: the mean of their probabilities
    accuracy: the share of them that is right
    """

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The predictions of a model on one split, counted.

    confusion: (classes, classes) int64, a row a true class, a column a predicted one
    class_names: what the rows and columns stand for
    hardest: the images whose true label got the lowest probability, hardest first
    mistakes: the images read wrong with the highest confidence, the surest first
    reliability: the bins of the calibration error that are not empty, from low confidence to high
    calibration_error: how far the probability given to a prediction is, in the mean, from the share
        of such predictions that are right, from 0 to 1: the predictions are put into 15 bins by
        their probability, each bin compares its two means and counts by its size. Guo et al.,
        On Calibration of Modern Neural Networks, ICML 2017.
    """

    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]
    hardest: tuple[Answer, ...]
    calibration_error: float
    mistakes: tuple[Answer, ...] = ()
    reliability: tuple[Bin, ...] = ()

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

    def _repr_html_(self) -> str:
        """In a notebook: the accuracy, and the confusion matrix of not too many classes."""
        from digitprep.notebook import table_html

        low, high = self.accuracy_interval
        said = (
            f"<p>{self.accuracy:.2%} of {self.count:,} images are right (95 % interval {low:.2%} to "
            f"{high:.2%}), calibration error {self.calibration_error:.2%}</p>"
        )
        if len(self.class_names) > SHOWN_CLASSES:
            return said
        rows = [(name, *row) for name, row in zip(self.class_names, self.confusion.tolist(), strict=True)]
        return said + table_html(["true \\ read", *self.class_names], rows)

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
            "hardest": [asdict(answer) for answer in self.hardest],
            "mistakes": [asdict(answer) for answer in self.mistakes],
            "reliability": [asdict(found) for found in self.reliability],
        }


def evaluate(
    model: Classifier, split: Split | Iterable[Split], batch: int = 256, hardest: int = 25
) -> Evaluation:
    """Compare a model's predictions with the labels of a split, or of a stream of its batches.

    At most `batch` images are computed at a time, and `hardest` of them are named,
    and of the mistakes as many.

    Raises DataError where labels or images are missing or a label is none of the model's classes,
    ModelError where the images are not of the model's size, UsageError where the stream goes on
    with another split.
    """
    confusion = np.zeros((model.classes, model.classes), np.int64)
    bins = np.zeros((3, BINS))
    hard: list[tuple[float, Answer]] = []
    mistakes: list[tuple[float, Answer]] = []
    count, name = 0, None
    for part in [split] if isinstance(split, Split) else split:
        if name not in (None, part.name):
            raise UsageError(f"one split is evaluated at a time, found {name!r} and {part.name!r}")
        name = part.name
        for piece in part.batches(batch):
            labels, probabilities = _predictions(model, piece, count)
            np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
            bins += _binned(labels, probabilities)
            truth = probabilities[np.arange(len(labels)), labels]
            wrong = probabilities.argmax(axis=1) != labels
            doubt = np.where(wrong, -probabilities.max(axis=1), np.inf)  # of mistakes alone
            hard = _least(hard, truth, labels, probabilities, count, hardest)
            mistakes = _least(mistakes, doubt, labels, probabilities, count, hardest)
            count += len(piece)
    if not count:
        raise DataError(f"split {name!r} has no images to evaluate" if name else "no images to evaluate")
    calibration_error = float(np.abs(bins[0] - bins[1]).sum() / count)
    reliability = tuple(
        Bin(int(size), confidence / size, right / size) for confidence, right, size in bins.T.tolist() if size
    )
    hard_answers, mistaken = (tuple(answer for _, answer in found) for found in (hard, mistakes))
    return Evaluation(confusion, model.class_names, hard_answers, calibration_error, mistaken, reliability)


def answers(model: Classifier, split: Split, indices: Sequence[int]) -> tuple[Answer, ...]:
    """What the model says of the images at some positions of a split. Raises as `evaluate` does."""
    chosen = np.array(indices, dtype=np.int64)
    labels, probabilities = _predictions(model, split[chosen], 0)
    rows = range(len(chosen))
    return tuple(_answers(labels, probabilities, rows, indices))


def _predictions(
    model: Classifier, piece: Split, first: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if piece.labels is None:
        raise DataError(f"split {piece.name!r} has no labels to compare predictions with")
    advice = f"this network tells {model.classes} classes apart; evaluate one that was trained for these"
    check_labels(piece.labels, model.classes, f"split {piece.name!r}", first, advice)
    return piece.labels, model.probabilities(piece.images, max(len(piece), 1))


def _binned(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """(3, BINS): sums of the confidences, counts of right predictions and of all, by confidence."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    # A confidence on the border of two bins belongs to the lower one.
    index = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    sums = (confidence, right, np.ones(len(labels)))
    return np.stack([np.bincount(index, values, BINS) for values in sums])


def _least(
    found: list[tuple[float, Answer]],
    scores: NDArray[Any],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    first: int,
    keep: int,
) -> list[tuple[float, Answer]]:
    """Scores and answers, those of the least finite scores so far, with a batch's.

    first: the number of the batch's first image in its split
    """
    rows = np.argsort(scores, kind="stable")[:keep]
    rows = rows[np.isfinite(scores[rows])]
    new = _answers(labels, probabilities, rows.tolist(), (first + rows).tolist())
    found = [*found, *zip(scores[rows].tolist(), new, strict=True)]
    return sorted(found, key=lambda one: (one[0], one[1].index))[:keep]


def _answers(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    rows: Iterable[int],
    indices: Iterable[int],
) -> Iterator[Answer]:
    """What is said in some rows of a batch, by their positions in the split."""
    for row, index in zip(rows, indices, strict=True):
        prediction, label = int(probabilities[row].argmax()), int(labels[row])
        confidence, truth = (float(probabilities[row, number]) for number in (prediction, label))
        yield Answer(int(index), label, prediction, confidence, truth)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _or_none(share: float) -> float | None:
    return None if np.isnan(share) else share
