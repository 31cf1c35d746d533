"""One digit a row as text, before there was MNIST: UCI's optdigits and semeion, and USPS's zip.train.

Their values run from 0 to 16, 0 to 1 and -1 to 1; each is scaled to 0..255 in a straight line and rounded
to the nearest level, half to even, which the splits' provenance says.

Sources: UCI Machine Learning Repository, "Optical Recognition of Handwritten Digits" and "Semeion
Handwritten Digit"; Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", data "ZIP code".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Provenance, Split, split_order
from digitprep.errors import DataError
from digitprep.formats import gz
from digitprep.formats.base import FORMATS, Format, check_one_file_a_split, entries
from digitprep.formats.cells import NUMBER, cell_error
from digitprep.formats.lines import pieces, started
from digitprep.formats.ranges import RANGES, Values, levels, outside, rule

Label = Literal["auto", "first", "last", "one_hot", "none"]
CLASSES = 10  # columns of a one-hot label
LETTERS = b"0123456789+-.eE, \t\r\n"
LOOKED_AT = 64  # rows
SPLITS = {".tra": "train", ".train": "train", ".tes": "test", ".test": "test", ".data": "train"}
HOW = (
    'say how to read it: --from \'text(values="0..16", label="last")\'; `digitprep list formats` has the rest'
)


@dataclass(frozen=True)
class Layout:
    """Columns, separator, range of values and place of the label of a well-known file."""

    columns: int
    commas: bool
    values: Values
    label: Label


KNOWN = (
    Layout(65, True, "0..16", "last"),  # optdigits, and scikit-learn's digits.csv
    Layout(266, False, "0..1", "one_hot"),  # semeion
    Layout(257, False, "-1..1", "first"),  # zip.train
)


@FORMATS.register
@dataclass(frozen=True)
class Text(Format):
    """A digit a row as text, read only: UCI optdigits and semeion, scikit-learn digits, USPS zip.train.

    values: the range of the numbers, which becomes 0..255; "auto" knows that of these four files
    label: which column is the label, or "one_hot" for the last ten; "auto" knows those of these four
    """

    values: Values = "auto"
    label: Label = "auto"

    def sniff(self, path: Path) -> bool:
        return bool(_files(path)) if path.is_dir() else known_layout(path) is not None

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        files = _files(path) if path.is_dir() else [(_split_name(path.name) or "train", path)]
        if not files:
            raise DataError.of(path, expected="files of digits as rows of text", found="none that is known")
        check_one_file_a_split(path, files)
        for name, file in files:
            yield from self._read_file(file, name, batch)

    def _read_file(self, path: Path, name: str, batch: int) -> Iterator[Split]:
        known = known_layout(path)
        if known is None and "auto" in (self.values, self.label):
            expected = "the columns and values of optdigits, semeion or zip.train"
            raise DataError.of(path, expected=expected, found="others", advice=HOW)
        values = known.values if known and self.values == "auto" else self.values
        label = known.label if known and self.label == "auto" else self.label
        low, high = RANGES[values]
        origin = Provenance(str(path), rule(values))
        rows = _numbers(path)
        while taken := list(islice(rows, batch)):
            numbers = np.array([row for _, row in taken])
            lines = [line for line, _ in taken]
            pixels, labels = _parted(numbers, label, lines, path)
            wrong = outside(pixels, values)
            if len(wrong):
                row, column = map(int, wrong[0])
                found = f"{pixels[row, column]:g} in pixel {column + 1}"
                expected, where = f"values from {low} to {high}", f"line {lines[row]}"
                raise DataError.of(path, where, expected=expected, found=found, advice=HOW)
            side = _side(pixels.shape[1], path)
            images = levels(pixels, values).reshape(-1, side, side)
            yield Split(images, labels, name, provenance=origin)


def known_layout(path: Path) -> Layout | None:
    """The layout of a file whose first rows are those of a well-known one beyond doubt, or None."""
    try:
        with gz.opened(path) as source:
            start = source.read(4096)
        if start.translate(None, LETTERS) or not start:  # other kinds of files are told at a glance
            return None
        table = np.array([row for _, row in islice(_numbers(path), LOOKED_AT)])
    except (DataError, OSError):
        return None
    for layout in KNOWN:
        if table.shape[1] == layout.columns and (b"," in start) == layout.commas:
            return layout if _is_beyond_doubt(table, layout) else None
    return None


def _is_beyond_doubt(table: NDArray[np.float64], layout: Layout) -> bool:
    """Whether no other layout has such rows: their range is used, and their labels are digits."""
    try:
        pixels, labels = _parted(table, layout.label, [0] * len(table), Path())
    except DataError:
        return False
    low, high = RANGES[layout.values]
    digits = labels is not None and labels.min() >= 0 and labels.max() < CLASSES
    corner_is_empty = layout.label != "last" or not table[:, 0].any()  # else the label could come first
    return bool(digits and corner_is_empty and pixels.min() == low and pixels.max() == high)


def _parted(
    numbers: NDArray[np.float64], label: Label, lines: list[int], path: Path
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Pixels (n, P) and labels (n,). Raises DataError where a label is not whole or not one-hot."""
    if label == "none":
        return numbers, None
    if label == "one_hot":
        pixels, hot = numbers[:, :-CLASSES], numbers[:, -CLASSES:]
        wrong = ((hot != 0) & (hot != 1)).any(axis=1) | (hot.sum(axis=1) != 1)
        labels, expected = hot.argmax(axis=1).astype(np.float64), f"a single 1 in the last {CLASSES} columns"
    else:
        pixels, labels = (
            (numbers[:, 1:], numbers[:, 0]) if label == "first" else (numbers[:, :-1], numbers[:, -1])
        )
        wrong, expected = (
            ~((labels == np.floor(labels)) & (np.abs(labels) < 2**53)),
            "a whole number as label",
        )
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = "another label" if label == "one_hot" else f"{labels[row]:g}"
        raise DataError.of(path, f"line {lines[row]}", expected=expected, found=found, advice=HOW)
    return pixels, labels.astype(np.int64)


def _side(pixels: int, path: Path) -> int:
    side = math.isqrt(pixels)
    if not pixels or side * side != pixels:
        expected, found = "as many values as square images have", f"{pixels} beside the label"
        raise DataError.of(path, "line 1", expected=expected, found=found, advice=HOW)
    return side


def _numbers(path: Path) -> Iterator[tuple[int, list[float]]]:
    """Each row's line and numbers, separated by commas or blanks. Raises DataError where one is none."""
    with gz.opened(path) as source:
        parts = pieces(source, path)
        first, columns = started(parts), 0
        if first is None:
            raise DataError.of(
                path, "line 1", expected="rows of numbers", found="an empty file", advice=gz.AGAIN
            )
        for part in chain([first], parts):
            if part.data.isspace():  # a few bytes of gzip may hold millions of blank lines
                continue
            lines = part.data.removesuffix(b"\n").split(b"\n")
            for line_number, line in enumerate(lines, part.first):
                if not line or line.isspace():
                    continue
                cells = line.split(b",") if b"," in line else line.split()
                columns = columns or len(cells)
                if len(cells) != columns or (part.open_end and line_number == part.first + len(lines) - 1):
                    found = f"{len(cells)} columns" + (" and no line end" if part.open_end else "")
                    expected = f"{columns} columns, as in the first line, and a line end"
                    where = f"line {line_number}"
                    raise DataError.of(path, where, expected=expected, found=found, advice=gz.AGAIN)
                yield line_number, _row(line, cells, path, line_number)


def _row(line: bytes, cells: list[bytes], path: Path, number: int) -> list[float]:
    """The numbers of a line, which has these cells. Raises DataError naming the first that is none."""
    if not line.translate(None, LETTERS):  # of these Python reads what `NUMBER` does, and sooner
        with suppress(ValueError):
            return [*map(float, cells)]
    return [_number(cell, path, number, column) for column, cell in enumerate(cells, 1)]


def _number(cell: bytes, path: Path, line: int, column: int) -> float:
    if not NUMBER.fullmatch(cell.strip()):
        raise cell_error(path, line, column, "a number", cell)
    return float(cell)


def _files(folder: Path) -> list[tuple[str, Path]]:
    """The splits of a folder and their files, those of a known layout alone."""
    named = [(_split_name(name), folder / name) for name in entries(folder)]
    files = [(name, file) for name, file in named if name and known_layout(file)]
    return sorted(files, key=lambda file: (split_order(file[0]), file[1]))


def _split_name(name: str) -> str | None:
    """The split that a well-known file's name tells: `test` for optdigits.tes and zip.test.gz."""
    return SPLITS.get(Path(name.lower().removesuffix(".gz")).suffix)
