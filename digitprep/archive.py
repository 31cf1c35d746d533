"""NumPy archives: written as the same bytes each time, read without trust in what they say of themselves."""

from __future__ import annotations

import math
import os
import sys
import zipfile
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that zip can say
UNIX = 3
END = ".npy"
PACKED_BYTES = 1 << 26  # of all arrays, unpacked, where they are packed so tightly that the file is smaller

Header = tuple[tuple[int, ...], bool, "np.dtype[Any]"]


def array_entry(key: str, permissions: int) -> zipfile.ZipInfo:
    """The entry of an .npz file for the array of that name; the permissions are those of `chmod`."""
    entry = zipfile.ZipInfo(f"{key}{END}", EPOCH)
    entry.create_system, entry.external_attr = UNIX, permissions << 16
    return entry


def read_arrays(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name; nothing is unpickled.

    Each is as large as its header says, and all together are no larger than the file or, packed,
    PACKED_BYTES, before any memory is taken.

    Raises ValueError saying what is wrong, for whatever that is, but OSError where the disk refuses.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            found, most = sum(entry.file_size for entry in entries), max(_size(file), PACKED_BYTES)
            if found > most:
                raise ValueError(f"{found:,} bytes unpacked, of which {most:,} would be read")
            if len({entry.filename for entry in entries}) < len(entries):
                raise ValueError("two arrays of one name")
            return {entry.filename.removesuffix(END): _array(archive, entry) for entry in entries}
    except OSError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds between them
        raise ValueError(str(error)) from error


def read_header(file: IO[bytes]) -> Header:
    """The shape of an array, whether its columns come first, and its type, as stand before its values.

    Raises what NumPy raises, of many kinds, where there is no such thing.
    """
    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file)
    if version in ((2, 0), (3, 0)):  # they differ in how names of fields are encoded alone
        return npy.read_array_header_2_0(file)
    raise ValueError(f"version {version} of the npy format")


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as member:
        shape, fortran, dtype = read_header(member)
        if dtype.hasobject:
            raise ValueError(f"{entry.filename}: pickled objects, which could run any code")
        size, held = math.prod(shape) * dtype.itemsize, entry.file_size - member.tell()
        if min(shape, default=0) < 0 or size != held:
            raise ValueError(f"{entry.filename}: {size:,} bytes for {shape} {dtype}, found {held:,}")
        values = bytearray(member.read())  # to the end, where a checksum stands
    if dtype.kind == "U" and (np.frombuffer(values, dtype.byteorder + "u4") > sys.maxunicode).any():
        raise ValueError(f"{entry.filename}: text of what are no characters")
    return np.ndarray(shape, dtype, values, order="F" if fortran else "C")


def _size(file: IO[bytes]) -> int:
    return file.seek(0, os.SEEK_END)
