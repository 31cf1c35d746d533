"""NumPy archives of arrays that `npz_keys` tells apart."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.lib import format as npy_format

from digitprep.archive import END, array_entry
from digitprep.dataset import Split
from digitprep.formats.base import FORMATS, Format, first_bytes, grouped
from digitprep.formats.class_names import ClassNames, OneList, check_distinct, with_class_names
from digitprep.formats.npy import (
    LARGEST_TEXT_BYTES,
    array_keys,
    open_npy,
    opened_archive,
    read_texts,
    write_header,
)
from digitprep.formats.npz_keys import NewArray, new_arrays, read_arrays
from digitprep.formats.spool import spooled

PROVENANCE = "provenance"
CLASS_NAMES = "class_names"


@FORMATS.register
@dataclass(frozen=True)
class Npz(Format):
    """NumPy's archive with Keras's keys, x_train, y_train and so on; reads MedMNIST's and others' too.

    compress: whether the arrays are deflated
    round_floats: whether floats from 0 to 255 that are no whole numbers may be rounded when read
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    own_class_names: ClassVar[bool] = True

    compress: bool = True
    round_floats: bool = False

    def sniff(self, path: Path) -> bool:
        start = first_bytes(path, 256)
        first_name = start[30 : 30 + int.from_bytes(start[26:28], "little")]
        is_archive = start.startswith(b"PK\x03\x04") and first_name.endswith(END.encode())
        return path.is_file() and (is_archive or path.name.lower().endswith(self.suffixes))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        with opened_archive(path) as archive:
            opened = partial(open_npy, archive, path)
            keys = array_keys(archive)
            parts = read_arrays(path, keys, opened, batch, self.round_floats)
            names = _class_names(archive, path) if CLASS_NAMES in keys else None
            yield from with_class_names(parts, names, path)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        method = zipfile.ZIP_DEFLATED if self.compress else zipfile.ZIP_STORED
        names = OneList()
        with zipfile.ZipFile(path, "x", method, compresslevel=6) as archive:
            for name, parts in grouped(names.noted(splits)):
                with spooled(parts, path.parent) as spool:
                    for array in new_arrays(name, spool):
                        _write_array(archive, array)
            if names.names:
                _write_array(archive, _texts(CLASS_NAMES, names.names))

    def embed(self, path: Path, text: str) -> bool:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            _write_array(archive, _texts(PROVENANCE, text))
        return True

    def embedded(self, path: Path) -> str:
        try:
            with zipfile.ZipFile(path) as archive:
                entry = archive.getinfo(PROVENANCE + END)
                if entry.file_size > LARGEST_TEXT_BYTES:
                    return ""
                with archive.open(entry) as member:
                    return str(npy_format.read_array(member, allow_pickle=False))
        except Exception:  # whatever is wrong with it, there is no provenance to be had from it
            return ""


def _class_names(archive: zipfile.ZipFile, path: Path) -> ClassNames:
    names = read_texts(archive, path, CLASS_NAMES)
    check_distinct(names, f"{path}: array {CLASS_NAMES!r}")
    return names


def _texts(key: str, texts: str | tuple[str, ...]) -> NewArray:
    array = np.array(texts)
    return key, array.shape, array.dtype.newbyteorder("<"), iter([array.astype("<U").tobytes()])


def _write_array(archive: zipfile.ZipFile, array: NewArray) -> None:
    key, shape, dtype, chunks = array
    info = array_entry(key, 0o100644)
    info.compress_type = archive.compression
    info.file_size = math.prod(shape) * dtype.itemsize + 1024  # past 4 GB zip needs its wider fields
    with archive.open(info, "w") as member:
        write_header(member, shape, dtype)
        member.writelines(chunks)
