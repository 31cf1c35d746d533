"""Pairs of .npy files in a folder."""

from __future__ import annotations

import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitprep import formats
from digitprep.dataset import Split
from digitprep.errors import DataError

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([7, 0, 9])


def saved(folder: Path, **arrays: Any) -> Path:
    for key, array in arrays.items():
        np.save(folder / f"{key}.npy", array)
    return folder


def with_header(text: str, values: bytes = b"") -> bytes:
    header = (text + "\n").encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values


@pytest.mark.parametrize(
    ("images", "labels", "split"),
    [
        ("x_train", "y_train", "train"),
        ("x_test", "y_test", "test"),
        ("train_images", "train_labels", "train"),
        ("val_x", "val_y", "val"),
        ("images", "labels", "train"),
        ("X", "y", "train"),
    ],
)
def test_files_named_as_the_arrays_of_an_archive_are_read(
    images: str, labels: str, split: str, tmp_path: Path
) -> None:
    data = formats.read(saved(tmp_path, **{images: IMAGES, labels: LABELS}))
    np.testing.assert_array_equal(data[split].images, IMAGES)
    assert data[split].labels.tolist() == LABELS.tolist()


def test_written_files_are_what_numpy_loads(tmp_path: Path) -> None:
    formats.write(Split(IMAGES, LABELS, "test"), tmp_path / "out", format="npypair")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "x_test.npy"), IMAGES)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "y_test.npy"), LABELS)


def test_columns_first_and_the_other_byte_order_are_read_as_the_same_values(tmp_path: Path) -> None:
    saved(tmp_path, x_train=np.asfortranarray(IMAGES), y_train=LABELS.astype(">i2"))
    split = formats.read(tmp_path, batch=2)["train"]
    np.testing.assert_array_equal(split.images, IMAGES)
    assert split.labels.tolist() == LABELS.tolist()


def test_a_file_larger_than_a_batch_is_never_held_whole(tmp_path: Path) -> None:
    saved(tmp_path, images=np.zeros((20_000, 28, 28), np.uint8), labels=np.zeros(20_000, np.uint8))
    tracemalloc.start()
    try:
        assert sum(len(part) for part in formats.stream(tmp_path, batch=100)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}"
BAD_IMAGES = {
    "terabytes": (
        with_header(HEADER.format("|u1", (10**12, 28, 28)), bytes(784)),
        r"784,000,000,000,000 bytes .*found 784",
    ),
    "negative sizes": (with_header(HEADER.format("|u1", (-2, -2, 4)), bytes(16)), "a possible shape"),
    "objects": (with_header(HEADER.format("|O", (3,)), b"cos\nsystem\n"), "found pickled Python objects"),
    "a call in the header": (with_header("__import__('os').abort()"), "expected a sound NumPy file"),
    "text": (b"hello", "expected a sound NumPy file"),
    "empty": (b"", "found an empty file"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_a_file_that_holds_no_images_is_refused_by_name(case: str, tmp_path: Path) -> None:
    content, message = BAD_IMAGES[case]
    saved(tmp_path, y_train=LABELS)
    (tmp_path / "x_train.npy").write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(tmp_path)
    assert str(raised.value).startswith(str(tmp_path / "x_train.npy"))


def test_labels_that_pickle_hides_code_in_are_never_loaded(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    np.save(tmp_path / "y_train.npy", np.array([Harm(), 1, 2], object), allow_pickle=True)
    saved(tmp_path, x_train=IMAGES)
    with pytest.raises(DataError, match="pickled Python objects"):
        formats.read(tmp_path)
    assert not (tmp_path / "harm").exists()


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, x_train=IMAGES, y_train=LABELS[:2])
    with pytest.raises(DataError, match=r"y_train\.npy: array 'y_train': expected 3 labels"):
        formats.read(tmp_path)
    (tmp_path / "x_train.npy").rename(tmp_path / "x_test.npy")
    with pytest.raises(DataError, match="expected images for every split, found labels alone"):
        formats.read(tmp_path)


def test_floats_that_would_be_rounded_are_read_only_when_asked_for(tmp_path: Path) -> None:
    saved(tmp_path, images=np.full((1, 2, 2), 0.3337))
    advice = "--from 'npypair(round_floats=True)'"
    with pytest.raises(DataError, match=re.escape(advice)):
        formats.read(tmp_path)
    assert formats.read(tmp_path, format="npypair(round_floats=True)")["train"].images[0, 0, 0] == 85
