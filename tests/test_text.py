"""Rows of text from before MNIST: the well-known files are known and scaled, and nothing is guessed."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitprep import formats
from digitprep.dataset import Split
from digitprep.errors import DataError

RNG = np.random.default_rng(0)
SIXTEENTHS = RNG.integers(0, 17, (4, 8, 8))
SIXTEENTHS[:, 0, 0] = 0
BITS = RNG.integers(0, 2, (4, 16, 16))
SIGNED = (RNG.integers(-1000, 1001, (4, 16, 16)) / 1000).round(3)
SIGNED[0, 0, :2] = -1, 1
LABELS = [3, 0, 9, 1]


def optdigits(separator: str = ",") -> str:
    rows = zip(SIXTEENTHS.reshape(4, -1), LABELS, strict=True)
    return "".join(separator.join(map(str, [*row, label])) + "\n" for row, label in rows)


def semeion() -> str:
    rows = zip(BITS.reshape(4, -1), LABELS, strict=True)
    return "".join(
        " ".join([*(f"{bit:.4f}" for bit in row), *map(str, np.eye(10, dtype=int)[label])]) + " \n"
        for row, label in rows
    )


def usps() -> str:
    rows = zip(SIGNED.reshape(4, -1), LABELS, strict=True)
    return "".join(" ".join([f"{label:.4f}", *(f"{v:.3f}" for v in row)]) + " \n" for row, label in rows)


def put(folder: Path, name: str, content: str) -> Path:
    data = content.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


FILES = {
    "optdigits.tra": (optdigits, "train", SIXTEENTHS * 255 / 16, "0..16"),
    "optdigits.tes": (optdigits, "test", SIXTEENTHS * 255 / 16, "0..16"),
    "digits.csv": (optdigits, "train", SIXTEENTHS * 255 / 16, "0..16"),
    "digits.csv.gz": (optdigits, "train", SIXTEENTHS * 255 / 16, "0..16"),
    "semeion.data": (semeion, "train", BITS * 255.0, "0..1"),
    "zip.train.gz": (usps, "train", (SIGNED + 1) * 127.5, "-1..1"),
    "zip.test": (usps, "test", (SIGNED + 1) * 127.5, "-1..1"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_well_known_file_is_known_by_its_content_and_scaled(name: str, tmp_path: Path) -> None:
    make, split, levels, values = FILES[name]
    path = put(tmp_path, name, make())
    assert [other for other in formats.FORMATS if formats.FORMATS[other]().sniff(path)] == ["text"]
    found = formats.read(path, batch=3)[split]
    np.testing.assert_array_equal(found.images, np.rint(levels))
    assert found.labels.tolist() == LABELS
    assert found.provenance.pipeline == f"values {values} scaled to 0..255 and rounded"


def test_a_folder_holds_train_and_test(tmp_path: Path) -> None:
    for name in ("optdigits.tra", "optdigits.tes"):
        put(tmp_path, name, optdigits())
    put(tmp_path, "optdigits.names", "1. Title of Database\n")
    assert str(formats.sniff(tmp_path)) == "text"
    assert list(formats.read(tmp_path)) == ["train", "test"]
    put(tmp_path, "optdigits.tra.gz", optdigits())
    with pytest.raises(
        DataError, match=r"one file of split 'train', found optdigits.tra and optdigits.tra.gz"
    ):
        formats.read(tmp_path)


def test_csv_does_not_take_sixteenths_for_grey_levels(tmp_path: Path) -> None:
    path = put(tmp_path, "digits.csv", optdigits())
    for place in (path, tmp_path):
        with pytest.raises(DataError, match="expected pixels from 0 to 255, found those of optdigits"):
            formats.read(place, format="csv")
    assert formats.read(path, format='csv(label="last")')["train"].images.max() == 16


def test_what_is_not_beyond_doubt_needs_to_be_told(tmp_path: Path) -> None:
    dark = put(tmp_path, "dark.txt", optdigits().replace("16", "15"))
    with pytest.raises(DataError, match="fit no known format"):
        formats.read(dark)
    with pytest.raises(DataError, match=r"dark\.txt: expected the columns .*text\(values=\"0..16\", label="):
        formats.read(dark, format="text")
    told = formats.read(dark, format='text(values="0..16", label="last")')["train"]
    np.testing.assert_array_equal(told.images, np.rint(np.minimum(SIXTEENTHS, 15) * 255 / 16))
    plain = formats.read(dark, format='text(values="0..255", label="last")')["train"]
    np.testing.assert_array_equal(plain.images, np.minimum(SIXTEENTHS, 15))


WRONG = {
    "ragged": (usps() + "1 2 3\n", "line 5: expected 257 columns, as in the first line, .*found 3 columns"),
    "cut": (usps()[:-4], "line 4: expected 257 columns.*no line end"),
    "not a number": (usps().replace("1.000", "one", 1), "line 1, column .*: expected a number, found"),
    "NaN": (usps().replace("-1.000", "nan", 1), "line 1, column 2: expected a number, found 'nan'"),
    "out of range": (usps().replace("-1.000", "-1.5", 1), "line 1: expected values from -1 to 1, found -1.5"),
    "label": (usps().replace("3.0000", "3.5000", 1), "line 1: expected a whole number as label, found 3.5"),
    "empty": ("", "an empty file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_and_line(case: str, tmp_path: Path) -> None:
    text, message = WRONG[case]
    path = put(tmp_path, "zip.train", text)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(path, format='text(values="-1..1", label="first")')
    assert str(path) in str(raised.value)


def test_a_label_that_is_not_one_hot_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "semeion.data", semeion().replace("0 0 0 1", "0 0 1 1", 1))
    with pytest.raises(DataError, match="line 1: expected a single 1 in the last 10 columns"):
        formats.read(path, format='text(values="0..1", label="one_hot")')


def test_a_csv_of_eight_by_eight_pixels_stays_a_csv(tmp_path: Path) -> None:
    images = np.arange(128, dtype=np.uint8).reshape(2, 8, 8)
    formats.write(Split(images, np.array([1, 2])), tmp_path / "a.csv")
    assert str(formats.sniff(tmp_path / "a.csv")) == "csv"


def test_a_file_cut_anywhere_gives_whole_rows_or_a_data_error(tmp_path: Path) -> None:
    text = optdigits()
    for stop in range(len(text)):
        path = put(tmp_path, "a.txt", text[:stop])
        with suppress(DataError):
            found = formats.read(path, format='text(values="0..16", label="last")')["train"]
            assert text[stop - 1] == "\n"
            assert found.labels.tolist() == LABELS[: len(found)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=100), st.text("0123., -\n", max_size=60)))
def test_any_bytes_give_data_or_a_data_error(tmp_path: Path, content: bytes | str) -> None:
    (tmp_path / "a.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    with suppress(DataError):
        formats.read(tmp_path / "a.txt", format='text(values="-1..1", label="first")', classes=None)
