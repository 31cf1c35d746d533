"""Compare what a model says of labelled images with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Split, check_labels
from digitprep.errors import DataError, UsageError
from digitprep.evaluation import Answer, Bin, Evaluation
from digitprep.nn.engines import Classifier

BINS = 15  # as in Guo et al., see Evaluation.calibration_error


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
