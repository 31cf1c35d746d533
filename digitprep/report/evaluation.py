"""A page on how good a network is: what it confuses, where it is sure and wrong, and what it says of some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitprep.dataset import Split
from digitprep.evaluating import answers
from digitprep.evaluation import Answer, Evaluation
from digitprep.nn.engines import Classifier
from digitprep.report.html import rendered

SHOWN = 25  # random images, in 5 rows of 5
MOST_CLASSES = 100  # in a matrix that can be looked at
MOST_CONFUSIONS = 10


@dataclass(frozen=True, eq=False)
class Examined:
    """A split, how a network does on it, and what it says of a few of its images."""

    split: Split
    evaluation: Evaluation
    shown: tuple[Answer, ...]


def examined(model: Classifier, split: Split, evaluation: Evaluation, seed: int = 0) -> Examined:
    """The evaluation of a split with what the model says of 25 of its images, drawn at random."""
    drawn = np.random.default_rng(seed).choice(len(split), min(SHOWN, len(split)), replace=False)
    return Examined(split, evaluation, answers(model, split, drawn.tolist()))


def evaluation_page(title: str, network: str, parts: Sequence[Examined]) -> bytes:
    """Examined splits -> one HTML file that needs nothing else; the same input gives the same bytes.

    network: what is said of it, as text

    Raises MissingExtra without jinja2.
    """
    sections = [_section(part) for part in parts]
    return rendered("evaluation.html", title=title, network=network, sections=sections)


def _section(part: Examined) -> dict[str, Any]:
    """All that the template shows of a split."""
    evaluation = part.evaluation
    names = evaluation.class_names
    return {
        "name": part.split.name,
        "evaluation": evaluation,
        "interval": evaluation.accuracy_interval,
        "matrix": _matrix(evaluation) if len(names) <= MOST_CLASSES else [],
        "confusions": _confusions(evaluation),
        "classes": _classes(evaluation),
        "mistakes": [_figure(part, answer) for answer in evaluation.mistakes],
        "shown": [_figure(part, answer) for answer in part.shown],
    }


def _matrix(evaluation: Evaluation) -> list[dict[str, Any]]:
    """A row a true class; the mistakes are shaded, the most frequent one darkest."""
    counts = evaluation.confusion
    wrong = counts - np.diag(counts.diagonal())
    shades = wrong / max(int(wrong.max()), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [
        {
            "name": name,
            "cells": [
                {"count": count, "share": share, "shade": shade, "is_right": row == column}
                for column, (count, share, shade) in enumerate(
                    zip(counts[row].tolist(), shares[row].tolist(), shades[row].tolist(), strict=True)
                )
            ],
            "recall": evaluation.recall[row],
        }
        for row, name in enumerate(evaluation.class_names)
    ]


def _confusions(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The pairs that are most often taken for each other: true, read, how often."""
    wrong = evaluation.confusion - np.diag(evaluation.confusion.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    names = evaluation.class_names
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return [
        {"true": names[true], "read": names[read], "count": int(wrong[true, read])}
        for true, read in pairs
        if wrong[true, read]
    ]


def _classes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The figures of each class, and its bars: as long as its share of errors beside the greatest one."""
    missed, foreign = 1 - evaluation.recall, 1 - evaluation.precision
    longest = max(np.nanmax([*missed, *foreign, 0.0]), 1e-9)
    return [
        {
            "name": name,
            "count": int(evaluation.confusion[number].sum()),
            "missed": missed[number],
            "foreign": foreign[number],
            "missed_width": float(np.nan_to_num(missed[number] / longest)),
            "foreign_width": float(np.nan_to_num(foreign[number] / longest)),
        }
        for number, name in enumerate(evaluation.class_names)
    ]


def _figure(part: Examined, answer: Answer) -> dict[str, Any]:
    """An image with what it is and what was read."""
    names, samples = part.evaluation.class_names, part.split.sample_names
    return {
        "pixels": part.split.images[answer.index],
        "answer": answer,
        "true": names[answer.label],
        "read": names[answer.prediction],
        "name": samples[answer.index] if samples else f"image {answer.index}",
    }
