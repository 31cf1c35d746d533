"""Rows of numbers separated by commas, as bytes and back: fast for what is usual, plain for all else.

Python's own loop over cells takes a microsecond for ten of them. Here NumPy looks at every byte of
thousands of rows at once:

- Reading: were a number to end at each byte, which would it be? Its digit, ten times the one before
  and a hundred times the one before that. Those before a comma or a line end are the numbers.
- Writing: a table holds "0,", "1,", ... "999,", each in 4 bytes filled up with zeros. One look-up gives
  the bytes of all cells, and what is left once the zeros are gone is the text.

Whatever the fast reader does not know (signs, points, blanks, quotes, four digits, a row with more
cells than the others), it leaves to the plain one, which reads it or says where it is wrong.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import DataError

COMMA, LINE_END, ZERO = b",\n0"
LARGEST = 999  # what fits a cell of 4 bytes with its comma
WHOLE = re.compile(rb"\d{1,18}")
NUMBER = re.compile(rb"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
LARGEST_EXACT = 2**53  # above, floats are no longer whole numbers each of their own


def parse(lines: bytes, columns: int) -> NDArray[np.uint16] | None:
    """Whole lines of `columns` numbers from 0 to 999 -> (rows, columns); None where they are not that."""
    text = np.frombuffer(lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines, np.uint8)
    digits = text - np.uint8(ZERO)  # what is no digit wraps around, to more than 9
    is_digit = digits < 10
    ends = np.flatnonzero(~is_digit)
    rows, rest = divmod(len(ends), columns)
    last = ends[columns - 1 :: columns]
    if rest or not rows or (text[last] != LINE_END).any() or last[-1] != len(text) - 1:
        return None
    if np.count_nonzero(text == COMMA) != len(ends) - rows:
        return None
    lengths_less_one = np.diff(ends, prepend=-1) - 2
    if lengths_less_one.min() < 0 or lengths_less_one.max() > 2:
        return None
    digits *= is_digit
    values = digits.astype(np.uint16)
    values[1:] += digits[:-1] * np.uint8(10)
    values[2:] += (digits[:-2] * is_digit[1:-1]) * np.uint16(100)
    return values[ends - 1].reshape(rows, columns)


def parse_plain(lines: bytes, columns: int, path: Path, first_line: int) -> NDArray[np.int64]:
    """What `parse` gives, for any whole numbers from 0; blank lines are passed over.

    Raises DataError with the line and the column of what is no such number.
    """
    rows = []
    for number, line in enumerate(lines.removesuffix(b"\n").split(b"\n"), first_line):
        if line.strip():
            cells = line.split(b",")
            if len(cells) != columns:
                raise DataError.of(
                    path,
                    f"line {number}",
                    expected=f"{columns} columns, as in the first line",
                    found=len(cells),
                    advice="the line is cut off or damaged; get the file again, or remove the line",
                )
            rows.append([_whole(cell, path, number, index) for index, cell in enumerate(cells, 1)])
    return np.array(rows, np.int64).reshape(-1, columns)


def _whole(cell: bytes, path: Path, line: int, column: int) -> int:
    """The number in a cell, which may be quoted or written as a float: 5, "5", 5.0, 5.000e+00."""
    text = unquoted(cell)
    if WHOLE.fullmatch(text):
        return int(text)
    value = float(text) if NUMBER.fullmatch(text) else -1.0
    if not value.is_integer() or not 0 <= value < LARGEST_EXACT:
        raise cell_error(path, line, column, "a whole number from 0", cell)
    return int(value)


def unquoted(cell: bytes) -> bytes:
    """A cell without the blanks and the one pair of quotes that may stand around it."""
    text = cell.strip()
    return text[1:-1].strip() if len(text) > 1 and text[:1] == text[-1:] == b'"' else text


def cell_error(path: Path, line: int, column: int, expected: str, cell: bytes, advice: str = "") -> DataError:
    """The error for one cell."""
    found = repr(cell.strip()[:40].decode("utf-8", "replace")) if cell.strip() else "nothing"
    return DataError.of(path, f"line {line}, column {column}", expected=expected, found=found, advice=advice)


def _table(separator: str) -> NDArray[np.uint32]:
    cells = b"".join(f"{value}{separator}".encode().ljust(4, b"\0") for value in range(LARGEST + 1))
    return np.frombuffer(cells, np.uint32)


INSIDE, LAST = _table(","), _table("\n")


def text(numbers: NDArray[np.integer]) -> bytes:
    """(rows, columns) whole numbers from 0 to 999 -> their lines."""
    cells = np.empty(numbers.shape, np.uint32)
    np.take(INSIDE, numbers[:, :-1], out=cells[:, :-1])
    np.take(LAST, numbers[:, -1], out=cells[:, -1])
    return cells.tobytes().translate(None, b"\0")


def text_plain(numbers: NDArray[np.integer]) -> bytes:
    """What `text` gives, for numbers of any size."""
    return "".join(",".join(map(str, row)) + "\n" for row in numbers.tolist()).encode()
