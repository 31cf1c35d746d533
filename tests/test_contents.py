"""What a dataset holds, its fingerprint, and the first difference between two."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from digitprep.contents import EvenSample, difference, fingerprint, summary
from digitprep.dataset import Split


def split(count: int = 5, name: str = "train", **changes: Any) -> Split:
    images = np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3)
    return Split(**{"images": images, "labels": np.arange(count) % 10, "name": name, **changes})


def test_a_fingerprint_depends_on_the_content_and_on_nothing_else() -> None:
    data = [split(5), split(3, "test")]
    same = fingerprint(data)
    assert fingerprint([*split(5).batches(2), *split(3, "test").batches(1)]) == same
    assert fingerprint([split(5, sample_names=tuple("abcde")), split(3, "test")]) == same
    others = [
        [split(5)],
        [split(5, labels=None), split(3, "test")],
        [split(5, labels=np.array([0, 1, 2, 3, 5])), split(3, "test")],
        [split(5, "val"), split(3, "test")],
        [split(5), split(3, "test"), split(0, "val")],
        [split(5, images=split(5).images.reshape(5, 3, 2)), split(3, "test")],
        [split(5, images=split(5).images + np.uint8(1)), split(3, "test")],
    ]
    assert len({same, *map(fingerprint, others)}) == 1 + len(others)
    assert fingerprint([split(0)]) != fingerprint([split(0, labels=None)])


def changed(array: Any, index: Any) -> Any:
    array = array.copy()
    array[index] += 1
    return array


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([split(5, labels=changed(split(5).labels, 3))], "split 'train', sample 3: label 3 in A, 4 in B"),
        (
            [split(5, images=changed(split(5).images, (4, 1, 2)))],
            r"split 'train', sample 4: pixel \(row 1, column 2\) is 29 in A, 30 in B",
        ),
        ([split(4)], "split 'train', number of samples: 5 in A, 4 in B|only A has sample 4"),
        ([split(6)], "split 'train', number of samples|only B has sample 5"),
        ([split(5, name="val")], "A goes on with split 'train', B with 'val'"),
        ([split(5, labels=None)], "labels: some in A"),
        ([split(5), split(1, "test")], "only B has sample 0 of split 'test'"),
        ([], "only A has sample 0 of split 'train'"),
        ([split(5, images=np.zeros((5, 4, 4), np.uint8))], "images: 2 x 3 in A, 4 x 4 in B"),
    ],
)
@pytest.mark.parametrize("batch", [2, 9])
def test_the_first_difference_is_told_with_its_place(other: list[Split], message: str, batch: int) -> None:
    a = list(split(5).batches(batch))
    b = [part for whole in other for part in whole.batches(batch)]
    found = difference(a, b)
    assert found is not None
    assert re.search(message, found), found


def test_the_same_content_has_no_difference() -> None:
    assert difference(split(5).batches(2), split(5, sample_names=tuple("abcde")).batches(2)) is None
    assert difference([], []) is None
    assert difference([split(0)], [split(0)]) is None


def test_a_summary_counts_and_measures_over_all_batches() -> None:
    images = np.array([0, 255, 255, 0], np.uint8).reshape(4, 1, 1)
    whole = Split(images, np.array([3, 1, 3, 3]))
    described = summary([*whole.batches(3), split(2, "test", labels=None)])
    assert described["splits"]["train"] == {
        "count": 4,
        "size": "1 x 1",
        "type": "uint8",
        "labels": {1: 1, 3: 3},
        "class_names": None,
        "mean": 0.5,
        "deviation": 0.5,
    }
    assert described["splits"]["test"]["labels"] is None
    assert described["fingerprint"] == fingerprint([whole, split(2, "test", labels=None)])


@pytest.mark.parametrize("count", [0, 1, 7, 10, 11, 100, 1001])
@pytest.mark.parametrize("batch", [1, 3, 10, 2000])
def test_a_sample_is_spread_evenly_and_the_same_in_any_batches(count: int, batch: int) -> None:
    images = np.arange(count, dtype=np.uint16).view(np.uint8).reshape(count, 1, 2)
    sample = EvenSample(10)
    for start in range(0, count, batch):
        sample.add(images[start : start + batch])
    places = [int(image.copy().view(np.uint16)[0, 0]) for image in sample.images]
    assert places == list(range(0, count, sample.stride))
    assert len(places) == count if count <= 10 else 5 <= len(places) <= 10
