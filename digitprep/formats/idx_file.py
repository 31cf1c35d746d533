"""One IDX file, the format of MNIST's own files: numbers of one type in any number of dimensions.

    byte 0, 1   zero
    byte 2      the type: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte 3      the number of dimensions
    byte 4...   each dimension, 4 bytes, then the values; all numbers are big endian

Source: Yann LeCun, "The MNIST database of handwritten digits", section on the file formats.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from digitprep.errors import DataError, UsageError
from digitprep.formats import gz
from digitprep.formats.base import reading
from digitprep.place import place

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CODES = {np.dtype(type_).newbyteorder("="): code for code, type_ in TYPES.items()}
LARGEST_RANK = 32  # what every NumPy can hold
LARGEST_DIMENSION = 2**32 - 1
LARGEST_COUNT = 2**60 - 1  # of values of 8 bytes, in what NumPy can hold


@dataclass(frozen=True)
class IdxFile:
    """An open IDX file: what its header says, and its values in order."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    source: gz.Source

    def rows(self, batch: int) -> Iterator[NDArray[Any]]:
        """The values in parts of `batch` along the first dimension, none at all for an empty array.

        Raises DataError where the file holds less or more than its header says.
        """
        for start in range(0, self.shape[0], batch):
            yield self._values((min(batch, self.shape[0] - start), *self.shape[1:]), start)
        self._check_end()

    def all(self) -> NDArray[Any]:
        """Every value as one array. Raises DataError as `rows` does."""
        values = self._values(self.shape, 0)
        self._check_end()
        return values

    def _values(self, shape: tuple[int, ...], start: int) -> NDArray[Any]:
        size = math.prod(shape) * self.dtype.itemsize
        data = gz.read_exactly(self.source, size)
        if len(data) < size:
            before = start * math.prod(self.shape[1:]) * self.dtype.itemsize
            raise self._size_error(f"the end at byte {self._header_bytes + before + len(data)}")
        return data.view(self.dtype).reshape(shape).astype(self.dtype.newbyteorder("="), copy=False)

    def _check_end(self) -> None:
        extra = 0
        while piece := self.source.read(gz.LARGEST_READ):
            extra += len(piece)
        if extra:
            raise self._size_error(f"{extra:,} more bytes after them")

    @property
    def _header_bytes(self) -> int:
        return 4 + 4 * len(self.shape)

    def _size_error(self, found: str) -> DataError:
        size = math.prod(self.shape) * self.dtype.itemsize
        dimensions = " x ".join(map(str, self.shape))
        return DataError.of(
            self.path,
            f"byte {self._header_bytes}",
            expected=f"{size:,} bytes of values, as the header says ({dimensions} {self.dtype.name})",
            found=found,
            advice=gz.AGAIN,
        )


@contextmanager
def opened(path: Path) -> Iterator[IdxFile]:
    """An IDX file, plain or gzipped, with its header read. Raises DataError where there is none."""
    with reading(path), gz.opened(path) as source:
        magic = gz.read_exactly(source, 4).tobytes()
        if len(magic) < 4 or magic[:2] != b"\0\0":
            raise _magic_error(path, magic + gz.read_exactly(source, 20).tobytes())
        if magic[2] not in TYPES:
            known = ", ".join(f"{code:02X}" for code in TYPES)
            raise DataError.of(path, "byte 2", expected=f"a type, one of {known}", found=f"{magic[2]:02X}")
        if magic[3] > LARGEST_RANK:
            expected = f"at most {LARGEST_RANK} dimensions"
            raise DataError.of(path, "byte 3", expected=expected, found=magic[3])
        sizes = gz.read_exactly(source, 4 * magic[3]).tobytes()
        if len(sizes) < 4 * magic[3]:
            expected, found = f"{magic[3]} dimensions of 4 bytes", f"{len(sizes)} bytes and the end"
            raise DataError.of(path, "byte 4", expected=expected, found=found, advice=gz.AGAIN)
        shape = struct.unpack(f">{magic[3]}I", sizes)
        if 0 in shape and math.prod(side or 1 for side in shape) > LARGEST_COUNT:  # NumPy has no such array
            expected, found = f"at most {LARGEST_COUNT:,} values", " x ".join(map(str, shape))
            raise DataError.of(path, "byte 4", expected=expected, found=found, advice=gz.AGAIN)
        yield IdxFile(path, np.dtype(TYPES[magic[2]]), shape, source)


def read_idx(path: Path | str) -> NDArray[Any]:
    """An IDX file, plain or gzipped, of any type and any number of dimensions -> its array, native endian.

    Raises DataError naming the byte where the file is not what it should be.
    """
    with opened(Path(path)) as file:
        return file.all()


def write_idx(path: Path | str, array: NDArray[Any], *, overwrite: bool = False) -> None:
    """An array of any shape -> an IDX file, gzipped if named `.gz`.

    Its type is uint8, int8, int16, int32, float32 or float64.

    Raises UsageError for another type, and where the file exists, unless `overwrite` says to replace it;
    DigitprepError where the disk refuses.
    """
    path, array = Path(path), np.asarray(array)
    header = header_bytes(array.dtype, array.shape)
    values = np.asarray(array, array.dtype.newbyteorder(">"), order="C")

    def write(result: Path) -> None:
        gz.write(result, [header, values.tobytes()], compress=path.suffix == ".gz")

    place(path, write, overwrite=overwrite)


def header_bytes(dtype: DTypeLike, shape: tuple[int, ...]) -> bytes:
    """The header for values of that type and shape. Raises UsageError where IDX has no such thing."""
    native = np.dtype(dtype).newbyteorder("=")
    if native not in CODES:
        known = ", ".join(known.name for known in CODES)
        raise UsageError(f"IDX has no type for {native.name}; convert the array to one of {known}")
    if len(shape) > 255 or max(shape, default=0) > LARGEST_DIMENSION:
        raise UsageError(f"IDX holds no array of shape {shape}: a dimension has 4 bytes")
    return struct.pack(f">2xBB{len(shape)}I", CODES[native], len(shape), *shape)


def _magic_error(path: Path, start: bytes) -> DataError:
    expected = "two zero bytes, a type and a number of dimensions"
    if not start:
        return DataError.of(path, "byte 0", expected=expected, found="an empty file", advice=gz.AGAIN)
    advice = "this is no IDX file"
    if start.lstrip().startswith(b"<"):
        advice = "this looks like a web page, as a dead download link gives; get the file elsewhere"
    elif start.startswith(gz.MAGIC):
        advice = "the file was gzipped twice; unpack it once"
    elif len(start) < 4:
        advice = gz.AGAIN
    return DataError.of(path, "byte 0", expected=expected, found=repr(start), advice=advice)
