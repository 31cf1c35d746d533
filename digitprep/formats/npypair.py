"""A folder of .npy files, one of images and one of labels a split, which are mapped into memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from digitprep.archive import END
from digitprep.dataset import Split
from digitprep.formats.base import FORMATS, Format, entries, grouped
from digitprep.formats.npy import map_npy, write_header
from digitprep.formats.npz_keys import new_arrays, read_arrays
from digitprep.formats.spool import spooled


@FORMATS.register
@dataclass(frozen=True)
class Npypair(Format):
    """A folder of NumPy arrays, x_train.npy and y_train.npy and so on, named as in npz.

    round_floats: whether floats from 0 to 255 that are no whole numbers may be rounded when read
    """

    folder: ClassVar[bool] = True

    round_floats: bool = False

    def sniff(self, path: Path) -> bool:
        return bool(_keys(path))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        yield from read_arrays(path, _keys(path), partial(map_npy, path), batch, self.round_floats)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        path.mkdir()
        for name, parts in grouped(splits):
            with spooled(parts, path.parent) as spool:
                for key, shape, dtype, chunks in new_arrays(name, spool):
                    with (path / (key + END)).open("xb") as file:
                        write_header(file, shape, dtype)
                        file.writelines(chunks)

    def owns(self, name: str) -> bool:
        return re.fullmatch(r"[xy]_\w+\.npy", name, re.ASCII) is not None


def _keys(path: Path) -> list[str]:
    return [name.removesuffix(END) for name in entries(path) if name.endswith(END)]
