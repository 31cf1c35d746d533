"""Parquet as `datasets` keeps it: ours read by that package, its own read here, and damage named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitprep import formats
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError, UsageError
from digitprep.formats.png import encode_png

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

PNG = encode_png(np.arange(6, dtype=np.uint8).reshape(2, 3))


def some(count: int = 7, name: str = "train", **more: Any) -> Split:
    rng = np.random.default_rng(count)
    return Split(rng.integers(0, 256, (count, 5, 4), np.uint8), rng.integers(0, 10, count), name, **more)


def table(path: Path, **columns: list[Any]) -> Path:
    parquet.write_table(pyarrow.table(columns), path)
    return path


def assert_same(found: Split, expected: Split) -> None:
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_datasets_gives_images_and_class_labels_of_what_is_written(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets")
    data = Dataset([some(7), some(3, "val"), some(4, "test")])
    formats.write(data, tmp_path / "out", format="parquet")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train", "validation", "test"]
    for name, split in zip(loaded, data.values(), strict=True):
        assert isinstance(loaded[name].features["image"], datasets.Image)
        assert loaded[name].features["label"].names == [str(digit) for digit in range(10)]
        np.testing.assert_array_equal(
            np.stack([np.array(row["image"]) for row in loaded[name]]), split.images
        )
        assert loaded[name]["label"] == split.labels.tolist()


def test_what_datasets_writes_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    from PIL import Image

    split, names = some(5, class_names=tuple("abcdefghij")), list("abcdefghij")
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=names))
    rows = {"image": [Image.fromarray(image) for image in split.images], "label": split.labels.tolist()}
    made = datasets.Dataset.from_dict(rows, features=features)
    made.to_parquet(str(tmp_path / "test-00000-of-00001.parquet"))
    found = formats.read(tmp_path)["test"]
    assert_same(found, split)
    assert found.class_names == tuple(names)


def test_class_names_and_sample_names_come_back(tmp_path: Path) -> None:
    names, samples = ("T-shirt/top", "é", "bag"), ("a.png", "b.png")
    split = Split(np.zeros((2, 3, 3), np.uint8), np.array([2, 0]), "train", samples, names)
    formats.write(split, tmp_path / "train.parquet")
    found = formats.read(tmp_path / "train.parquet")["train"]
    assert (found.class_names, found.sample_names) == (names, samples)


def test_a_file_holds_one_split_and_its_name_tells_which(tmp_path: Path) -> None:
    formats.write(some(3, "test"), tmp_path / "mnist-test.parquet")
    assert list(formats.read(tmp_path / "mnist-test.parquet")) == ["test"]
    for data in ([some(), some(3, "test")], [some(3, "val")]):
        with pytest.raises(UsageError, match=r"holds one split, 'train'.*--to parquet"):
            formats.write(data, tmp_path / "mnist.parquet")
    assert not (tmp_path / "mnist.parquet").exists()


def test_numbered_files_are_one_split_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    whole = some(30)
    for number, start in enumerate(range(0, 30, 3)):
        formats.write(whole[start : start + 3], tmp_path / "train.parquet", overwrite=True)
        (tmp_path / "train.parquet").rename(tmp_path / "data" / f"train-{number:05}-of-00010.parquet")
    assert_same(formats.read(tmp_path, batch=7)["train"], whole)
    (tmp_path / "data" / "train-00004-of-00010.parquet").unlink()
    with pytest.raises(DataError, match=r"train-00000-of-00010.parquet: expected train's 10 files.*found 9"):
        formats.read(tmp_path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"]}, "expected a column image or img, found text"),
        ({"image": ["a"]}, "column 'image': expected image files, as binary or as struct"),
        ({"image": [PNG], "label": ["seven"]}, "column 'label': expected whole numbers, found string"),
        ({"image": [PNG, None], "label": [1, 2]}, "row 1: expected the bytes of an image, found none"),
        ({"image": [{"bytes": None, "path": "x.png"}]}, "row 0: expected the bytes of an image"),
        ({"image": [PNG, PNG], "label": [1, None]}, "row 1: expected a label, found none"),
        ({"image": [PNG, PNG[:40]], "label": [1, 2]}, "row 1: byte .*: expected a whole PNG chunk"),
        ({"image": [PNG], "label": [-1]}, "expected a label from 0 to 9, found -1"),
        ({"image": [PNG, encode_png(np.zeros((3, 3), np.uint8))]}, "row 1: expected 2 x 3"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(columns: Any, message: str, tmp_path: Path) -> None:
    file = table(tmp_path / "train.parquet", **columns)
    with pytest.raises(DataError, match=message):
        formats.read(file)


def test_other_columns_are_passed_over_and_plain_binary_will_do(tmp_path: Path) -> None:
    file = table(tmp_path / "x.parquet", id=[1, 2], img=[PNG, PNG], labels=[3, 4])
    found = formats.read(file)["train"]
    assert found.labels.tolist() == [3, 4]
    assert found.images[1].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_changed_label_is_seen_by_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    formats.write(Split(np.zeros((4, 2, 2), np.uint8), np.array([1, 2, 1, 2])), file)
    labels = np.array([1, 2, 1, 2], "<i8").tobytes()
    data = file.read_bytes()
    assert data.count(labels) == 1
    file.write_bytes(data.replace(labels, np.array([1, 3, 1, 2], "<i8").tobytes()))
    with pytest.raises(DataError, match="expected a sound Parquet file"):
        formats.read(file)
