"""How good a model is on labelled images, and which of them it finds hard."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _or_none(share: float) -> float | None:
    return None if np.isnan(share) else share
