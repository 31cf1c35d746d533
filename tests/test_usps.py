"""USPS as usps.h5: read in batches and scaled; what is no such file, damaged or a lie is a DataError."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitprep import formats
from digitprep.errors import DataError

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(0)
DATA = {name: RNG.random((count, 256)).astype(np.float32) for name, count in (("train", 7), ("test", 4))}
LABELS = {name: RNG.integers(0, 10, len(data)).astype(np.int32) for name, data in DATA.items()}


def usps(path: Path, **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name in DATA:
            file.create_dataset(f"{name}/data", data=DATA[name], **options)
            file.create_dataset(f"{name}/target", data=LABELS[name])
    return path


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"chunks": (2, 256), "shuffle": True}])
@pytest.mark.parametrize("batch", [1, 3, 4096])
def test_both_splits_are_read_and_scaled_to_the_nearest_level(
    options: dict[str, Any], batch: int, tmp_path: Path
) -> None:
    path = usps(tmp_path / "usps.h5", **options)
    assert [name for name in formats.FORMATS if formats.FORMATS[name]().sniff(path)] == ["usps"]
    assert [len(part) for part in formats.stream(path, batch=3)] == [3, 3, 1, 3, 1]
    found = formats.read(path, batch=batch)
    assert list(found) == ["train", "test"]
    for name, split in found.items():
        levels = np.rint(DATA[name].astype(np.float64) * 255).reshape(-1, 16, 16)
        np.testing.assert_array_equal(split.images, levels)
        np.testing.assert_array_equal(split.labels, LABELS[name])
        assert split.provenance.pipeline == "values 0..1 scaled to 0..255 and rounded"


def replaced(place: str, value: Any) -> Any:
    def change(file: Any) -> None:
        del file[place]
        if value is not None:
            file[place] = value

    return change


def huge_chunk(file: Any) -> None:
    del file["train/data"]
    file.create_dataset("train/data", (7, 256), np.float32, chunks=(1 << 17, 256), maxshape=(None, 256))


def shrunk(file: Any) -> None:
    """A terabyte that was never written."""
    del file["train/data"]
    file.create_dataset("train/data", (1 << 30, 256), np.float32, chunks=(1 << 10, 256))


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((7, 256), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "train/data", (7, 256))
    del file["train/data"]
    file.create_virtual_dataset("train/data", layout)


def outside(file: Any) -> None:
    del file["train/data"]
    file.create_dataset("train/data", (7, 256), np.float32, external=[("other.raw", 0, 7 * 1024)])


TRAIN = DATA["train"]
WRONG = {
    "another file": (
        replaced("test", None),
        "expected the array test/data, as usps.h5 has, found none in: train",
    ),
    "no labels": (replaced("train/target", None), "expected the array train/target"),
    "a group": (replaced("train/data", None), "expected the array train/data"),
    "shape": (replaced("train/data", TRAIN[:, :255]), r"train/data: expected \(N, 256\), found \(7, 255\)"),
    "count": (replaced("train/target", LABELS["test"]), r"train/target: expected \(7,\).*found \(4,\)"),
    "half": (replaced("train/target", TRAIN[:, 0]), "train/target: expected whole numbers, found float32"),
    "bytes": (replaced("train/data", TRAIN.astype(np.uint8)), "train/data: expected floats, found uint8"),
    "range": (replaced("train/data", TRAIN * 2), r"train/data, sample 0: expected values in 0\.\.1, found 1"),
    "NaN": (replaced("train/data", TRAIN * np.nan), "sample 0: .*found nan in pixel 0"),
    "never written": (shrunk, r"train/data: expected the bytes of \(1073741824, 256\) float32, found 0"),
    "another's": (
        replaced("train/data", h5py.ExternalLink("other.h5", "train/data")),
        "expected the array train/data",
    ),
    "a group elsewhere": (replaced("train", h5py.ExternalLink("other.h5", "train")), "the array train/data"),
    "virtual": (virtual, "train/data: expected an array in this file"),
    "outside": (outside, "train/data: expected an array in this file"),
    "huge chunk": (huge_chunk, "chunks of at most 67108864 bytes, found 134217728"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_and_array(case: str, tmp_path: Path) -> None:
    change, message = WRONG[case]
    usps(tmp_path / "other.h5")
    path = usps(tmp_path / "usps.h5")
    (tmp_path / "other.raw").write_bytes(TRAIN.tobytes())
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(path)
    assert str(path) in str(raised.value)


def test_a_label_beyond_the_digits_is_named(tmp_path: Path) -> None:
    path = usps(tmp_path / "usps.h5")
    with h5py.File(path, "a") as file:
        file["train/target"][5] = 10
    with pytest.raises(DataError, match="sample 5: expected a label from 0 to 9, found 10"):
        formats.read(path, batch=2)


def test_a_file_cut_anywhere_is_a_data_error_or_lost_nothing(tmp_path: Path) -> None:
    path = usps(tmp_path / "usps.h5", compression="gzip")
    data = path.read_bytes()
    for stop in {*range(0, len(data), 97), len(data) - 1}:
        path.write_bytes(data[:stop])
        with suppress(DataError):
            found = formats.read(path, format="usps")
            np.testing.assert_array_equal(found["test"].labels, LABELS["test"])


def test_a_byte_changed_anywhere_is_a_data_error_or_data_and_never_another_error(tmp_path: Path) -> None:
    path = usps(tmp_path / "usps.h5", compression="gzip", fletcher32=True)
    data = path.read_bytes()
    refused = 0
    for position in range(0, len(data), 23):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        try:
            formats.read(path, format="usps", classes=None)
        except DataError:
            refused += 1
    assert refused > 0


def test_knowing_the_file_needs_no_h5py(tmp_path: Path) -> None:
    path = usps(tmp_path / "usps.h5")
    code = (
        "import sys; from digitprep import formats; formats.sniff(sys.argv[1]); "
        "sys.exit('h5py' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
