"""The lines of a text file, a piece of whole ones at a time, each knowing its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digitprep.errors import DataError
from digitprep.formats.gz import Source

PIECE_BYTES = 1 << 18  # fits the caches
LONGEST_LINE = 1 << 24  # bytes: over four million pixels; what is longer is no text of rows
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Piece:
    """Whole lines, each with its end; `first` is the number of the first one, from 1.

    `open_end` tells that the file ended without a line end (one is put there): it may be cut off.
    """

    data: bytes
    first: int
    open_end: bool = False

    def split(self) -> tuple[bytes, Piece]:
        """The first line, without its end, and the lines after it."""
        line, _, rest = self.data.partition(b"\n")
        return line, Piece(rest, self.first + 1, self.open_end)


def pieces(source: Source, path: Path) -> Iterator[Piece]:
    """The lines from the first one that is not blank, without a byte order mark.

    Raises DataError where a line is too long to be one.
    """
    number, rest = 1, bytearray()
    for block in _blocks(source):
        rest += block
        stop = rest.rfind(b"\n", len(rest) - len(block)) + 1
        if stop:
            data = bytes(rest[:stop])
            del rest[:stop]
            yield Piece(data, number)
            number += data.count(b"\n")
        if len(rest) > LONGEST_LINE:
            expected, found = f"a line of at most {LONGEST_LINE:,} bytes", "no line end"
            raise DataError.of(path, f"line {number}", expected=expected, found=found)
    if rest:
        yield Piece(bytes(rest) + b"\n", number, open_end=True)


def started(parts: Iterator[Piece]) -> Piece | None:
    """The first piece that has a line that is not blank, from that line on; None where there is none."""
    for part in parts:
        data = part.data.removeprefix(BYTE_ORDER_MARK) if part.first == 1 else part.data
        text = data.lstrip()
        if text:
            begin = data.rfind(b"\n", 0, len(data) - len(text)) + 1
            return Piece(data[begin:], part.first + data.count(b"\n", 0, begin), part.open_end)
    return None


def _blocks(source: Source) -> Iterator[bytes]:
    while block := source.read(PIECE_BYTES):
        yield block
