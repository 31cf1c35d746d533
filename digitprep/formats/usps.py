"""USPS as `usps.h5`: an HDF5 file with the groups train and test, each of these two arrays.

    data      (N, 256) float, 0..1: images of 16 x 16, row by row
    target    (N,) whole numbers, the digits

Values are scaled to 0..255 in a straight line and rounded to the nearest level, half to even, which the
splits' provenance says. An HDF5 file can send its reader to other files; this one does not follow.

Source: Hull, "A database for handwritten text recognition research", 1994; The HDF Group, "HDF5 File
Format Specification".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Provenance, Split
from digitprep.errors import DataError
from digitprep.extra import extra
from digitprep.formats.base import FORMATS, Format, first_bytes
from digitprep.formats.gz import AGAIN
from digitprep.formats.ranges import levels, outside, rule

MAGIC = b"\x89HDF\r\n\x1a\n"
SIDE, VALUES = 16, "0..1"
LARGEST_CHUNK_BYTES = 1 << 26  # what HDF5 unpacks at once
DEFLATE_FACTOR = 1032  # no packed byte stands for more


@FORMATS.register
@dataclass(frozen=True)
class Usps(Format):
    """USPS as usps.h5, read only: groups train and test of data and target, 16 x 16, scaled from 0..1.

    Needs the extra `h5`; raises MissingExtra without.
    """

    def sniff(self, path: Path) -> bool:
        return path.is_file() and first_bytes(path, len(MAGIC)) == MAGIC

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        h5py = extra("h5py", "usps.h5", "h5")
        origin = Provenance(str(path), rule(VALUES))
        with path.open("rb") as file, _opened(h5py, path, file) as content:
            for name in ("train", "test"):
                with _damage(path):
                    images = _array(h5py, path, content, f"{name}/data", "f")
                    labels = _array(h5py, path, content, f"{name}/target", "iu")
                if len(images.shape) != 2 or images.shape[1] != SIDE * SIDE:
                    expected = f"(N, {SIDE * SIDE})"
                    raise DataError.of(path, f"{name}/data", expected=expected, found=images.shape)
                if labels.shape != images.shape[:1]:
                    expected = f"({images.shape[0]},), a label for each image"
                    raise DataError.of(path, f"{name}/target", expected=expected, found=labels.shape)
                for start in range(0, max(images.shape[0], 1), batch):
                    with _damage(path):
                        part, digits = images[start : start + batch], labels[start : start + batch]
                    grey = _levels(path, name, part, start).reshape(-1, SIDE, SIDE)
                    yield Split(grey, digits.astype(np.int64), name, provenance=origin)


def _levels(path: Path, name: str, part: NDArray[Any], start: int) -> NDArray[np.uint8]:
    wrong = outside(part, VALUES)
    if len(wrong):
        row, column = map(int, wrong[0])
        where, found = f"{name}/data, sample {start + row}", f"{part[row, column]:g} in pixel {column}"
        raise DataError.of(path, where, expected=f"values in {VALUES}", found=found)
    return levels(part, VALUES)


def _array(h5py: Any, path: Path, content: Any, place: str, kinds: str) -> Any:
    """An array of the file itself, of a type and a size that its bytes can hold, opened to be sliced."""
    group, name = place.split("/")
    links = [content.get(group, getlink=True)]
    if isinstance(links[0], h5py.HardLink) and isinstance(content[group], h5py.Group):
        links.append(content[group].get(name, getlink=True))
    if len(links) < 2 or not all(isinstance(link, h5py.HardLink) for link in links):
        found = ", ".join(sorted(content)[:5]) or "an empty file"
        expected = f"the array {place}, as usps.h5 has"
        raise DataError.of(path, expected=expected, found=f"none in: {found}")
    array = content[place]
    if not isinstance(array, h5py.Dataset) or array.is_virtual or array.external is not None:
        raise DataError.of(path, place, expected="an array in this file", found="something else")
    if array.dtype.kind not in kinds or array.shape is None:
        expected = "floats" if kinds == "f" else "whole numbers"
        raise DataError.of(path, place, expected=expected, found=array.dtype.name)
    _check_size(path, place, array)
    return array


def _check_size(path: Path, place: str, array: Any) -> None:
    """Raise DataError for an array that would fill the memory, or that the file cannot hold."""
    chunk = math.prod(array.chunks or ()) * array.dtype.itemsize
    if chunk > LARGEST_CHUNK_BYTES:
        expected = f"chunks of at most {LARGEST_CHUNK_BYTES} bytes"
        raise DataError.of(
            path, place, expected=expected, found=f"{chunk}", advice="write it in smaller ones"
        )
    stored = array.id.get_storage_size()
    if array.nbytes > stored * (DEFLATE_FACTOR if array.chunks else 1) or stored > path.stat().st_size:
        expected, found = f"the bytes of {array.shape} {array.dtype.name}", f"{stored} in the file"
        raise DataError.of(path, place, expected=expected, found=found, advice=AGAIN)


@contextmanager
def _opened(h5py: Any, path: Path, file: Any) -> Iterator[Any]:
    with _damage(path):
        content = h5py.File(file, "r")
    with content:
        yield content


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn whatever HDF5 finds wrong into a DataError that names the file."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # it raises OSError, KeyError, RuntimeError, ValueError and others
        advice, expected = AGAIN, "a sound HDF5 file"
        raise DataError.of(path, expected=expected, found=f"damage ({error})", advice=advice) from error
