"""The rows of one CSV file as samples: which columns they have, and what is wrong with a number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Labels, Split
from digitprep.errors import DataError
from digitprep.formats import cells, gz
from digitprep.formats.csv_columns import Columns, Wanted, from_header, from_numbers, is_header, label_error
from digitprep.formats.lines import Piece, started


def read_rows(parts: Iterator[Piece], path: Path, name: str, wanted: Wanted) -> Iterator[Split]:
    """The samples of one file, some at a time; at least one part, which may be empty."""
    piece = started(parts)
    if piece is None:
        expected = "rows of pixels"
        raise DataError.of(path, "line 1", expected=expected, found="an empty file", advice=gz.AGAIN)
    line, rest = piece.split()
    if is_header(line):
        if not rest.data and piece.open_end:
            expected = "a line end after the header"
            raise DataError.of(
                path, f"line {piece.first}", expected=expected, found="the end of the file", advice=gz.AGAIN
            )
        columns, piece = from_header(line, path, piece.first, wanted), rest
    else:
        columns = _columns_of_numbers(line, piece, path, wanted)
    empty = np.empty((0, columns.count), np.uint16)
    yield _split(empty, columns, name)
    for part in chain([piece], parts):
        table = _table(part, columns, path)
        if len(table):
            yield _split(table, columns, name)


def _columns_of_numbers(line: bytes, piece: Piece, path: Path, wanted: Wanted) -> Columns:
    if piece.open_end and piece.data.count(b"\n") == 1:
        raise _open_end_error(piece.first, path, "one line")
    count = line.count(b",") + 1
    nonzero = None
    if count > 1 and wanted.label == "auto":
        table = _numbers(piece, count, path)
        nonzero = bool(table[:, 0].any()), bool(table[:, -1].any())
    return from_numbers(line, path, piece.first, wanted, nonzero)


def _numbers(piece: Piece, count: int, path: Path) -> NDArray[np.integer]:
    table = cells.parse(piece.data, count) if piece.data else None
    return cells.parse_plain(piece.data, count, path, piece.first) if table is None else table


def _table(piece: Piece, columns: Columns, path: Path) -> NDArray[np.integer]:
    """The numbers of a piece. Raises DataError where one is no pixel, or may be cut off."""
    table = _numbers(piece, columns.count, path)
    high = table > 255
    if columns.label is not None:
        high[:, columns.label] = False
    if high.any() or (columns.zeros is not None and table[:, columns.zeros].any()):
        _raise_at(piece, table, high, columns, path)
    if piece.open_end and len(table):
        last = piece.data.strip().rpartition(b"\n")[2].rpartition(b",")[2].strip()
        whole = last == b"0" or (columns.label != columns.count - 1 and last.isdigit() and int(last) > 25)
        if not whole:
            raise _open_end_error(piece.first + piece.data.strip().count(b"\n"), path, repr(last.decode()))
    return table


def _raise_at(
    piece: Piece, table: NDArray[np.integer], high: NDArray[np.bool_], columns: Columns, path: Path
) -> None:
    """Raise the error for the first number that is too high, or for a label that is in doubt."""
    lines = [
        number for number, line in enumerate(piece.data.split(b"\n"), piece.first) if line.strip()
    ]  # blank lines have no row
    wrong = np.argwhere(high)
    if not len(wrong):
        raise label_error(path, lines[int(np.flatnonzero(table[:, columns.zeros])[0])])
    row, column = map(int, wrong[0])
    found = str(table[row, column]).encode()
    advice = "scale the pixels to 0..255"
    raise cells.cell_error(path, lines[row], column + 1, "a pixel from 0 to 255", found, advice)


def _split(table: NDArray[np.integer], columns: Columns, name: str) -> Split:
    labels: Labels | None = None if columns.label is None else table[:, columns.label].astype(np.int64)
    return Split(columns.images(table), labels, name)


def _open_end_error(number: int, path: Path, found: str) -> DataError:
    expected = "a line end after the last number, which may be cut off without"
    advice = "put a line end there if the file is whole, else get it again"
    return DataError.of(path, f"line {number}", expected=expected, found=found, advice=advice)
