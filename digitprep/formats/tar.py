"""Tar archives: entries that hold no clock and no user, and a reader that goes straight through.

Every check that a general reader leaves out is made: of the header's sums, of an end that is there,
and of names and kinds of members that would lead outside.

Source: IEEE Std 1003.1-2001, the pax utility: ustar and pax interchange formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digitprep.errors import DataError
from digitprep.formats.gz import AGAIN, LARGEST_READ, Source, opened, read_exactly
from digitprep.limits import LIMITS
from digitprep.names import path_inside

BLOCK = 512
END = bytes(2 * BLOCK)
LARGEST_EXTENSION = 1 << 20  # of a header that only says more about the next member
REGULAR, FOLDER, PAX, PAX_FOR_ALL, GNU_LONG_NAME = (b"0", b"\0", b"7"), b"5", b"x", b"g", b"L"
OTHERS = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a pipe"}
COMMENT = "comment"
OCTAL = re.compile(rb"[0-7]+")


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name with slashes, the byte at which its header starts, its content."""

    name: str
    position: int
    data: bytes


@dataclass
class Tar:
    """An archive that is being read; `comment` is what a header for all members says."""

    path: Path
    comment: str = ""
    _position: int = 0

    def members(self) -> Iterator[Member]:
        """The files in a plain or gzipped archive, in order; folders are passed over.

        Raises DataError naming the byte where the archive is damaged or cut off, and the member that
        is a link or a device, is too large, or has a name that leads out of the archive.
        """
        with opened(self.path) as source:
            said: dict[str, str] = {}
            while (header := self._block(source)).strip(b"\0"):
                start = self._position - BLOCK
                kind, size = self._checked(header, start, said)
                name = said.get("path") or _name(header)
                data = self._data(source, size, start)
                if kind in (PAX, PAX_FOR_ALL, GNU_LONG_NAME):
                    said |= self._extension(kind, data, start)
                    continue
                if kind in REGULAR:
                    yield Member(self._inside(name, start), start, data)
                elif kind != FOLDER:
                    found = f"{name!r}, {OTHERS.get(kind, f'type {kind!r}')}"
                    raise self._error(start, "a file", found, "such members are never unpacked")
                said = {}
            self._check_end(source)

    def _block(self, source: Source) -> bytes:
        block = read_exactly(source, BLOCK).tobytes()
        if len(block) < BLOCK:
            found = "the end of the file" if self._position or block else "an empty file"
            raise self._error(self._position, "a tar header, or two empty ones at the end", found, AGAIN)
        self._position += BLOCK
        return block

    def _checked(self, header: bytes, start: int, said: dict[str, str]) -> tuple[bytes, int]:
        """The kind and the size of a member, once its header's sum is right."""
        sums = {sum(header[:148]) + 8 * ord(" ") + sum(header[156:])}
        if _octal(header[148:156]) not in sums:
            raise self._error(start, "a tar header with a right checksum", repr(header[:16]), AGAIN)
        kind = header[156:157]
        size = _decimal(said["size"]) if "size" in said else _octal(header[124:136])
        largest = LIMITS.bytes if kind in REGULAR else LARGEST_EXTENSION
        if size is None or size > largest:
            found = "more" if size is None else f"{size:,}"
            raise self._error(start, f"a member of at most {largest:,} bytes", found)
        return kind, size

    def _data(self, source: Source, size: int, start: int) -> bytes:
        padded = -(-size // BLOCK) * BLOCK
        data = read_exactly(source, padded).tobytes()
        if len(data) < padded:
            found = f"the end of the file after {len(data):,}"
            raise self._error(start, f"a member of {size:,} bytes", found, AGAIN)
        self._position += padded
        return data[:size]

    def _extension(self, kind: bytes, data: bytes, start: int) -> dict[str, str]:
        """What a header says of the member after it, which is its path or its size."""
        try:
            if kind == GNU_LONG_NAME:
                return {"path": data.rstrip(b"\0").decode()}
            said = _pax_records(data)
        except ValueError as error:
            raise self._error(start, "records of a pax header", f"damage ({error})", AGAIN) from error
        if kind == PAX_FOR_ALL:
            self.comment = said.get(COMMENT, "")
            return {}
        return said

    def _inside(self, name: str, start: int) -> str:
        inside = path_inside(name)
        if inside is None:
            raise self._error(start, "a name inside the archive", repr(name), "it would lead elsewhere")
        return inside

    def _check_end(self, source: Source) -> None:
        """Nothing but zeros follows the first empty block, and at least one more of them."""
        start, count = self._position, 0
        while piece := source.read(LARGEST_READ):
            if piece.strip(b"\0"):
                raise self._error(start + count, "the end of the archive", "other bytes", AGAIN)
            count += len(piece)
        if count < BLOCK:
            raise self._error(start, "a second empty header, the archive's end", "the end of the file", AGAIN)

    def _error(self, position: int, expected: str, found: str, advice: str = "") -> DataError:
        return DataError.of(self.path, f"byte {position}", expected=expected, found=found, advice=advice)


def entry(name: str, data: bytes) -> bytes:
    """A file as it stands in an archive: header, content, padding; the name has at most 100 characters."""
    return _header(name, len(data), b"0") + data + bytes(-len(data) % BLOCK)


def comment_entry(text: str) -> bytes:
    """A comment of less than 80 characters on the whole archive."""
    record = f" {COMMENT}={text}\n"
    data = f"{len(record) + 2}{record}".encode("ascii")
    return _header("comment", len(data), PAX_FOR_ALL) + data + bytes(-len(data) % BLOCK)


def _header(name: str, size: int, kind: bytes) -> bytes:
    fields = (
        name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
        + b"%011o\0" % size + b"0" * 11 + b"\0", kind + bytes(100) + b"ustar\00000" + bytes(247),
    )  # fmt: skip
    checksum = sum(fields[0]) + 8 * ord(" ") + sum(fields[1])
    return fields[0] + b"%06o\0 " % checksum + fields[1]


def _name(header: bytes) -> str:
    parts = [header[:100]] if header[257:263] != b"ustar\0" else [header[345:500], header[:100]]
    return "/".join(part.partition(b"\0")[0].decode("utf-8", "replace") for part in parts if part[0])


def _octal(field: bytes) -> int | None:
    digits = field.strip(b"\0 ")
    return int(digits, 8) if OCTAL.fullmatch(digits) else None


def _decimal(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _pax_records(data: bytes) -> dict[str, str]:
    records: dict[str, str] = {}
    while data:
        length = int(data.partition(b" ")[0])
        record = data[:length]
        if not 4 < length <= len(data) or not record.endswith(b"\n"):
            raise ValueError(f"a record of {length} bytes")
        key, _, value = record.partition(b" ")[2][:-1].partition(b"=")
        records[key.decode()] = value.decode()
        data = data[length:]
    return records
