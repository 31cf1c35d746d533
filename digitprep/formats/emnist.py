"""What is special about EMNIST's files: images on their side, and labels that stand for characters.

Rows and columns are swapped in all of them, and the labels of the letters begin with 1.

Source: Cohen, Afshar, Tapson and van Schaik, "EMNIST: an extension of MNIST to handwritten letters",
2017, and the mapping files that come with the dataset. Where upper and lower case are one class, it
is named by its capital.
"""

from __future__ import annotations

import re
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase, digits

import numpy as np

from digitprep.dataset import Split
from digitprep.errors import DataError

MERGED = digits + ascii_uppercase + "abdefghnqrt"
CLASSES = {
    "digits": digits,
    "mnist": digits,
    "letters": ascii_uppercase,
    "balanced": MERGED,
    "bymerge": MERGED,
    "byclass": digits + ascii_uppercase + ascii_lowercase,
}
FIRST_LABEL = {"letters": 1}
NAME = re.compile(rf"(?:.*[\W_])?emnist(?:[-_]({'|'.join(CLASSES)}))?(?:[-_].*)?", re.IGNORECASE)


def set_of(name: str) -> str | None:
    """Which of EMNIST's sets the name of a set means: "" where it does not say which; None for no EMNIST."""
    match = NAME.fullmatch(name)
    return match and (match[1] or "").lower()


def upright(part: Split, set_name: str, where: str) -> Split:
    """A part as stored -> its images upright, its labels from 0, and the names of its classes.

    Raises DataError for a label that the set does not have.
    """
    classes, first = CLASSES[set_name], FIRST_LABEL.get(set_name, 0)
    advice = "; --from 'idx(emnist=\"no\")' reads the file as it is"
    return put_right(part, classes, first, where, f"as EMNIST {set_name} has", advice)


def put_right(part: Split, classes: str, first: int, where: str, having: str, advice: str = "") -> Split:
    """The same for any classes, a character each, whose labels are counted from `first`."""
    labels = part.labels
    if labels is not None:
        wrong = np.flatnonzero((labels < first) | (labels >= first + len(classes)))
        if len(wrong):
            raise DataError(
                f"{where}: expected labels from {first} to {first + len(classes) - 1}, {having}, "
                f"found {labels[wrong[0]]}{advice}"
            )
        labels = labels - first
    # Plain digits need no names, and without them such a set is merged with any other of digits.
    names = None if classes == digits else tuple(classes)
    images = np.ascontiguousarray(part.images.swapaxes(1, 2))
    return replace(part, images=images, labels=labels, class_names=names)
