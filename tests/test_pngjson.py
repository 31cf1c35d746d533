"""The tutorials' folder of PNG files with JSON labels, and the PNG code under it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitprep import formats
from digitprep.dataset import Split
from digitprep.errors import DataError
from digitprep.formats import pngjson
from digitprep.formats.png import decode_png, encode_png

GREY = np.random.default_rng(0).integers(0, 256, (6, 5), np.uint8)
RGB = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)


def dataset(
    tmp_path: Path, labels: Any = None, names: tuple[str, ...] = ("1.png", "2.png", "10.png")
) -> Path:
    (tmp_path / "train_x").mkdir()
    for value, name in enumerate(names):
        (tmp_path / "train_x" / name).write_bytes(encode_png(np.full((2, 2), value, np.uint8)))
    if labels is not None:
        text = labels if isinstance(labels, str) else json.dumps(labels)
        (tmp_path / "train_y.json").write_text(text)
    return tmp_path


def by_pillow(image: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_files_are_taken_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ("1.png", "2.png", "9.PNG", "10.png", "100.png")
    split = formats.read(dataset(tmp_path, [5, 6, 7, 8, 9], names))["train"]
    assert split.sample_names == names
    assert split.images[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert split.labels.tolist() == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("ending", ["", ".png"])
def test_labels_may_be_given_by_file_name(ending: str, tmp_path: Path) -> None:
    labels = {f"10{ending}": 7, f"1{ending}": 5, f"2{ending}": 6.0}
    assert formats.read(dataset(tmp_path, labels))["train"].labels.tolist() == [5, 6, 7]


def test_a_split_without_json_has_no_labels(tmp_path: Path) -> None:
    assert formats.read(dataset(tmp_path))["train"].labels is None


def test_json_from_windows_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = dataset(tmp_path)
    (path / "train_y.json").write_bytes(b"\xef\xbb\xbf[1,\r\n2, 3]\r\n")
    assert formats.read(path)["train"].labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize("junk", [".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"])
def test_what_file_managers_leave_is_no_image(junk: str, tmp_path: Path) -> None:
    path = dataset(tmp_path, [1, 2, 3])
    (path / "train_x" / junk).write_text("")
    assert len(formats.read(path)["train"]) == 3


@pytest.mark.parametrize("foreign", ["notes.txt", "4.jpg", "more"])
def test_anything_else_among_the_images_is_refused_by_name(foreign: str, tmp_path: Path) -> None:
    path = dataset(tmp_path)
    (path / "train_x" / foreign).mkdir()
    with pytest.raises(DataError, match=f"expected PNG files alone, found {foreign}"):
        formats.read(path)


BAD_LABELS = {
    "broken": ("[1, 2,\n 3 4]", r"line 2, column 4: expected JSON, found expecting ',' delimiter"),
    "cut off": ("[1, 2", "line 1, column 6"),
    "empty": ("", "line 1, column 1"),
    "a number": ("3", "expected a list of labels, or an object of file names and labels, found int"),
    "fewer": ([1, 2], "expected 3 labels, one for each image in train_x, found 2"),
    "more": ([1, 2, 3, 4], "expected 3 labels.*found 4"),
    "a boolean": ([1, True, 3], r"label 1 \(2.png\): expected a whole number, found true"),
    "a fraction": ([1, 2, 3.5], r"label 2 \(10.png\): expected a whole number, found 3.5"),
    "text": (["1", 2, 3], 'found "1"'),
    "nothing": ([None, 2, 3], "found null"),
    "not a number": ("[NaN, 1, 2]", "found NaN"),
    "enormous": ([10**30, 1, 2], "expected a whole number, found 1000"),
    "too deep": ("[" * 99_999, "expected a JSON list"),
    "negative": ([-1, 1, 2], "sample 0: expected a label from 0 to 9, found -1"),
    "unnamed images": ({"1": 1}, "expected a label for every image, found none for 2, 10"),
    "missing images": ({"1": 1, "2": 2, "10": 3, "11": 4}, "labels of images that are there, found also 11"),
    "named twice": ('{"1": 1, "1.png": 2, "2": 2, "10": 3}', "expected each image once, found '1.png' twice"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_labels_that_do_not_fit_are_refused(case: str, tmp_path: Path) -> None:
    labels, message = BAD_LABELS[case]
    with pytest.raises(DataError, match=message) as raised:
        formats.read(dataset(tmp_path, labels))
    assert str(tmp_path) in str(raised.value)


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = dataset(tmp_path)
    (path / "train_y.json").write_bytes(b"[1, \xff]")
    with pytest.raises(DataError, match="byte 4: expected UTF-8"):
        formats.read(path)


def test_labels_without_a_folder_of_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test_y.json").write_text("[1]")
    with pytest.raises(DataError, match=r"test_y\.json: expected a folder test_x with the images"):
        formats.read(tmp_path)


@pytest.mark.parametrize(("image", "found"), [(GREY, "6 x 5"), (RGB[:2, :2], "2 x 2 RGB")])
def test_an_image_of_another_size_or_colour_is_refused(image: Any, found: str, tmp_path: Path) -> None:
    path = dataset(tmp_path)
    (path / "train_x" / "3.png").write_bytes(encode_png(image))
    with pytest.raises(DataError, match=rf"3\.png: expected 2 x 2, the size of 1.png, found {found}"):
        formats.read(path, batch=1)


def test_written_files_are_laid_out_as_the_tutorial_reads_them(tmp_path: Path) -> None:
    images = np.zeros((120, 2, 2), np.uint8)
    formats.write(Split(images, np.arange(120) % 10, "test"), tmp_path / "out", format="pngjson")
    names = sorted(file.name for file in (tmp_path / "out" / "test_x").iterdir())
    assert (names[0], names[-1], len(names)) == ("00001.png", "00120.png", 120)
    text = (tmp_path / "out" / "test_y.json").read_text()
    assert json.loads(text) == [value % 10 for value in range(120)]
    assert text.count("\n") == 3
    assert text.endswith("]\n")


def test_names_get_more_digits_where_there_are_more_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pngjson, "DIGITS", 1)
    images = np.arange(120, dtype=np.uint8).reshape(-1, 1, 1)
    formats.write(Split(images).batches(7), tmp_path / "out", format="pngjson")
    names = sorted(file.name for file in (tmp_path / "out" / "train_x").iterdir())
    assert (names[0], names[-1], len(names)) == ("001.png", "120.png", 120)
    np.testing.assert_array_equal(formats.read(tmp_path / "out")["train"].images, images)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.randoms())
def test_encoded_images_decode_exactly_here_and_elsewhere(
    height: int, width: int, colour: bool, random: Any
) -> None:
    image = np.frombuffer(random.randbytes(height * width * 3), np.uint8).reshape(height, width, 3)
    image = image if colour else image[..., 0]
    data = encode_png(image)
    np.testing.assert_array_equal(decode_png(data, "x.png"), image)
    with Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_array_equal(np.array(opened), image)


@pytest.mark.parametrize("image", [GREY, RGB], ids=["grey", "rgb"])
def test_filtered_png_files_of_other_programs_decode_exactly(image: Any) -> None:
    np.testing.assert_array_equal(decode_png(by_pillow(image, compress_level=9), "x.png"), image)
    ramp = np.add.outer(np.arange(40), np.arange(50)).astype(np.uint8)  # smooth, so rows get filtered
    np.testing.assert_array_equal(decode_png(by_pillow(ramp), "x.png"), ramp)


def test_other_kinds_of_png_are_read_where_nothing_is_lost() -> None:
    grey, opaque = Image.fromarray(GREY), Image.fromarray(np.full_like(GREY, 255))
    same = {
        "bilevel": (by_pillow(grey.point(lambda v: 255 * (v > 99), "1")), np.where(GREY > 99, 255, 0)),
        "palette of greys": (by_pillow(grey.convert("P")), GREY),
        "grey and opaque": (by_pillow(Image.merge("LA", (grey, opaque))), GREY),
        "RGB and opaque": (by_pillow(Image.merge("RGBA", (*Image.fromarray(RGB).split(), opaque))), RGB),
    }
    for kind, (data, expected) in same.items():
        np.testing.assert_array_equal(decode_png(data, kind), expected, err_msg=kind)
    colours = Image.fromarray(RGB).quantize(8)
    np.testing.assert_array_equal(decode_png(by_pillow(colours), "x"), np.array(colours.convert("RGB")))


def corrupted(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


REFUSED = {
    "transparent": (
        lambda: by_pillow(Image.new("LA", (3, 3), (9, 9))),
        "found transparency; `digitprep clean`",
    ),
    "transparent colour": (lambda: by_pillow(GREY, transparency=int(GREY[0, 0])), "found transparency"),
    "16 bits": (lambda: by_pillow(GREY.astype(np.uint16) * 257), "expected 8 bits a pixel, found 16"),
    "a JPEG": (
        lambda: b"\xff\xd8\xff\xe0" + bytes(50),
        "byte 0: expected a PNG, which keeps pixels exactly, found a JPEG",
    ),
    "text": (lambda: b"hello", "found b'hello'"),
    "empty": (lambda: b"", "found an empty file"),
    "cut off": (lambda: encode_png(GREY)[:-5], "expected a whole PNG chunk, found the end of the file"),
    "checksum": (lambda: corrupted(encode_png(GREY), 45), "expected a PNG chunk with a right checksum"),
    "no data": (lambda: encode_png(GREY)[:33] + encode_png(GREY)[-12:], "an image header and image data"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_image_that_cannot_be_read_exactly_is_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(DataError, match=message) as raised:
        decode_png(make(), "folder/x.png")
    assert "folder/x.png" in str(raised.value)
