"""NumPy archives: which arrays are images and which are labels, and the splits they make."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.lib import format as npy_format

from digitprep.archive import array_entry
from digitprep.dataset import Split, split_order
from digitprep.errors import DataError
from digitprep.formats.base import FORMATS, Format, first_bytes, grouped
from digitprep.formats.npy import END, Npy, array_keys, open_npy, opened_archive
from digitprep.formats.npz_values import ImageValues, label_rows
from digitprep.formats.spool import Spool, spooled

KNOWN_SPLITS = "train|val|valid|validation|dev|test"
CONVENTIONS = (  # images, labels, what {} stands for
    ("x_{}", "y_{}", r"\w+"),
    ("X_{}", "y_{}", KNOWN_SPLITS),
    ("{}_x", "{}_y", KNOWN_SPLITS),
    ("{}_X", "{}_y", KNOWN_SPLITS),
    ("{}_images", "{}_labels", KNOWN_SPLITS),
    ("images", "labels", ""),
    ("X", "y", ""),
    ("x", "y", ""),
    ("arr_0", "arr_1", ""),
)
Pairs = dict[str, tuple[str | None, str | None]]


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
            pairs = _pairs(path, array_keys(archive))
            for name in sorted(pairs, key=split_order):
                images, labels = (open_npy(archive, path, key) if key else None for key in pairs[name])
                if images is None:
                    expected, found = "images for every split", f"labels alone, {pairs[name][1]!r}"
                    raise DataError.of(path, f"split {name!r}", expected=expected, found=found)
                yield from _read_split(name, images, labels, batch, self.round_floats)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        method = zipfile.ZIP_DEFLATED if self.compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "x", method, compresslevel=6) as archive:
            for name, parts in grouped(splits):
                with spooled(parts, path.parent) as spool:
                    _write_split(archive, name, spool)


def _pairs(path: Path, keys: list[str]) -> Pairs:
    """The keys of images and of labels by split, by the one convention that fits."""
    fitting = [pairs for pairs in (_matched(keys, *convention) for convention in CONVENTIONS) if pairs]
    if len(fitting) > 1:
        fitting = [pairs for pairs in fitting if any(images for images, _ in pairs.values())]
    if len(fitting) == 1:
        return fitting[0]
    raise DataError.of(
        path,
        expected="the keys of one convention: x_train, y_train, ...; train_x, train_y, ...; "
        "train_images, train_labels, ...; images, labels; X, y; or arr_0, arr_1",
        found=("several, among " if fitting else "") + (", ".join(keys) or "no arrays"),
        advice="save the arrays again under the keys of one",
    )


def _matched(keys: list[str], images: str, labels: str, splits: str) -> Pairs:
    """Split -> its keys, as one convention has it; a convention without splits means train."""
    pairs: Pairs = {}
    for key in keys:
        for index, pattern in enumerate((images, labels)):
            match = re.fullmatch(pattern.format(f"({splits})"), key, re.ASCII)
            if match:
                split = match[1] if splits else "train"
                pair = pairs.get(split, (None, None))
                pairs[split] = (key, pair[1]) if index == 0 else (pair[0], key)
    return pairs


def _read_split(name: str, images: Npy, labels: Npy | None, batch: int, rounding: bool) -> Iterator[Split]:
    if len(images.shape) < 2:
        found = f"shape {images.shape}"
        advice = "images and labels may be swapped" if labels and len(labels.shape) > 2 else ""
        where = f"array {images.key!r}"
        raise DataError.of(images.path, where, expected="images", found=found, advice=advice)
    values = ImageValues.of(images, rounding)
    if labels is not None and labels.shape[:1] != images.shape[:1]:
        where, expected = f"array {labels.key!r}", f"{images.shape[0]} labels, one for each image"
        raise DataError.of(labels.path, where, expected=expected, found=f"shape {labels.shape}")
    if images.shape[0] == 0:
        none = None if labels is None else np.empty(0, np.int64)
        yield Split(np.empty((0, *values.image_shape), np.uint8), none, name)
    elif labels is None:
        yield from (Split(part, None, name) for part in values.rows(batch))
    else:
        parts = zip(values.rows(batch), label_rows(labels, batch), strict=True)
        yield from (Split(part, numbers, name) for part, numbers in parts)


def _write_split(archive: zipfile.ZipFile, name: str, spool: Spool) -> None:
    shape = (spool.count, *spool.image_shape)
    _write_array(archive, f"x_{name}", shape, np.dtype(np.uint8), spool.images())
    if spool.labelled:
        small = spool.largest_label <= np.iinfo(np.uint8).max
        dtype = np.dtype(np.uint8 if small else "<i8")
        _write_array(archive, f"y_{name}", (spool.count,), dtype, spool.labels(dtype))


def _write_array(
    archive: zipfile.ZipFile, key: str, shape: tuple[int, ...], dtype: np.dtype[Any], chunks: Iterator[bytes]
) -> None:
    info = array_entry(key, 0o100644)
    info.compress_type = archive.compression
    info.file_size = math.prod(shape) * dtype.itemsize + 1024  # past 4 GB zip needs its wider fields
    header = {"descr": npy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with archive.open(info, "w") as member:
        npy_format.write_array_header_1_0(member, header)
        for chunk in chunks:
            member.write(chunk)
