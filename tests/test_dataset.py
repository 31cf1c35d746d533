"""Splits and datasets: what belongs together stays together."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from digitprep.dataset import (
    Dataset,
    Split,
    check_labels,
    concatenate,
    size_text,
    split_order,
)
from digitprep.errors import DataError, UsageError


def split(count: int = 5, name: str = "train", **changes: Any) -> Split:
    images = np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3)
    return Split(**{"images": images, "labels": np.arange(count) % 10, "name": name, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((5, 6), np.uint8)}, r"\(N, H, W\) or \(N, H, W, 3\), found \(5, 6\)"),
        ({"images": np.zeros((5, 2, 2, 4), np.uint8)}, r"found \(5, 2, 2, 4\)"),
        ({"images": [[1]]}, "found None"),
        ({"images": np.zeros((5, 2, 2))}, "expected images of uint8, found float64"),
        ({"labels": np.arange(4)}, "as many labels as images, 5, found 4"),
        ({"labels": np.zeros(5)}, r"labels of \(N,\) whole numbers, found \(5,\) float64"),
        ({"labels": np.zeros((5, 1), int)}, r"found \(5, 1\)"),
        ({"labels": np.zeros(5, bool)}, "found .* bool"),
        ({"labels": np.full(5, 2**63, np.uint64)}, "too large for int64: 9223372036854775808"),
        ({"sample_names": ("a",)}, "as many sample names as images, 5, found 1"),
        ({"class_names": ("zero", "one")}, "sample 2: expected a label from 0 to 1, found 2"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=rf"split 'train'.*{message}"):
        split(**changes)


def test_labels_of_any_whole_type_become_int64() -> None:
    for dtype in ("u1", ">i2", "i8", "u8"):
        assert split(labels=np.arange(5, dtype=dtype)).labels.dtype == np.int64
    assert split(labels=[1, 2, 3, 4, 5]).labels.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "index", [slice(1, 4, 2), np.array([1, 3]), np.array([False, True, False, True, False])]
)
def test_a_selection_keeps_images_labels_and_names_together(index: Any) -> None:
    part = split(sample_names=tuple("abcde"))[index]
    assert part.labels.tolist() == [1, 3]
    assert part.sample_names == ("b", "d")
    np.testing.assert_array_equal(part.images, split().images[[1, 3]])


def test_batches_cover_all_and_an_empty_split_is_one_empty_batch() -> None:
    assert [len(part) for part in split(5).batches(2)] == [2, 2, 1]
    assert [len(part) for part in split(0).batches(2)] == [0]
    with pytest.raises(UsageError, match="at least 1 sample, found 0"):
        list(split().batches(0))


def test_arrays_for_other_libraries_have_the_shape_that_was_asked_for() -> None:
    x, y = split(5).to_xy()
    assert (x.shape, x.dtype, y.tolist()) == ((5, 2, 3), np.uint8, [0, 1, 2, 3, 4])
    x, y = split(5).to_xy(flatten=True, normalize=True, one_hot=True)
    assert (x.shape, x.dtype, y.shape) == ((5, 6), np.float32, (5, 10))
    assert x[4, 5] == np.float32(29) / 255
    np.testing.assert_array_equal(y.argmax(axis=1), np.arange(5))
    assert split(labels=np.full(5, 41)).to_xy(one_hot=True)[1].shape == (5, 42)
    assert split(class_names=tuple("abcdef")).to_xy(one_hot=True)[1].shape == (5, 6)
    assert split(0).to_xy(flatten=True)[0].shape[0] == 0
    with pytest.raises(DataError, match="has no labels"):
        split(labels=None).to_xy()


def test_a_dataset_orders_its_splits_and_knows_them_by_name() -> None:
    data = Dataset(split(name=name) for name in ("zoo", "test", "art", "val", "train"))
    assert list(data) == ["train", "val", "test", "art", "zoo"]
    assert sorted(data, key=split_order) == list(data)
    assert len(data) == 5
    assert "val" in data
    assert data.get("none") is None
    with pytest.raises(UsageError, match="no split is named 'none'; this dataset has: train, val"):
        data["none"]
    with pytest.raises(DataError, match="two splits share a name"):
        Dataset([split(), split()])


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("names", [None, tuple("abcde")])
def test_parts_put_together_are_the_split_they_came_from(labels: bool, names: Any) -> None:
    whole = split(sample_names=names) if labels else split(sample_names=names, labels=None)
    again = concatenate(whole.batches(2))
    np.testing.assert_array_equal(again.images, whole.images)
    assert again.sample_names == whole.sample_names
    assert (again.labels is None) == (whole.labels is None)
    if labels:
        np.testing.assert_array_equal(again.labels, whole.labels)


def test_parts_put_together_are_in_memory_once() -> None:
    parts = (split(images=np.full((64, 32, 32), value, np.uint8), labels=None) for value in range(200))
    tracemalloc.start()
    try:
        whole = concatenate(parts)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (whole.images[::64, 0, 0] == np.arange(200)).all()
    assert peak < 1.3 * whole.images.nbytes


def test_a_dataset_comes_from_parts_in_a_row_alone() -> None:
    parts = [*split(5).batches(2), *split(3, "test").batches(2)]
    assert {name: len(part) for name, part in Dataset.from_batches(parts).items()} == {"train": 5, "test": 3}
    with pytest.raises(DataError, match="two splits share a name"):
        Dataset.from_batches([split(), split(name="test"), split()])


def test_parts_that_differ_in_kind_are_not_put_together() -> None:
    with pytest.raises(DataError, match="expected images of 2 x 3, found 4 x 4"):
        concatenate([split(), split(images=np.zeros((5, 4, 4), np.uint8))])
    with pytest.raises(DataError, match="some of its images have labels and some have none"):
        concatenate([split(), split(labels=None)])


def test_sizes_are_told_height_first() -> None:
    assert size_text(np.zeros((0, 2, 3), np.uint8)) == "2 x 3"
    assert size_text(np.zeros((9, 2, 5, 3), np.uint8)) == "2 x 5 RGB"


def test_a_wrong_label_is_told_with_its_place() -> None:
    check_labels(np.array([0, 9]), 10, "here")
    check_labels(np.array([0, 10**9]), None, "here")
    with pytest.raises(
        DataError, match=r"here: sample 102: expected a label from 0 to 9, found 10; if the set"
    ):
        check_labels(np.array([0, 9, 10, 11]), 10, "here", first=100)
    with pytest.raises(DataError, match=r"expected a label of at least 0, found -3$"):
        check_labels(np.array([-3]), None, "here")
