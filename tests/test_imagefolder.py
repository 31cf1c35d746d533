"""Hugging Face's imagefolder: what we write, `datasets` loads, and the other way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitprep import formats
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError, UsageError
from digitprep.formats.png import encode_png


def rows(*found: tuple[Any, ...]) -> str:
    return "".join(json.dumps(dict(zip(("file_name", "label"), row, strict=False))) + "\n" for row in found)


def tree(folder: Path, files: dict[str, Any]) -> Path:
    """Files named by their paths; a number is a picture of that grey."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = (
            encode_png(np.full((2, 3), content, np.uint8)) if isinstance(content, int) else content.encode()
        )
        (folder / name).write_bytes(data)
    return folder


def digits(count: int, name: str = "train", **options: Any) -> Split:
    images = np.random.default_rng(count).integers(0, 256, (count, 5, 4), np.uint8)
    return Split(images, np.arange(count) % 10, name, **options)


def test_rows_give_the_order_and_the_labels(tmp_path: Path) -> None:
    files = {"train/metadata.jsonl": rows(("b/2.png", 7), ("1.png", 3)), "train/1.png": 1, "train/b/2.png": 2}
    split = formats.read(tree(tmp_path, files))["train"]
    assert split.labels.tolist() == [7, 3]
    assert split.images[:, 0, 0].tolist() == [2, 1]
    assert split.sample_names == ("b/2.png", "1.png")


def test_a_table_is_read_as_json_lines_are(tmp_path: Path) -> None:
    text = "\ufeffid,file_name,label\r\n1,x.png,7\r\n\r\n2,sub\\y.png,3\r\n"
    split = formats.read(tree(tmp_path, {"metadata.csv": text, "x.png": 1, "sub/y.png": 2}))["train"]
    assert split.labels.tolist() == [7, 3]


def test_metadata_above_the_splits_names_them_by_their_folders(tmp_path: Path) -> None:
    files = {
        "metadata.jsonl": rows(("train/1.png", 1), ("validation/1.png", 2)),
        "train/1.png": 1,
        "validation/1.png": 2,
    }
    assert {name: split.labels.tolist() for name, split in formats.read(tree(tmp_path, files)).items()} == {
        "train": [1],
        "val": [2],
    }


def test_words_as_labels_are_names_of_classes(tmp_path: Path) -> None:
    files = {"metadata.jsonl": rows(("1.png", "zebra"), ("2.png", "ant")), "1.png": 1, "2.png": 2}
    split = formats.read(tree(tmp_path, files))["train"]
    assert (split.class_names, split.labels.tolist()) == (("ant", "zebra"), [1, 0])


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_hugging_face_loads_images_and_classes(kind: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    names = tuple(f"no. {digit}: \"x\" 'y' é" for digit in range(10))
    data = Dataset(
        [
            digits(30, class_names=names),
            digits(12, "val", class_names=names),
            digits(11, "test", class_names=names),
        ]
    )
    formats.write(data, tmp_path / "out", format=f"imagefolder(metadata={kind!r})")
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(found) == ["train", "validation", "test"]
    for name, split in zip(found, data.values(), strict=True):
        assert isinstance(found[name].features["image"], datasets.Image)
        assert found[name].features["label"] == datasets.ClassLabel(names=list(names))
        assert found[name]["label"] == split.labels.tolist()
        np.testing.assert_array_equal([np.array(image) for image in found[name]["image"]], split.images)
    again = formats.read(tmp_path / "out")
    assert [split.class_names for split in again.values()] == [names] * 3


def test_hugging_face_finds_the_same_labels_without_the_card(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    formats.write(digits(12), tmp_path / "out", format="imagefolder")
    options = {"data_dir": str(tmp_path / "out"), "cache_dir": str(tmp_path / "cache"), "split": "train"}
    assert datasets.load_dataset("imagefolder", **options)["label"][:] == digits(12).labels.tolist()
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=10)})
    assert datasets.load_dataset("imagefolder", features=features, **options).features == features


def test_more_classes_than_ten_and_numbers_without_bound_are_kept(tmp_path: Path) -> None:
    for labels in ([0, 61], [0, 10**6]):
        split = Split(np.zeros((2, 2, 2), np.uint8), np.array(labels))
        formats.write(split, tmp_path / "out", format="imagefolder", overwrite=True)
        assert formats.read(tmp_path / "out", classes=None)["train"].labels.tolist() == labels


def test_the_name_validation_is_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'validation' means the split 'val'"):
        formats.write(digits(2, "validation"), tmp_path / "out", format="imagefolder")


BAD: dict[str, tuple[str, str]] = {
    "up": (
        rows(("1.png", 1), ("../1.png", 2)),
        r"line 2: expected a path inside.* found '\.\./1\.png'",
    ),
    "up, by Windows": (rows(("a\\..\\..\\1.png", 2)), "line 1: expected a path inside the folder"),
    "absolute": (rows(("/etc/1.png", 2)), "line 1: expected a path inside the folder"),
    "a drive": (rows(("C:\\1.png", 2)), "line 1: expected a path inside the folder"),
    "twice": (
        rows(("1.png", 1), ("./1.png", 1)),
        r"line 2: expected each image once, found .* after line 1",
    ),
    "missing": (rows(("1.png", 1), ("3.png", 1)), r"line 2: expected an image that is there, found '3\.png'"),
    "a label missing": (rows(("1.png", 1), ("2.png",)), "line 2: expected labels in all rows or in none"),
    "unnamed": (
        rows(("1.png", 1)),
        r"2\.png: expected an image that the metadata names, found no row",
    ),
    "no name": ('{"label": 1}\n', 'line 1: expected an object with a "file_name"'),
    "broken": (rows(("1.png", 1)) + '{"file_name": ', "line 2: expected a JSON object"),
    "too deep": ("[" * 99_999, "line 1: expected a JSON object"),
    "a truth": (
        rows(("1.png", True), ("2.png", 1)),
        "line 1: expected a label, .*found true",
    ),
    "a fraction": (rows(("1.png", 1.5), ("2.png", 1)), "found 1.5"),
    "not a number": (rows(("1.png", float("nan")), ("2.png", 1)), "found NaN"),
    "enormous": (rows(("1.png", 10**30), ("2.png", 1)), "found 1000"),
    "nothing": (rows(("1.png", None), ("2.png", 1)), "found null"),
    "negative": (rows(("1.png", -1), ("2.png", 1)), "sample 0: expected a label from 0 to 9, found -1"),
}


@pytest.mark.parametrize("case", BAD)
def test_metadata_that_is_wrong_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    text, message = BAD[case]
    with pytest.raises(DataError, match=message) as raised:
        formats.read(tree(tmp_path, {"train/metadata.jsonl": text, "train/1.png": 1, "train/2.png": 2}))
    assert str(raised.value).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\n", "line 1: expected a column file_name, found name, label"),
        ("file_name,label\n1.png\n", "line 2: expected 2 cells, found 1"),
        ("file_name,label\n1.png,\n", 'line 2: expected a label, a number or a word, found ""'),
        ("file_name,label\nfile_name,label\n", "line 2: expected an image that is there, found 'file_name'"),
        ("", "line 1: expected a column file_name, found nothing"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        formats.read(tree(tmp_path, {"metadata.csv": text, "1.png": 1}))


def test_two_kinds_of_metadata_are_refused(tmp_path: Path) -> None:
    files = {"metadata.csv": "file_name\n1.png\n", "metadata.jsonl": rows(("1.png",)), "1.png": 1}
    with pytest.raises(DataError, match=r"expected one metadata file.*found metadata\.jsonl, metadata\.csv"):
        formats.read(tree(tmp_path, files))


@pytest.mark.parametrize(
    ("link", "metadata", "message"),
    [
        (
            "a",
            {"metadata.jsonl": rows(("a/b/1.png", 1))},
            r"line 1: .*'a/b/1\.png', behind a link; links are",
        ),
        (
            "a/b",
            {"a/metadata.jsonl": rows(("b/1.png", 1))},
            r"line 1: .*'b/1\.png', behind a link; links are",
        ),
        ("a", {}, "a: expected a folder, found a link; links are"),
    ],
)
def test_folders_behind_links_are_refused(
    link: str, metadata: dict[str, str], message: str, tmp_path: Path
) -> None:
    metadata = {f"data/{name}": text for name, text in metadata.items()}
    tree(tmp_path, {"away/b/1.png": 1} | (metadata or {"away/metadata.jsonl": rows(("b/1.png", 1))}))
    (tmp_path / "data" / link).parent.mkdir(exist_ok=True, parents=True)
    try:
        (tmp_path / "data" / link).symlink_to(tmp_path / "away" / link.partition("/")[2])
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(DataError, match=message):
        formats.read(tmp_path / "data")


def test_a_linked_image_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, {"away.png": 1, "data/metadata.jsonl": rows(("1.png", 1))})
    try:
        (tmp_path / "data" / "1.png").symlink_to(tmp_path / "away.png")
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(DataError, match=r"1\.png: expected an image file, found a link"):
        formats.read(tmp_path / "data")
