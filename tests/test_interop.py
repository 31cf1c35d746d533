"""Other people's libraries read what is written here, and what they write is read here.

Hugging Face's `datasets` and `webdataset` are asked beside the tests of their formats.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from digitprep import formats
from digitprep.dataset import Dataset, Split

RNG = np.random.default_rng(0)
TRAIN = Split(RNG.integers(0, 256, (30, 28, 28), np.uint8), RNG.integers(0, 10, 30))
TEST = Split(RNG.integers(0, 256, (12, 28, 28), np.uint8), RNG.integers(0, 10, 12), "test")
PREFIXES = {"train": "train", "test": "t10k"}


def assert_same(found: Dataset, *expected: Split) -> None:
    assert list(found) == [split.name for split in expected]
    for split in expected:
        np.testing.assert_array_equal(found[split.name].images, split.images)
        np.testing.assert_array_equal(found[split.name].labels, split.labels)


def test_idx2numpy_reads_idx(tmp_path: Path) -> None:
    idx2numpy = pytest.importorskip("idx2numpy")
    formats.write([TRAIN, TEST], tmp_path / "idx", format="idx")
    for split in (TRAIN, TEST):
        prefix = tmp_path / "idx" / PREFIXES[split.name]
        with gzip.open(f"{prefix}-images-idx3-ubyte.gz") as images:
            np.testing.assert_array_equal(idx2numpy.convert_from_file(images), split.images)
        with gzip.open(f"{prefix}-labels-idx1-ubyte.gz") as labels:
            np.testing.assert_array_equal(idx2numpy.convert_from_file(labels), split.labels)


def test_idx_of_idx2numpy_is_read(tmp_path: Path) -> None:
    idx2numpy = pytest.importorskip("idx2numpy")
    for split in (TRAIN, TEST):
        prefix = tmp_path / PREFIXES[split.name]
        idx2numpy.convert_to_file(f"{prefix}-images-idx3-ubyte", split.images)
        idx2numpy.convert_to_file(f"{prefix}-labels-idx1-ubyte", split.labels.astype(np.uint8))
    assert_same(formats.read(tmp_path), TRAIN, TEST)


def test_pandas_reads_csv(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    formats.write([TRAIN, TEST], tmp_path / "csv", format="csv")
    for split in (TRAIN, TEST):
        table = pandas.read_csv(tmp_path / "csv" / f"{split.name}.csv")
        assert list(table)[:2] == ["label", "pixel0"]
        np.testing.assert_array_equal(table.pop("label"), split.labels)
        np.testing.assert_array_equal(table.to_numpy(np.uint8).reshape(split.images.shape), split.images)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_csv_of_other_libraries_is_read(library: str, tmp_path: Path) -> None:
    tables = pytest.importorskip(library)
    for split in (TRAIN, TEST):
        columns = {"label": split.labels}
        columns |= {f"pixel{index}": pixel for index, pixel in enumerate(split.images.reshape(-1, 784).T)}
        table, file = tables.DataFrame(columns), tmp_path / f"{split.name}.csv"
        table.to_csv(file, index=False) if library == "pandas" else table.write_csv(file)
    assert_same(formats.read(tmp_path), TRAIN, TEST)


def test_numpy_reads_npz_by_the_keys_of_keras_and_its_own_is_read(tmp_path: Path) -> None:
    formats.write([TRAIN, TEST], tmp_path / "mnist.npz")
    with np.load(tmp_path / "mnist.npz", allow_pickle=False) as arrays:
        found = {key: arrays[key] for key in ("x_train", "y_train", "x_test", "y_test")}
    for split in (TRAIN, TEST):
        np.testing.assert_array_equal(found[f"x_{split.name}"], split.images)
        np.testing.assert_array_equal(found[f"y_{split.name}"], split.labels)
    np.savez_compressed(tmp_path / "saved.npz", **found)
    assert_same(formats.read(tmp_path / "saved.npz"), TRAIN, TEST)
