"""NumPy archives: the keys, shapes and value ranges that people use, and damage of every kind."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitprep import formats
from digitprep.dataset import Split
from digitprep.errors import DataError
from digitprep.formats.npz import Npz

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9])


def archive(tmp_path: Path, **arrays: Any) -> Path:
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


def read(path: Path, format: str | None = None) -> Split:  # noqa: A002
    (split,) = formats.read(path, format=format, batch=4).values()
    return split


@pytest.mark.parametrize(
    ("images", "labels", "split"),
    [
        ("x_train", "y_train", "train"),
        ("x_valid", "y_valid", "valid"),
        ("X_test", "y_test", "test"),
        ("train_x", "train_y", "train"),
        ("test_X", "test_y", "test"),
        ("val_images", "val_labels", "val"),
        ("images", "labels", "train"),
        ("X", "y", "train"),
        ("x", "y", "train"),
        ("arr_0", "arr_1", "train"),
    ],
)
def test_keys_of_every_convention_are_understood(
    images: str, labels: str, split: str, tmp_path: Path
) -> None:
    found = read(archive(tmp_path, **{images: IMAGES, labels: LABELS}))
    assert found.name == split
    np.testing.assert_array_equal(found.images, IMAGES)
    np.testing.assert_array_equal(found.labels, LABELS)
    (tmp_path / "a.npz").unlink()
    assert read(archive(tmp_path, **{images: IMAGES})).labels is None


def test_all_splits_are_read_in_order_and_unrelated_keys_are_left_alone(tmp_path: Path) -> None:
    arrays = {
        f"{split}_{kind}": IMAGES if kind == "images" else LABELS[:, None]
        for split in ("test", "train", "val")
        for kind in ("images", "labels")
    }
    data = formats.read(archive(tmp_path, **arrays, version=np.array(2)))
    assert list(data) == ["train", "val", "test"]
    np.testing.assert_array_equal(data["val"].labels, LABELS)


@pytest.mark.parametrize("shape", [(6, 4, 4), (6, 4, 4, 1), (6, 16)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i4", "<u8", "<f4", ">f8"])
def test_shapes_orders_and_types_give_the_same_images(
    shape: tuple[int, ...], order: str, dtype: str, tmp_path: Path
) -> None:
    array = np.asarray(IMAGES.reshape(shape).astype(dtype), order=order)
    np.testing.assert_array_equal(read(archive(tmp_path, images=array)).images, IMAGES)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_floats_from_0_to_1_give_back_every_grey_level(dtype: str, tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    for floats in (levels / 255, levels.astype("f4") * np.float32(1 / 255)):
        np.testing.assert_array_equal(read(archive(tmp_path, images=floats.astype(dtype))).images, levels)


def test_booleans_are_paper_and_ink(tmp_path: Path) -> None:
    found = read(archive(tmp_path, images=IMAGES > 99)).images
    np.testing.assert_array_equal(found, np.where(IMAGES > 99, 255, 0))


def test_colour_keeps_its_channels(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (2, 5, 4, 3), np.uint8)
    np.testing.assert_array_equal(read(archive(tmp_path, images=colour)).images, colour)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_npy_is_read(version: tuple[int, int], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, IMAGES, version)
        file.writestr("images.npy", buffer.getvalue())
    np.testing.assert_array_equal(read(tmp_path / "a.npz").images, IMAGES)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype("u1"),
        LABELS.astype(">i4"),
        LABELS.astype("f4"),
        LABELS[:, None],
        np.eye(10)[LABELS],
        np.eye(10, dtype=bool)[LABELS],
    ],
    ids=["uint8", "big endian", "whole floats", "a column", "one-hot floats", "one-hot booleans"],
)
def test_labels_of_every_shape_give_the_same_classes(labels: Any, tmp_path: Path) -> None:
    found = read(archive(tmp_path, images=IMAGES, labels=labels)).labels
    assert found is not None
    np.testing.assert_array_equal(found, LABELS)


REFUSED = {
    "rounding": ({"images": IMAGES / 256}, r"which rounding would change; .*npz\(round_floats=True\)"),
    "halves": ({"images": IMAGES / 2}, "in sample 0, which rounding would change"),
    "negative": ({"images": IMAGES / 127.5 - 1}, r"expected values in 0..255, or in 0..1, found -1 to"),
    "too large": ({"images": IMAGES.astype("i4") * 300}, "expected values in 0..255"),
    "not a number": ({"images": np.full((2, 3, 3), np.nan)}, "found nan to nan"),
    "no square": ({"images": np.zeros((2, 15), "u1")}, r"flat \(N, side \* side\), found shape \(2, 15\)"),
    "channels first": ({"images": np.zeros((2, 3, 8, 8), "u1")}, r"expected images of \(N, H, W\)"),
    "numbers": ({"images": np.array(["a"])}, "expected an array of numbers, found type <U1"),
    "swapped": ({"images": LABELS, "labels": IMAGES}, "images and labels may be swapped"),
    "scalar": ({"images": np.array(3)}, r"expected images, found shape \(\)"),
    "fewer labels": ({"images": IMAGES, "labels": LABELS[:-1]}, r"expected 6 labels.*found shape \(5,\)"),
    "half a label": ({"images": IMAGES, "labels": LABELS + 0.5}, "whole numbers, found 3.5 for sample 0"),
    "label infinite": ({"images": IMAGES, "labels": LABELS * np.inf}, "whole numbers, found inf"),
    "label too large": (
        {"images": IMAGES[:1], "labels": np.array([2**64 - 1], "u8")},
        "found 18446744073709551615",
    ),
    "two hot": ({"images": IMAGES[:1], "labels": np.array([[1, 0, 1]])}, "one-hot labels, a single 1 a row"),
    "labels alone": (
        {"x_train": IMAGES, "y_test": LABELS},
        "split 'test': expected images.*labels alone, 'y_test'",
    ),
    "no keys": (
        {"pictures": IMAGES, "digits": LABELS},
        "expected the keys of one convention.*found digits, pictures",
    ),
    "many keys": ({"x_train": IMAGES, "images": IMAGES}, "found several, among images, x_train"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_mean_no_dataset_are_refused(case: str, tmp_path: Path) -> None:
    arrays, message = REFUSED[case]
    path = archive(tmp_path, **arrays)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(path)
    assert str(path) in str(raised.value)


def test_floats_are_rounded_on_request_alone(tmp_path: Path) -> None:
    path = archive(tmp_path, images=IMAGES / 256)
    expected = np.rint(IMAGES / 256 * 255)
    np.testing.assert_array_equal(read(path, "npz(round_floats=True)").images, expected)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('code was run')",))


def test_pickled_objects_are_refused_and_never_run(tmp_path: Path) -> None:
    path = archive(tmp_path, x_train=np.array([Bomb()], dtype=object))
    with pytest.raises(
        DataError, match=r"found pickled Python objects, which could run any code; if you trust"
    ):
        formats.read(path)


def test_a_header_that_lies_about_its_size_is_refused_without_allocating(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        buffer = io.BytesIO()
        header = {"descr": "|u1", "fortran_order": True, "shape": (2**40, 28, 28)}
        np.lib.format.write_array_header_1_0(buffer, header)
        file.writestr("images.npy", buffer.getvalue() + b"1234")
    with pytest.raises(DataError, match=r"expected 862,017,116,176,384 bytes.*found 4"):
        formats.read(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz"):
        formats.read(tmp_path / "a.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_two_arrays_of_one_name_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, images=IMAGES)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("images.npy", file.read("images.npy"))
    with pytest.raises(DataError, match=r"member 'images\.npy': expected each name once, found it again"):
        formats.read(path)


def test_a_wrong_checksum_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path, images=IMAGES)
    data = bytearray(path.read_bytes())
    data[data.index(IMAGES.tobytes()) + 7] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"array 'images': expected a sound NumPy archive.*Bad CRC-32"):
        formats.read(path)


def test_numpy_reads_what_is_written_without_pickle(tmp_path: Path) -> None:
    formats.write([Split(IMAGES, LABELS), Split(IMAGES, LABELS + 900, "test")], tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file.files == ["x_train", "y_train", "x_test", "y_test"]
        assert (file["y_train"].dtype, file["y_test"].dtype) == (np.uint8, np.int64)
        np.testing.assert_array_equal(file["x_test"], IMAGES)
        np.testing.assert_array_equal(file["y_test"], LABELS + 900)


def test_an_archive_holds_no_trace_of_time_or_system(tmp_path: Path) -> None:
    formats.write(Split(IMAGES), tmp_path / "a.npz", format=Npz(compress=False))
    (info,) = zipfile.ZipFile(tmp_path / "a.npz").infolist()
    assert (info.date_time, info.create_system) == ((1980, 1, 1, 0, 0, 0), 3)
    assert info.compress_type == zipfile.ZIP_STORED
