"""CSV: every layout of columns that people bring, what is wrong with a file, and the fast code below."""

from __future__ import annotations

import csv
import gzip
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitprep import formats
from digitprep.batch import Cleaned
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError, UsageError
from digitprep.formats import cells, lines
from digitprep.report.cleaning import CleaningReport

IMAGES = np.array([[[0, 1], [20, 255]], [[3, 0], [0, 100]]], np.uint8)
LABELS = np.array([7, 2])
SPLIT = Split(IMAGES, LABELS)
TEST = Split(IMAGES[:1], LABELS[:1], "test")
CORNERS = np.array([[[0, 1], [20, 0]], [[0, 0], [9, 0]]], np.uint8)  # as MNIST's are: empty


def read(tmp_path: Path, content: str | bytes, name: str = "a.csv", **options: Any) -> Split:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (split,) = formats.read(tmp_path / name, format=formats.FORMATS.build("csv", options)).values()
    return split


def assert_is(found: Split, images: Any = IMAGES, labels: Any = LABELS) -> None:
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, labels)


ROWS = "7,0,1,20,255\n2,3,0,0,100\n"
SAME = {
    "Kaggle's": "label,pixel0,pixel1,pixel2,pixel3\n" + ROWS,
    "from 1": "label,pixel1,pixel2,pixel3,pixel4\n" + ROWS,
    "row and column": "label,1x1,1x2,2x1,2x2\n" + ROWS,
    "row and column from 0": "class,pixel_0_0,pixel_0_1,pixel_1_0,pixel_1_1\n" + ROWS,
    "numbers alone": "label,0,1,2,3\n" + ROWS,
    "label last": "p0,p1,p2,p3,target\n0,1,20,255,7\n3,0,0,100,2\n",
    "label in the middle": "p0,p1,Label,p2,p3\n0,1,7,20,255\n3,0,2,0,100\n",
    "Windows": "\ufefflabel,0,1,2,3\r\n7,0,1,20,255\r\n2,3,0,0,100\r\n",
    "blank lines": "\n \nlabel,0,1,2,3\n\n7,0,1,20,255\n\n\n2,3,0,0,100\n\n",
    "quotes": '"label","0","1","2","3"\n"7","0",1,"20","255"\n2,3,0,0,100\n',
    "blanks": "label, 0, 1, 2, 3\n7, 0, 1, 20, 255\n2 ,3,0,0, 100\n",
    "floats": "label,0,1,2,3\n7.0,0.0,1.,2.000e+01,255\n2,3.0,0,0,1e2\n",
    "leading zeros": "label,0,1,2,3\n7,000,01,20,255\n2,0003,0,0,100\n",
    "no last line end": "label,0,1,2,3\n7,0,1,20,255\n2,3,0,0,100",
}


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("zipped", [False, True])
def test_all_headers_and_ways_to_write_numbers_are_read(case: str, zipped: bool, tmp_path: Path) -> None:
    content = SAME[case].encode()
    assert_is(
        read(tmp_path, gzip.compress(content) if zipped else content, "a.csv.gz" if zipped else "a.csv")
    )


def test_pixels_alone_have_no_labels(tmp_path: Path) -> None:
    for text in ("pixel0,pixel1,pixel2,pixel3\n0,1,20,255\n", "0,1,20,255\n"):
        split = read(tmp_path, text)
        assert split.labels is None
        np.testing.assert_array_equal(split.images, IMAGES[:1])


def test_without_a_header_the_label_is_where_the_numbers_are_not_all_zero(tmp_path: Path) -> None:
    assert_is(read(tmp_path, "7,0,1,20,0\n2,0,0,9,0\n"), CORNERS)
    assert_is(read(tmp_path, "0,1,20,0,7\n0,0,9,0,2\n"), CORNERS)


@pytest.mark.parametrize("rows", [ROWS, "0,1,2,3,0\n0,1,2,3,0\n"])
def test_without_a_header_a_label_in_doubt_is_no_guess(rows: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv: line 1: .*found neither or both; say --from 'csv\(label="):
        read(tmp_path, rows)
    assert len(read(tmp_path, rows, label="first")) == 2


def test_a_label_that_comes_into_doubt_later_is_named_with_its_line(tmp_path: Path) -> None:
    text = "1,0,1,20,0\n" * (lines.PIECE_BYTES // 11 + 1) + "\n1,0,0,9,4\n"
    with pytest.raises(DataError, match=rf"line {text.count(chr(10))}: .*label=\"first\""):
        read(tmp_path, text)
    assert_is(read(tmp_path, text, label="first")[-1:], [[[0, 0], [9, 4]]], [1])


def test_the_caller_can_say_where_the_label_is(tmp_path: Path) -> None:
    assert_is(read(tmp_path, ROWS, label="first"))
    assert_is(read(tmp_path, "0,1,20,255,7\n3,0,0,100,2\n", label="last"))
    assert read(tmp_path, ROWS, label="none", height=1).images.shape == (2, 1, 5)
    with pytest.raises(DataError, match="line 1: expected the label last, found column 1, 'label'"):
        read(tmp_path, SAME["Kaggle's"], label="last")


def test_images_that_are_not_square_need_their_height_or_width(tmp_path: Path) -> None:
    text = "1,2,3,4,5,6\n"
    with pytest.raises(
        DataError, match=r"as square grey images have, found columns for 6 numbers; say --from"
    ):
        read(tmp_path, text)
    assert read(tmp_path, text, height=2).images.tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert read(tmp_path, text, width=2).images.tolist() == [[[1, 2], [3, 4], [5, 6]]]
    with pytest.raises(DataError, match="2 x 2 grey images"):
        read(tmp_path, text, width=2, height=2)


def test_colours_are_read_pixel_by_pixel_or_plane_by_plane_as_the_caller_says(tmp_path: Path) -> None:
    text = ",".join(map(str, range(1, 13))) + "\n"
    with pytest.raises(DataError, match=r"if these are colours, say --from 'csv\(color=\"rgb\"\)'"):
        read(tmp_path, text)
    pixels = np.arange(1, 13)
    assert_is(read(tmp_path, text, color="rgb"), pixels.reshape(1, 2, 2, 3), None)
    planes = pixels.reshape(1, 3, 2, 2).transpose(0, 2, 3, 1)
    assert_is(read(tmp_path, text, color="planar"), planes, None)


HEAD = "label,0,1,2,3\n"
WRONG = {
    "ragged": (HEAD + "1,2,3,4,5\n1,2,3\n", r"line 3: expected 5 columns, as in the first line, found 3"),
    "too long": (HEAD + "1,2,3,4,5,6\n", "line 2: expected 5 columns"),
    "header again": (HEAD + "1,2,3,4,5\n" + HEAD, "line 3, column 1: expected a whole number.*found 'label'"),
    "NaN": (HEAD + "1,2,nan,4,5\n", "line 2, column 3: expected a whole number from 0, found 'nan'"),
    "negative": (HEAD + "1,2,3,-4,5\n", "line 2, column 4: .*found '-4'"),
    "negative label": (HEAD + "-1,2,3,4,5\n", "line 2, column 1: .*found '-1'"),
    "fraction": (HEAD + "1,2,3,4,0.5\n", "line 2, column 5: .*found '0.5'"),
    "infinite": (HEAD + "1,2,3,4,1e999\n", "line 2, column 5: .*found '1e999'"),
    "enormous": (HEAD + "1" * 5000 + ",2,3,4,5\n", "line 2, column 1"),
    "too high": (HEAD + "\n1,2,3,4,256\n", "line 3, column 5: expected a pixel from 0 to 255, found '256'"),
    "far too high": (HEAD + "1,2,3,70000,5\n", "line 2, column 4: expected a pixel from 0 to 255"),
    "empty cell": (HEAD + "1,,3,4,5\n", "line 2, column 2: .*found nothing"),
    "a name": (HEAD + "seven,2,3,4,5\n", "line 2, column 1: .*found 'seven'"),
    "underscores": (HEAD + "1_0,2,3,4,5\n", "line 2, column 1: .*found '1_0'"),
    "other digits": (HEAD + "\u0661,2,3,4,5\n", "line 2, column 1"),
    "cut in a number": (
        HEAD + "1,2,3,4,5\n1,2,3,4,1",
        "line 3: expected a line end.*found '1'; put a line end",
    ),
    "cut in a row": (HEAD + "1,2,3,4,5\n1,2,", "line 3: expected 5 columns, .*found 3"),
    "cut header": ("label,0,1,2,3", "line 1: expected a line end after the header"),
    "empty": ("", "line 1: expected rows of pixels, found an empty file"),
    "blank": ("\n\n  \n", "found an empty file"),
    "semicolons": ("1;2;3;4;5\n", "line 1, column 1: expected a column name such as label or pixel0"),
    "row numbers": (
        ",label,0,1\n0,1,2,3\n",
        "line 1, column 1: expected a column name.*save it without others",
    ),
    "moved column": ("label,pixel0,pixel2,pixel1,pixel3\n", "line 1, column 3: expected the column 'pixel1'"),
    "missing pixel": ("label,1x1,1x2,2x2\n", "line 1, column 4: expected the column '2x1', found '2x2'"),
    "two labels": ("label,0,1,2,3,class\n", "expected one column of labels, found 2, label, class"),
    "label alone": ("label\n1\n", "line 1, column 1"),
    "column numbers": (
        ",".join(map(str, range(17))) + "\n" + "1," * 16 + "1\n",
        "found 0 to 16 in order, as in a header of column numbers",
    ),
    "old Mac": ("1,2\r3,4\r", "line 1"),
    "binary": (bytes(range(256)) * 4, "line 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_line_and_column(case: str, tmp_path: Path) -> None:
    content, message = WRONG[case]
    with pytest.raises(DataError, match=message) as raised:
        read(tmp_path, content)
    assert str(tmp_path / "a.csv") in str(raised.value)
    assert len(str(raised.value)) < 600


def test_a_file_that_never_ends_its_line_is_refused_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    monkeypatch.setattr(lines, "PIECE_BYTES", 100)
    with pytest.raises(DataError, match="expected a line of at most 1,000 bytes"):
        read(tmp_path, "1," * 5000)


def test_splits_of_a_folder_are_told_by_the_names_of_its_files(tmp_path: Path) -> None:
    for name in ("mnist_test.csv", "mnist_train.csv", "mnist-val.CSV"):
        (tmp_path / name).write_text(SAME["Kaggle's"])
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    report = CleaningReport(tmp_path / "mnist_train.csv", sheet=False)
    for cleaned in (
        Cleaned(Path("1.jpg"), np.zeros((28, 28), np.uint8)),
        Cleaned(Path("2.jpg"), reason="blank"),
    ):
        report.add(cleaned)
    report.write()
    assert len(list(tmp_path.glob("mnist_train.csv.*.csv"))) == 3
    assert str(formats.sniff(tmp_path)) == "csv"
    assert list(formats.read(tmp_path)) == ["train", "val", "test"]
    assert list(formats.read(tmp_path / "mnist_test.csv")) == ["test"]
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    with pytest.raises(
        DataError, match=r"one file of split 'train', found mnist_train\.csv and train\.csv\.gz"
    ):
        formats.read(tmp_path)


def test_a_folder_of_other_tables_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\n01.png,3\n")
    with pytest.raises(DataError, match="fit no known format"):
        formats.sniff(tmp_path)
    with pytest.raises(DataError, match="line 1, column 1: expected a column name"):
        formats.read(tmp_path, format="csv")


def test_kaggles_columns_are_written(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == b"label,pixel0,pixel1,pixel2,pixel3\n" + ROWS.encode()
    formats.write(SPLIT, tmp_path / "a.csv.gz")
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()


def test_a_name_with_csv_is_a_file_and_any_other_a_folder(tmp_path: Path) -> None:
    formats.write(Dataset([SPLIT, TEST]), tmp_path / "out", format="csv(compress=True)")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["test.csv.gz", "train.csv.gz"]
    assert list(formats.read(tmp_path / "out")) == ["train", "test"]


def test_one_file_never_loses_a_split_nor_its_name(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"a\.csv holds one split, and after 'train' comes 'test'; .*--to csv"
    ):
        formats.write(Dataset([SPLIT, TEST]), tmp_path / "a.csv")
    with pytest.raises(
        UsageError, match=r"'test' in a\.csv would be read as 'train'; .* as in data_test\.csv"
    ):
        formats.write(TEST, tmp_path / "a.csv")
    with pytest.raises(UsageError, match="would be read as 'test'"):
        formats.write(SPLIT, tmp_path / "a_test.csv")
    with pytest.raises(UsageError, match="a CSV file named my_test means the split 'test'"):
        formats.write(Split(IMAGES, name="my_test"), tmp_path / "out", format="csv")
    assert list(tmp_path.iterdir()) == []
    formats.write(TEST, tmp_path / "data_test.csv")
    assert list(formats.read(tmp_path / "data_test.csv")) == ["test"]


def test_class_names_are_dropped_when_asked_for_alone(tmp_path: Path) -> None:
    named = Split(IMAGES, np.array([1, 0]), class_names=("shirt", "bag"))
    with pytest.raises(UsageError, match=r"class names shirt, bag, \.\.\. would be lost"):
        formats.write(named, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []
    formats.write(named, tmp_path / "a.csv", format="csv(drop_class_names=True)")
    assert_is(formats.read(tmp_path / "a.csv")["train"], labels=[1, 0])
    formats.write(Split(IMAGES, np.array([1, 0]), class_names=("0", "1")), tmp_path / "b.csv")


def test_pythons_csv_module_reads_what_is_written(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [["7", "0", "1", "20", "255"], ["2", "3", "0", "0", "100"]]


def test_a_gzipped_csv_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a.csv.gz")
    content = (tmp_path / "a.csv.gz").read_bytes()
    for stop in range(len(content)):
        with pytest.raises(DataError):
            read(tmp_path, content[:stop], "b.csv.gz")


def test_a_csv_that_is_cut_anywhere_gives_whole_rows_or_a_data_error(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a.csv")
    content, read_at = (tmp_path / "a.csv").read_bytes(), {}
    for stop in range(len(content)):
        try:
            found = read(tmp_path, content[:stop], "b.csv")
        except DataError:
            continue
        assert_is(found, IMAGES[: len(found)], LABELS[: len(found)])
        read_at[stop] = len(found)
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    assert read_at == {ends[0]: 0, ends[1] - 1: 1, ends[1]: 1, ends[2] - 1: 2}


fuzz = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(st.one_of(st.binary(max_size=200), st.text('0123456789,\n\r"xlabe-. ', max_size=60)))
def test_any_bytes_give_data_or_a_data_error(tmp_path: Path, content: bytes | str) -> None:
    with suppress(DataError):
        assert read(tmp_path, content).images.dtype == np.uint8


numbers = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 999), min_size=width, max_size=width), min_size=1, max_size=8
    )
)


@fuzz
@given(numbers)
def test_the_fast_code_does_what_the_plain_code_does(rows: list[list[int]]) -> None:
    table = np.array(rows)
    text = cells.text_plain(table)
    assert cells.text(table) == text
    np.testing.assert_array_equal(cells.parse(text, table.shape[1]), table)
    np.testing.assert_array_equal(cells.parse_plain(text, table.shape[1], Path("x"), 1), table)


@fuzz
@given(st.text("019,\n\r. ", max_size=20), st.integers(1, 4))
def test_what_the_fast_code_reads_the_plain_code_reads_alike(text: str, columns: int) -> None:
    found = cells.parse(text.encode(), columns) if text else None
    if found is not None:
        np.testing.assert_array_equal(found, cells.parse_plain(text.encode(), columns, Path("x"), 1))
