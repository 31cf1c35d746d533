"""A folder a class."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitprep import formats
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError
from digitprep.formats.png import encode_png


def picture(value: int, shape: tuple[int, ...] = (2, 3)) -> bytes:
    return encode_png(np.full(shape, value, np.uint8))


def tree(folder: Path, **files: Any) -> Path:
    """Files named by their paths; a number is a picture of that grey."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(content) if isinstance(content, int) else content)
    return folder


def by_pillow(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(np.full((2, 3), 9, np.uint8))).save(buffer, kind, **options)
    return buffer.getvalue()


def test_classes_are_ordered_as_numbers_and_samples_by_their_files(tmp_path: Path) -> None:
    files = {"train/10/1.png": 1, "train/2/2.png": 2, "train/0/10.png": 10, "train/1/9.png": 9}
    split = formats.read(tree(tmp_path, **files), classes=11)["train"]
    assert split.labels.tolist() == [10, 2, 1, 0]
    assert split.images[:, 0, 0].tolist() == [1, 2, 9, 10]
    assert split.sample_names[0] == "train/10/1.png"
    assert split.class_names is None


def test_class_folders_alone_are_the_split_train(tmp_path: Path) -> None:
    data = formats.read(tree(tmp_path, **{"7/x.png": 1, "3/x.png": 2}))
    assert list(data) == ["train"]
    assert data["train"].labels.tolist() == [3, 7]


def test_class_folders_with_words_give_names_in_one_order_for_all_splits(tmp_path: Path) -> None:
    files = {"train/cat/1.png": 1, "train/zebra/2.png": 2, "test/ant/1.png": 3, "test/zebra/2.png": 4}
    data = formats.read(tree(tmp_path, **files))
    assert data["train"].class_names == data["test"].class_names == ("ant", "cat", "zebra")
    assert data["train"].labels.tolist() == [1, 2]
    assert data["test"].labels.tolist() == [0, 2]


def test_class_names_survive_in_their_own_order_even_where_no_folder_can_be_called_so(tmp_path: Path) -> None:
    names = ("zero", "T-shirt/top", "a:b", "..", "unlabelled", "é", "Thumbs.db")
    images = np.arange(7, dtype=np.uint8).reshape(-1, 1, 1)
    data = Dataset(
        [Split(images[:n], np.arange(n)[::-1], name, None, names) for name, n in (("train", 7), ("test", 2))]
    )
    formats.write(data, tmp_path / "out", format="classfolders")
    found = formats.read(tmp_path / "out")
    for name, split in data.items():
        assert found[name].class_names == names
        np.testing.assert_array_equal(found[name].labels, split.labels)
        np.testing.assert_array_equal(found[name].images, split.images)
    formats.write(data, tmp_path / "out", format="classfolders", overwrite=True)


def test_splits_that_name_their_classes_differently_are_refused(tmp_path: Path) -> None:
    images, labels = np.zeros((1, 2, 2), np.uint8), np.array([0])
    splits = [
        Split(images, labels, "train", None, ("a", "b")),
        Split(images, labels, "test", None, ("b", "a")),
    ]
    with pytest.raises(
        DataError, match="split 'test': expected the class names of the splits before it, a, b, found b, a"
    ):
        formats.write(splits, tmp_path / "out", format="classfolders")


def test_hugging_face_finds_classes_in_the_folders(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (30, 5, 4), np.uint8), np.arange(30) % 10)
    formats.write(split, tmp_path / "out", format="classfolders")
    found = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert found.features["label"] == datasets.ClassLabel(names=[str(digit) for digit in range(10)])
    order = np.argsort([Path(one["image"].filename).name for one in found], kind="stable")
    np.testing.assert_array_equal(np.array(found["label"])[order], split.labels)
    np.testing.assert_array_equal([np.array(found[int(index)]["image"]) for index in order], split.images)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "PPM"])
def test_other_kinds_of_images_are_read_exactly(kind: str, tmp_path: Path) -> None:
    split = formats.read(tree(tmp_path, **{f"7/x.{kind.lower()}": by_pillow(kind), "7/y.png": 9}))["train"]
    assert (split.images == 9).all()


def test_a_jpeg_is_read_upright_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(np.zeros((4, 8), np.uint8))
    split = formats.read(tree(tmp_path, **{"7/x.JPG": by_pillow("JPEG", image, exif=exif)}))["train"]
    assert split.images.shape == (1, 8, 4)


def test_what_file_managers_leave_is_passed_over(tmp_path: Path) -> None:
    junk = {
        ".DS_Store": b"",
        "7/.DS_Store": b"",
        "7/Thumbs.db": b"",
        "7/._x.png": b"",
        "7/.gitkeep": b"",
        "README.md": b"hello",
    }
    assert len(formats.read(tree(tmp_path, **junk, **{"7/x.png": 1}))["train"]) == 1


GLASS = by_pillow("WEBP", Image.new("RGBA", (3, 2), (9, 9, 9, 9)))
SOUND = {"train/7/1.png": 1, "train/8/2.png": 2}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another size": (
        {"train/7/3.png": picture(1, (4, 4))},
        r"expected 2 x 3, the size of train/7/1\.png, found 4 x 4",
    ),
    "colour among grey": (
        {"train/7/3.png": picture(1, (2, 3, 3))},
        r"7/3\.png: expected 2 x 3.*found 2 x 3 RGB",
    ),
    "no image": ({"train/7/3.jpg": b"hello"}, r"7/3\.jpg: expected an image"),
    "cut off": ({"train/7/3.bmp": by_pillow("BMP")[:60]}, r"7/3\.bmp: expected an image"),
    "empty": ({"train/7/3.gif": b""}, r"7/3\.gif: byte 0: expected a PNG, found an empty file"),
    "several frames": (
        {"train/7/3.gif": by_pillow("GIF", save_all=True, append_images=[Image.new("L", (3, 2))])},
        "found several frames",
    ),
    "transparent": (
        {"train/7/3.webp": GLASS},
        "found transparency",
    ),
    "16 bits": (
        {"train/7/3.tif": by_pillow("TIFF", Image.new("I;16", (3, 2)))},
        r"3\.tif: expected grey or RGB pixels, found mode I;16",
    ),
    "text": ({"train/7/notes.txt": b"hello"}, r"7: expected image files alone, found notes\.txt"),
    "a folder in a class": ({"train/7/more/1.png": 1}, "7: expected image files alone, found more"),
    "beside the classes": ({"train/3.png": 3}, r"train/3\.png: expected images in folders of their classes"),
    "beside the splits": ({"3.png": 3}, r"3\.png: expected images in folders of their classes"),
    "one number twice": ({"train/07/3.png": 3}, "expected one folder a class, found .*one number"),
    "unlisted": ({"classes.txt": b"7\n"}, r"8: expected a class that classes\.txt lists, found '8'"),
    "listed twice": (
        {"classes.txt": b"7\n8\n7\n"},
        "line 3: expected the name of one more class, found '7' again",
    ),
    "partly unlabelled": ({"train/unlabelled/3.png": 3}, "expected unlabelled alone, or classes, found both"),
}


@pytest.mark.parametrize("case", BAD)
def test_folders_that_are_wrong_are_refused_by_name(case: str, tmp_path: Path) -> None:
    files, message = BAD[case]
    with pytest.raises(DataError, match=message) as raised:
        formats.read(tree(tmp_path, **SOUND, **files), format="classfolders")
    assert str(raised.value).startswith(str(tmp_path))


def test_splits_and_classes_beside_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test: expected folders of classes, or folders of splits.*both"):
        formats.read(tree(tmp_path, **{"7/x.png": 1, "test/x.png": 2}))
    with pytest.raises(DataError, match=r"8: expected folders of classes, or folders of splits.*both"):
        formats.read(tree(tmp_path / "deeper", **{"train/7/x.png": 1, "8/x.png": 2}))


@pytest.mark.parametrize("link", ["train/7/3.png", "train/9", "test"])
def test_links_are_refused(link: str, tmp_path: Path) -> None:
    tree(tmp_path, **{f"data/{name}": value for name, value in SOUND.items()}, **{"away/7/1.png": 1})
    target = {"train/7/3.png": "away/7/1.png", "train/9": "away/7", "test": "away"}[link]
    try:
        (tmp_path / "data" / link).symlink_to(tmp_path / target)
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(DataError, match="found a link; links are not followed"):
        formats.read(tmp_path / "data")


def test_a_folder_of_photos_is_no_dataset(tmp_path: Path) -> None:
    tree(tmp_path, **{"1.png": 1, "sub/deep/er/2.png": 2})
    with pytest.raises(DataError, match="fit no known format"):
        formats.sniff(tmp_path)
