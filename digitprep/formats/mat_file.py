"""The arrays in a MAT-file of level 5: MATLAB's `save -v6` and `-v7`, Octave's and SciPy's.

Only what makes a dataset is read: arrays of numbers, and structs of 1 x 1 that hold such. Everything
else (text, cells, objects, functions) is passed over, so nothing in a file is ever run, and nothing is
nested deeper than datasets are: SciPy's own reader crashes on a file of structs nested deep enough. A
variable is held whole, and no more than its packed bytes can hold.

Source: MathWorks, "MAT-File Level 5 File Format".
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import DataError
from digitprep.formats.gz import AGAIN

HEADER_BYTES = 128
ORDERS = {b"\0\1IM": "<", b"\1\0MI": ">"}  # the header's last four bytes: version and byte order
HDF5 = b"MATLAB 7.3"
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED = 14, 15
STRUCT, NUMBERS = 2, range(6, 16)  # classes of arrays
COMPLEX = 0x0800
DEEPEST = 2  # structs in structs: dataset.train.images
LONGEST_NAME_BYTES, MOST_FIELDS = 4096, 1024
CHUNK = 1 << 20
DEFLATE_FACTOR = 1032  # no packed byte stands for more

Value = NDArray[Any] | dict[str, Any] | None  # None for what is no number


def read_variables(path: Path, wanted: Collection[str]) -> tuple[dict[str, Value], list[str]]:
    """The variables of these names, and the names of all. Numbers have the type they are stored in.

    Raises DataError where the file is no such file or is damaged.
    """
    found: dict[str, Value] = {}
    names: list[str] = []
    with path.open("rb") as file:
        order, size = _byte_order(path, file.read(HEADER_BYTES)), path.stat().st_size
        position = HEADER_BYTES
        while position < size:
            element = _Element.at(path, file, order, position, size)
            name, value = element.variable(wanted)
            if name in names:
                raise element.damage("variables of different names", f"{name!r} again")
            names.append(name)
            if name in wanted:
                found[name] = value
            position = element.end
    return found, names


def _byte_order(path: Path, header: bytes) -> str:
    if header.startswith(HDF5):
        advice = "save it in MATLAB with -v7, which is level 5"
        raise DataError.of(path, expected="a MAT-file of level 5", found="version 7.3", advice=advice)
    if len(header) < HEADER_BYTES or header[-4:] not in ORDERS:
        found = repr(header[-4:]) if len(header) == HEADER_BYTES else f"a file of {len(header)} bytes"
        expected = "the mark of a MAT-file of level 5"
        raise DataError.of(path, "byte 124", expected=expected, found=found, advice=AGAIN)
    return ORDERS[header[-4:]]


@dataclass
class _Element:
    """One variable as it stands in the file, its bytes read in their order, inflated where packed."""

    path: Path
    file: BinaryIO
    order: str
    start: int
    end: int
    unread: int  # bytes of the file
    inflater: Any = None
    tail: bytes = b""
    position: int = field(default=0)  # of what has been read, inflated

    @classmethod
    def at(cls, path: Path, file: BinaryIO, order: str, start: int, size: int) -> _Element:
        """Raises DataError where there is no variable, or not all of it."""
        file.seek(start)
        element = cls(path, file, order, start, min(start + 8, size), min(8, size - start))
        kind, count = struct.unpack(order + "II", element.read(8))
        if kind not in (MATRIX, COMPRESSED):
            raise element.damage("a variable", f"an element of type {kind}")
        if count > size - start - 8:
            raise element.damage(f"{count} bytes of a variable", f"{size - start - 8}, then the end")
        element.end, element.unread = start + 8 + count, count
        if kind == COMPRESSED:
            element.inflater = zlib.decompressobj()
        else:
            file.seek(start)
            element.unread += 8
        return element

    def variable(self, wanted: Collection[str]) -> tuple[str, Value]:
        """Its name, and its value where that is wanted."""
        self.position = 0
        kind, count, _ = self._tag()
        if kind != MATRIX or count > DEFLATE_FACTOR * (self.end - self.start):
            raise self.damage("an array no larger than its bytes can hold", f"type {kind}, {count} bytes")
        end = self.position + count
        flags, shape, name = self._array_header(end)
        if name not in wanted:
            return name, None
        value = self._value(flags, shape, end, 0)
        self._finish()
        return name, value

    def read(self, count: int) -> bytearray:
        """The next bytes, exactly as many."""
        data = bytearray()  # grows with what is there, whatever the file promises
        while len(data) < count:
            chunk = self._chunk(min(CHUNK, count - len(data)))
            if not chunk:
                raise self.damage(f"{count} bytes more", f"{len(data)}")
            data += chunk
        self.position += count
        return data

    def damage(self, expected: str, found: str) -> DataError:
        """The error that names the file and this variable's place in it."""
        packed = "" if self.inflater is None else f", unpacked byte {self.position}"
        where = f"byte {self.start}{packed}" if packed else f"byte {self.start + self.position}"
        return DataError.of(self.path, where, expected=expected, found=found, advice=AGAIN)

    def _chunk(self, most: int) -> bytes:
        if self.inflater is None:
            data = self.file.read(min(most, self.unread))
            self.unread -= len(data)
            return data
        while True:
            try:
                data = self.inflater.decompress(self.tail, most)
            except zlib.error as error:
                raise self.damage("a sound zlib stream", str(error)) from error
            self.tail = self.inflater.unconsumed_tail
            if data or self.inflater.eof or not (self.tail or self.unread):
                return bytes(data)
            if not self.tail:
                self.tail = self.file.read(min(CHUNK, self.unread))
                self.unread -= len(self.tail)

    def _finish(self) -> None:
        """Raise DataError where something follows the value, or its checksum is wrong or missing."""
        if self._chunk(1) or self.unread or (self.inflater is not None and not self.inflater.eof):
            raise self.damage("the end of the variable", "more bytes, or no checksum")

    def _tag(self) -> tuple[int, int, bytes | None]:
        """Type and size of the next element, and its bytes where they stand in the tag itself."""
        tag = self.read(8)
        word, count = struct.unpack(self.order + "II", tag)
        small = word >> 16
        if small > 4:
            raise self.damage("at most 4 bytes in a tag", f"{small}")
        return (word & 0xFFFF, small, bytes(tag[4 : 4 + small])) if small else (word, count, None)

    def _data(self, end: int) -> tuple[int, bytes | bytearray]:
        """Type and bytes of the next element, which must stand before `end`."""
        kind, count, data = self._tag()
        if data is not None:
            return kind, data
        padded = count + -count % 8
        if self.position + padded > end:
            raise self.damage(f"an element of at most {end - self.position} bytes", f"{count} bytes")
        read = self.read(padded)
        del read[count:]
        return kind, read

    def _array_header(self, end: int) -> tuple[int, tuple[int, ...], str]:
        """Flags, with the class in the lowest byte; shape; name."""
        (_, flags), (kind, dimensions), (_, name) = self._short(end), self._short(end), self._short(end)
        if len(flags) != 8 or kind != 5 or len(dimensions) % 4 or len(dimensions) < 8:
            raise self.damage("the flags and the dimensions of an array", "others")
        shape = struct.unpack(f"{self.order}{len(dimensions) // 4}i", dimensions)
        if min(shape) < 0:
            raise self.damage("dimensions of at least 0", str(shape))
        return struct.unpack(self.order + "I", flags[:4])[0], shape, name.decode("latin-1")

    def _short(self, end: int) -> tuple[int, bytes | bytearray]:
        return self._data(min(end, self.position + 8 + LONGEST_NAME_BYTES))

    def _value(self, flags: int, shape: tuple[int, ...], end: int, depth: int) -> Value:
        value: Value = None
        if flags & 0xFF in NUMBERS and not flags & COMPLEX:
            kind, data = self._data(end)
            if kind not in TYPES or len(data) != math.prod(shape) * np.dtype(TYPES[kind]).itemsize:
                raise self.damage(f"numbers of {shape}", f"{len(data)} bytes of type {kind}")
            value = np.frombuffer(data, self.order + TYPES[kind]).reshape(shape, order="F")
        elif flags & 0xFF == STRUCT and math.prod(shape) == 1 and depth < DEEPEST:
            value = self._fields(end, depth)
        else:
            self._skip(end)
        if self.position != end:
            raise self.damage("the end of an array", f"{end - self.position} bytes more")
        return value

    def _fields(self, end: int, depth: int) -> dict[str, Value]:
        length = int.from_bytes(self._short(end)[1], "little" if self.order == "<" else "big")
        text = bytes(self._data(min(end, self.position + 8 + LONGEST_NAME_BYTES * 16))[1])
        if not 0 < length <= LONGEST_NAME_BYTES or len(text) % length or len(text) // length > MOST_FIELDS:
            raise self.damage("names of fields", f"{len(text)} bytes, {length} a name")
        names = [
            text[at : at + length].split(b"\0")[0].decode("latin-1") for at in range(0, len(text), length)
        ]
        fields: dict[str, Value] = {}
        for name in names:
            kind, count, _ = self._tag()
            inner = self.position + count
            if kind != MATRIX or inner > end or name in fields:
                raise self.damage(f"an array as field {name!r}", f"type {kind}, {count} bytes")
            fields[name] = None  # a field that nothing was written to
            if count:
                flags, shape, _ = self._array_header(inner)
                fields[name] = self._value(flags, shape, inner, depth + 1)
        return fields

    def _skip(self, end: int) -> None:
        while self.position < end:
            self.read(min(CHUNK, end - self.position))
