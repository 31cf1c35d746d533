"""MATLAB's files as SciPy writes them: well-known sets are known, others have to be told, damage is named."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitprep import formats
from digitprep.dataset import Dataset
from digitprep.errors import DataError
from digitprep.formats.emnist import CLASSES

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 4, 4), np.uint8)
PLAIN = 'mat(order="rows", labels="from_0", values="0..255")'


def save(path: Path, **variables: Any) -> Path:
    packed = variables.pop("packed", True)
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(path, variables, do_compression=packed)
    return path


def column(labels: Any, dtype: Any = np.uint8) -> Any:
    return np.array(labels, dtype)[:, None]


def emnist(mapping: Any, labels: Any, images: Any = IMAGES) -> dict[str, Any]:
    def part(chosen: slice) -> dict[str, Any]:
        stored = images[chosen].swapaxes(1, 2).reshape(len(images[chosen]), -1)
        return {"images": stored, "labels": column(labels)[chosen], "writers": np.ones((5, 1))[chosen]}

    return {"train": part(slice(0, 3)), "test": part(slice(3, 5)), "mapping": np.array(mapping, np.uint16)}


def mapping_of(set_name: str) -> list[list[int]]:
    """As the files have it: a row a label, for the letters with upper and lower case."""
    if set_name == "letters":
        return [[1 + at, ord("A") + at, ord("a") + at] for at in range(26)]
    return [[label, ord(character)] for label, character in enumerate(CLASSES[set_name])]


def small(path: Path, packed: bool = True) -> Path:
    return save(path, X=IMAGES.reshape(5, 16), y=column([3, 0, 9, 1, 2]), packed=packed)


def exercise() -> dict[str, Any]:
    """Shaped as ex3data1: sorted, the zeros first as tens, values that overshoot 0..1 a little."""
    labels = np.repeat([10, 1, 2, 3, 4, 5, 6, 7, 8, 9], 500)
    return {"X": RNG.random((5000, 400)) * 1.2 - 0.1, "y": column(labels)}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("set_name", "stored", "labels"),
    [
        ("letters", [1, 26, 3, 4, 5], [0, 25, 2, 3, 4]),
        ("balanced", [0, 46, 10, 11, 1], [0, 46, 10, 11, 1]),
        ("byclass", [0, 61, 36, 35, 1], [0, 61, 36, 35, 1]),
        ("digits", [0, 9, 3, 1, 2], [0, 9, 3, 1, 2]),
    ],
)
def test_emnist_comes_upright_with_labels_from_0_and_its_characters_as_names(
    set_name: str, stored: list[int], labels: list[int], packed: bool, tmp_path: Path
) -> None:
    path = save(tmp_path / "e.mat", dataset=emnist(mapping_of(set_name), stored), packed=packed)
    assert [name for name in formats.FORMATS if formats.FORMATS[name]().sniff(path)] == ["mat"]
    found = formats.read(path, batch=2)
    assert list(found) == ["train", "test"]
    for name, chosen in (("train", slice(0, 3)), ("test", slice(3, 5))):
        np.testing.assert_array_equal(found[name].images, IMAGES[chosen])
        assert found[name].labels.tolist() == labels[chosen]
        names = None if set_name == "digits" else tuple(CLASSES[set_name])
        assert found[name].class_names == names


def test_emnist_is_the_same_from_its_mat_and_from_its_idx(tmp_path: Path) -> None:
    labels = [1, 26, 3, 4, 5]
    path = save(tmp_path / "e.mat", dataset=emnist(mapping_of("letters"), labels))
    prefix = tmp_path / "emnist-letters-train"
    formats.write_idx(f"{prefix}-images-idx3-ubyte", IMAGES[:3].swapaxes(1, 2))
    formats.write_idx(f"{prefix}-labels-idx1-ubyte", np.array(labels[:3], np.uint8))
    by_idx = formats.read(f"{prefix}-images-idx3-ubyte")["train"]
    by_mat = formats.read(path)["train"]
    np.testing.assert_array_equal(by_mat.images, by_idx.images)
    np.testing.assert_array_equal(by_mat.labels, by_idx.labels)
    assert by_mat.class_names == by_idx.class_names


def test_svhn_is_known_its_tens_are_zeros_and_its_folder_holds_the_splits(tmp_path: Path) -> None:
    x = RNG.integers(0, 256, (32, 32, 3, 4), np.uint8)
    for name in ("test", "train", "extra"):
        path = save(tmp_path / f"{name}_32x32.mat", X=x, y=column([10, 1, 9, 10]))
        assert list(formats.read(path)) == [name]
    assert str(formats.sniff(tmp_path)) == "mat"
    found = formats.read(tmp_path, batch=3)
    assert list(found) == ["train", "test", "extra"]
    assert found["test"].labels.tolist() == [0, 1, 9, 0]
    assert found["test"].provenance.pipeline == ""
    for at in range(4):
        np.testing.assert_array_equal(found["test"].images[at], x[:, :, :, at])


def test_ex3data1_is_known_turned_and_scaled_and_says_so(tmp_path: Path) -> None:
    variables = exercise()
    found = formats.read(save(tmp_path / "ex3data1.mat", **variables))["train"]
    assert found.labels[::500].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    upright = variables["X"].clip(0, 1).reshape(5000, 20, 20).swapaxes(1, 2)
    np.testing.assert_array_equal(found.images, np.rint(upright * 255))
    assert found.provenance.pipeline == "values 0..1, clipped, scaled to 0..255 and rounded"


@pytest.mark.parametrize(
    ("rows", "options", "still_open"),
    [
        (4999, "mat", "order, labels, values"),
        (4999, 'mat(order="columns")', "labels, values"),
        (4999, 'mat(order="columns", values="0..1", clip=True)', "labels"),
    ],
)
def test_what_the_matrices_do_not_say_has_to_be_told(
    rows: int, options: str, still_open: str, tmp_path: Path
) -> None:
    variables = {key: value[:rows] for key, value in exercise().items()}
    path = save(tmp_path / "part.mat", **variables, packed=False)  # to pack it would take most of the time
    with pytest.raises(DataError, match=rf"leaves open: {still_open}; say how to read it: --from 'mat\("):
        formats.read(path, format=options)
    told = formats.read(path, format='mat(order="columns", labels="ten_is_0", values="0..1", clip=True)')
    assert told["train"].labels[:2].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("how", "labels"), [("from_0", [1, 2, 3, 4, 5]), ("from_1", [0, 1, 2, 3, 4]), ("none", None)]
)
def test_matrices_are_read_as_they_are_told_to_be(how: str, labels: Any, tmp_path: Path) -> None:
    path = save(tmp_path / "a.mat", X=IMAGES.reshape(5, 16) / 16, y=np.arange(1.0, 6)[None], other="text")
    rows = formats.read(path, format=f'mat(order="rows", labels="{how}", values="0..16")')["train"]
    columns = formats.read(path, format=f'mat(order="columns", labels="{how}", values="0..16")')["train"]
    np.testing.assert_array_equal(rows.images, np.rint(IMAGES * (255 / 256)))
    np.testing.assert_array_equal(columns.images, rows.images.swapaxes(1, 2))
    assert (rows.labels if labels is None else rows.labels.tolist()) == labels


X, Y = IMAGES.reshape(5, 16), column([3, 0, 9, 1, 2])
WRONG = {
    "no labels": ({"X": X}, "variable y: expected an array, found none; .*labels=.none"),
    "other names": (
        {"images": X, "y": Y},
        "expected variables X and y, or EMNIST's dataset, found images, y",
    ),
    "fewer labels": ({"X": X, "y": Y[:4]}, r"variable y: expected \(5, 1\), .*found \(4, 1\)"),
    "half a label": ({"X": X, "y": Y / 2}, "variable y, sample 0: expected a whole number, found 1.5"),
    "no square": ({"X": X[:, :15], "y": Y}, r"variable X: expected X of .*found \(5, 15\)"),
    "on its side": ({"X": X.T[:15], "y": Y}, r"found \(15, 5\); transpose the matrix"),
    "beyond 255": ({"X": X * 2.0, "y": Y}, r"variable X, sample 0: expected values in 0..255, found"),
    "NaN": ({"X": X * np.nan, "y": Y}, "variable X, sample 0: expected values in 0..255, found nan"),
    "negative": ({"X": X, "y": -Y.astype(float)}, "variable y, sample 0: expected labels as .*found -3"),
    "text": ({"X": "text", "y": Y}, "variable X: expected an array, found none"),
    "complex": ({"X": X * 1j, "y": Y}, "variable X: expected an array, found none"),
    "another struct": ({"dataset": {"a": X}}, "dataset.mapping: expected an array, found none"),
    "mapping": (
        {"dataset": emnist([[0, 48], [2, 50]], [0] * 5)},
        r"dataset.mapping: expected a row for each",
    ),
    "label": ({"dataset": emnist(mapping_of("letters"), [0] * 5)}, "labels from 1 to 26, .*found 0"),
    "no images": ({"dataset": {"mapping": mapping_of("digits")}}, "dataset.train.images: expected an array"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_and_variable(case: str, tmp_path: Path) -> None:
    variables, message = WRONG[case]
    path = save(tmp_path / "a.mat", **variables)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(path, format=PLAIN)
    assert str(path) in str(raised.value)


def test_a_file_of_another_version_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(400))
    with pytest.raises(DataError, match=r"found version 7\.3; save it in MATLAB with -v7"):
        formats.read(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"byte 124: .*found a file of 0 bytes"):
        formats.read(path)


def test_files_of_machines_of_the_other_byte_order_are_read(tmp_path: Path) -> None:
    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    def matrix(name: bytes, kind: int, shape: tuple[int, int], data: bytes) -> bytes:
        head = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", *shape))
        return element(14, head + element(1, name) + element(kind, data))

    body = matrix(b"X", 4, (1, 4), struct.pack(">4H", 1, 2, 3, 4)) + matrix(
        b"y", 9, (1, 1), b"\x40" + bytes(7)
    )
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI" + body)
    found = formats.read(path, format=PLAIN)["train"]
    assert found.images.tolist() == [[[1, 2], [3, 4]]]
    assert found.labels.tolist() == [2]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("struct_", [True, False])
def test_a_file_cut_anywhere_is_a_data_error(packed: bool, struct_: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    variables = {"dataset": emnist(mapping_of("digits"), [1] * 5)} if struct_ else {"X": X, "y": Y}
    data = save(path, **variables, packed=packed).read_bytes()
    for stop in range(len(data)):
        path.write_bytes(data[:stop])
        with pytest.raises(DataError, match=r"a\.mat: "):
            formats.read(path, format=PLAIN)


def assert_right(found: Dataset) -> None:
    np.testing.assert_array_equal(found["train"].images, IMAGES)
    assert found["train"].labels.tolist() == [3, 0, 9, 1, 2]


def test_a_bit_changed_anywhere_in_packed_data_is_a_data_error_or_lost_nothing(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mat")
    data = path.read_bytes()
    for position in range(124, len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            path.write_bytes(changed)
            with suppress(DataError):
                assert_right(formats.read(path, format=PLAIN))


def test_a_bit_changed_anywhere_in_plain_data_changes_that_value_alone_or_is_a_data_error(
    tmp_path: Path,
) -> None:
    path = small(tmp_path / "a.mat", packed=False)
    data = path.read_bytes()
    for position in range(124, len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            path.write_bytes(changed)
            with suppress(DataError):
                found = formats.read(path, format=PLAIN)["train"]
                wrong = np.count_nonzero(found.images != IMAGES)
                assert wrong + np.count_nonzero(found.labels != Y[:, 0]) <= 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), packed=st.booleans())
def test_any_bytes_after_the_header_are_a_data_error(tmp_path: Path, body: bytes, packed: bool) -> None:
    path = tmp_path / "a.mat"
    if packed:
        body = zlib.compress(struct.pack("<II", 14, len(body)) + body)
        body = struct.pack("<II", 15, len(body)) + body
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + body)
    with pytest.raises(DataError):
        formats.read(path, format=PLAIN)


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def started(array_class: int, shape: tuple[int, int], name: bytes) -> bytes:
    head = element(6, struct.pack("<II", array_class, 0)) + element(5, struct.pack("<ii", *shape))
    return head + element(1, name)


def test_structs_nested_a_hundred_thousand_deep_are_passed_over(tmp_path: Path) -> None:
    head = started(1, (1, 1), b"")
    levels_, size = [], 0
    for _ in range(100_000):
        size += len(head)
        levels_.append(struct.pack("<II", 14, size) + head)
        size += 8
    body = started(1, (1, 1), b"dataset") + b"".join(reversed(levels_))
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + element(14, body))
    with pytest.raises(DataError, match=r"dataset\.mapping: expected an array, found none"):
        formats.read(path)


@pytest.mark.parametrize("packed", [True, False])
def test_an_array_that_promises_more_than_there_is_takes_no_memory(packed: bool, tmp_path: Path) -> None:
    body = started(6, (2**16, 784), b"X") + struct.pack("<II", 9, 2**16 * 784 * 8)
    body = struct.pack("<II", 14, len(body) + 2**16 * 784 * 8) + body + bytes(100_000)
    if packed:
        body = zlib.compress(body)
        body = struct.pack("<II", 15, len(body)) + body
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + body)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"a\.mat: byte \d+.*: expected"):
            formats.read(path, format=PLAIN)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
