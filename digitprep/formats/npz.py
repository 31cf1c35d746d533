"""NumPy archives of arrays that `npz_keys` tells apart."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from digitprep.archive import array_entry
from digitprep.dataset import Split
from digitprep.formats.base import FORMATS, Format, first_bytes, grouped
from digitprep.formats.npy import END, array_keys, open_npy, opened_archive, write_header
from digitprep.formats.npz_keys import NewArray, new_arrays, read_arrays
from digitprep.formats.spool import spooled


@FORMATS.register
@dataclass(frozen=True)
class Npz(Format):
    """NumPy's archive with Keras's keys, x_train, y_train and so on; reads MedMNIST's and others' too."""

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

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
            yield from read_arrays(path, array_keys(archive), opened, batch, self.round_floats)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        method = zipfile.ZIP_DEFLATED if self.compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "x", method, compresslevel=6) as archive:
            for name, parts in grouped(splits):
                with spooled(parts, path.parent) as spool:
                    for array in new_arrays(name, spool):
                        _write_array(archive, array)


def _write_array(archive: zipfile.ZipFile, array: NewArray) -> None:
    key, shape, dtype, chunks = array
    info = array_entry(key, 0o100644)
    info.compress_type = archive.compression
    info.file_size = math.prod(shape) * dtype.itemsize + 1024  # past 4 GB zip needs its wider fields
    with archive.open(info, "w") as member:
        write_header(member, shape, dtype)
        member.writelines(chunks)
