"""Arrays as NumPy keeps them, in an archive or a file, read by rows, so that memory holds a batch.

Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".
"""

from __future__ import annotations

import math
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from digitprep.archive import END, read_header
from digitprep.errors import DataError
from digitprep.formats.base import reading
from digitprep.formats.gz import AGAIN, CHUNK_BYTES, Source, read_exactly

NUMBERS, TEXTS = ("numbers", "biuf"), ("texts", "U")  # what an array may hold, and NumPy's kinds of that
LARGEST_TEXT_BYTES = 1 << 26


class Npy(Protocol):
    """An array on disk: its shape and type, and its rows as often as they are asked for."""

    @property
    def path(self) -> Path:
        """The file that it is in."""

    @property
    def key(self) -> str:
        """Its name, as "x_train"."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""

    def rows(self, batch: int) -> Iterator[NDArray[Any]]:
        """The values in parts of `batch` along the first dimension; none for an empty array.

        Raises DataError where the file is damaged.
        """


@dataclass(frozen=True)
class MappedNpy:
    """An array in a file of its own, which is mapped and never read as a whole."""

    path: Path
    key: str
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    header_size: int

    def rows(self, batch: int) -> Iterator[NDArray[Any]]:
        """As `Npy.rows`. Raises DataError where the file is damaged."""
        if 0 in self.shape:
            return
        order: Literal["F", "C"] = "F" if self.fortran else "C"
        with reading(self.path):
            whole = np.memmap(self.path, self.dtype, "r", self.header_size, self.shape, order)
        for start in range(0, self.shape[0], batch):
            yield np.array(whole[start : start + batch])


@dataclass(frozen=True)
class ZippedNpy:
    """An array in an archive."""

    archive: zipfile.ZipFile
    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    def rows(self, batch: int) -> Iterator[NDArray[Any]]:
        """As `Npy.rows`. Raises DataError where the file is damaged."""
        with _damage_named(self.path, self.key), self.archive.open(self.key + END) as member:
            read_header(member)
            whole = self._transposed(member) if self.fortran and 0 not in self.shape else None
            for start in range(0, self.shape[0], batch):
                stop = min(start + batch, self.shape[0])
                yield self._values(member, stop - start) if whole is None else np.array(whole[start:stop])
            while member.read(CHUNK_BYTES):  # to the end, where the checksum is compared
                pass

    def _values(self, member: IO[bytes], count: int) -> NDArray[Any]:
        shape = (count, *self.shape[1:])
        size = math.prod(shape) * self.dtype.itemsize
        data = read_exactly(cast(Source, member), size)
        if len(data) < size:
            raise EOFError(f"{size - len(data):,} bytes are missing")
        return data.view(self.dtype).reshape(shape)

    def _transposed(self, member: IO[bytes]) -> NDArray[Any]:
        """The array whose rows are scattered over the file, through a temporary file."""
        with tempfile.TemporaryFile() as file:
            while chunk := member.read(CHUNK_BYTES):
                file.write(chunk)
            file.flush()
            return np.memmap(file, self.dtype, "r", shape=self.shape, order="F")


def read_texts(archive: zipfile.ZipFile, path: Path, key: str) -> tuple[str, ...]:
    """The texts in an array of (N,) of that name. Raises DataError where it holds something else."""
    array = open_npy(archive, path, key, holds=TEXTS)
    if len(array.shape) != 1 or math.prod(array.shape) * array.dtype.itemsize > LARGEST_TEXT_BYTES:
        expected = f"a list of texts, (N,), of at most {LARGEST_TEXT_BYTES:,} bytes"
        raise DataError.of(path, f"array {key!r}", expected=expected, found=f"{array.shape} {array.dtype}")
    with _damage_named(path, key):
        return tuple(text for part in array.rows(max(1, array.shape[0])) for text in part.tolist())


def open_npy(archive: zipfile.ZipFile, path: Path, key: str, holds: tuple[str, str] = NUMBERS) -> ZippedNpy:
    """The array of that name in an archive, its header read and held against its size.

    Raises DataError where the header is damaged or tells of Python objects.
    """
    size = archive.getinfo(key + END).file_size
    with _damage_named(path, key), archive.open(key + END) as member:
        shape, fortran, dtype, _ = _checked_header(member, size, path, key, holds)
    return ZippedNpy(archive, path, key, shape, dtype, fortran)


def map_npy(folder: Path, key: str) -> MappedNpy:
    """The array in a folder's file of that name; checked and refused as `open_npy` does."""
    path = folder / (key + END)
    with reading(path), path.open("rb") as file, _damage_named(path, key):
        header = _checked_header(file, path.stat().st_size, path, key)
    return MappedNpy(path, key, *header)


def write_header(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Write what stands before the values of an array."""
    header = {"descr": npy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(file, header)


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive to read from. Raises DataError where the file is none."""
    with path.open("rb") as file:
        with _damage_named(path, ""):
            archive = zipfile.ZipFile(file)
        with archive:
            twice = [name for name, count in Counter(archive.namelist()).items() if count > 1]
            if twice:
                raise DataError.of(path, f"member {twice[0]!r}", expected="each name once", found="it again")
            yield archive


def array_keys(archive: zipfile.ZipFile) -> list[str]:
    """The names of the arrays in an archive, sorted."""
    return sorted(name.removesuffix(END) for name in archive.namelist() if name.endswith(END))


def _checked_header(
    file: IO[bytes], size: int, path: Path, key: str, holds: tuple[str, str] = NUMBERS
) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order, type and length of the header at the start of `size` bytes, once they are sound."""
    shape, fortran, dtype = read_header(file)
    where = f"array {key!r}"
    if dtype.hasobject:
        raise DataError.of(
            path,
            where,
            expected=f"an array of {holds[0]}",
            found="pickled Python objects, which could run any code",
            advice="if you trust the file, load it with np.load(allow_pickle=True) and save plain arrays",
        )
    if dtype.kind not in holds[1]:
        raise DataError.of(path, where, expected=f"an array of {holds[0]}", found=f"type {dtype}")
    if min(shape, default=0) < 0:
        raise DataError.of(path, where, expected="an array of a possible shape", found=shape)
    promised, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if promised != held:
        expected = f"{promised:,} bytes for {shape} {dtype.name}"
        raise DataError.of(path, where, expected=expected, found=f"{held:,}", advice=AGAIN)
    return shape, fortran, dtype, file.tell()


@contextmanager
def _damage_named(path: Path, key: str) -> Iterator[None]:
    """Turn what zipfile, zlib and NumPy raise for damage into a DataError that names the array."""
    where = f"array {key!r}" if key else ""
    kind = "file" if path.suffix == END else "archive"
    try:
        yield
    except (DataError, MemoryError, OSError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds between them
        found = "an empty file" if path.stat().st_size == 0 else f"damage ({error})"
        raise DataError.of(
            path, where, expected=f"a sound NumPy {kind}", found=found, advice=AGAIN
        ) from error
