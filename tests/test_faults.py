"""Faults that other readers of MNIST's files pass over: each is named with file, place and values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitprep import formats
from digitprep.dataset import Split
from digitprep.errors import DataError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def swap(images: Path, labels: Path) -> None:
    content = images.read_bytes()
    images.write_bytes(labels.read_bytes())
    labels.write_bytes(content)


def edited(name: str, edit: Callable[[bytes], bytes]) -> Callable[[Path, Path], None]:
    def damage(images: Path, labels: Path) -> None:
        file = images if name == IMAGES else labels
        file.write_bytes(edit(file.read_bytes()))

    return damage


def idx(code: int, values: np.ndarray) -> bytes:
    return struct.pack(f">2xBB{values.ndim}I", code, values.ndim, *values.shape) + values.tobytes()


FAULTS = {  # what is done to the files; the one at fault, where, what is expected and what is found there
    "images and labels swapped": (
        swap,
        rf"{IMAGES}: byte 3: expected 3 dimensions of images, found 1, as labels have; .*swapped",
    ),
    "a bad magic number": (
        edited(IMAGES, lambda data: b"\x01" + data[1:]),
        rf"{IMAGES}: byte 0: expected two zero bytes, .*found b'\\x01",
    ),
    "an unknown type": (
        edited(IMAGES, lambda data: data[:2] + b"\x07" + data[3:]),
        rf"{IMAGES}: byte 2: expected a type, one of 08, .*, found 07",
    ),
    "other numbers of images and labels": (
        edited(LABELS, lambda data: data[:4] + struct.pack(">I", 4) + data[8:-1]),
        rf"{LABELS}: byte 4: expected 5 labels, one for each image of .*{IMAGES}, found 4",
    ),
    "a header that promises more than is there": (
        edited(IMAGES, lambda data: data[:-1]),
        rf"{IMAGES}: byte 16: expected 3,920 bytes of values, .* found the end at byte 3935",
    ),
    "bytes left over after the data": (
        edited(IMAGES, lambda data: data + b"\0\0"),
        rf"{IMAGES}: byte 16: expected 3,920 bytes of values, .* found 2 more bytes after them",
    ),
    "label 11 in a set of ten classes": (
        edited(LABELS, lambda data: data[:-1] + b"\x0b"),
        r"\(split 'train'\): sample 4: expected a label from 0 to 9, found 11",
    ),
    "int16 data": (
        edited(IMAGES, lambda _: idx(0x0B, np.zeros((5, 28, 28), ">i2"))),
        rf"{IMAGES}: byte 2: expected images of uint8, found int16; read_idx reads any type",
    ),
    "four dimensions": (
        edited(IMAGES, lambda _: idx(0x08, np.zeros((5, 28, 28, 2), np.uint8))),
        rf"{IMAGES}: byte 3: expected images of .*, found \(5, 28, 28, 2\); read_idx reads any array",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_place_expected_and_found(fault: str, tmp_path: Path) -> None:
    damage, message = FAULTS[fault]
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (5, 28, 28), np.uint8), np.arange(5))
    formats.write(split, tmp_path / "data", format="idx(compress=False)")
    assert len(formats.read(tmp_path / "data")["train"]) == 5
    damage(tmp_path / "data" / IMAGES, tmp_path / "data" / LABELS)
    with pytest.raises(DataError, match=message):
        formats.read(tmp_path / "data")


@pytest.mark.parametrize(("code", "type_"), [(0x0B, ">i2"), (0x0E, ">f8"), (0x08, ">u1")])
def test_arrays_that_are_no_images_are_read_as_arrays(code: int, type_: str, tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=type_).reshape(2, 3, 4, 5)
    (tmp_path / "values").write_bytes(idx(code, values))
    np.testing.assert_array_equal(formats.read_idx(tmp_path / "values"), values)
