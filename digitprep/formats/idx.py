"""MNIST's own files as a dataset: which file holds which images, and the labels that belong to them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import ClassVar, Literal, cast

import numpy as np

from digitprep.dataset import Provenance, Split
from digitprep.errors import DataError, UsageError
from digitprep.formats import emnist, gz, idx_file
from digitprep.formats.base import FORMATS, Format, entries, first_bytes, grouped
from digitprep.formats.idx_file import LARGEST_DIMENSION, IdxFile, header_bytes
from digitprep.formats.idx_names import TEST, files_by_split, named_files, parse_name
from digitprep.formats.spool import Spool, spooled

OWN_NAME = re.compile(r"\w+-(images-idx[34]-ubyte|labels-idx1-(ubyte|int))(\.gz)?", re.ASCII)
QMNIST_COLUMNS = 8  # class, writer, ...: the class comes first
Emnist = Literal["digits", "mnist", "letters", "balanced", "bymerge", "byclass", "no"]


@FORMATS.register
@dataclass(frozen=True)
class Idx(Format):
    """MNIST's own files, train-images-idx3-ubyte.gz and so on; reads EMNIST and QMNIST too.

    EMNIST's images are stored on their side and its letters are counted from 1. Files named as EMNIST's
    are put right when read.

    compress: whether what is written is gzipped
    emnist: which set of EMNIST's it is where the name does not say it, or "no" for as stored
    """

    folder: ClassVar[bool] = True
    whole_batch: ClassVar[int] = LARGEST_DIMENSION  # images stand there as they are needed

    compress: bool = True
    emnist: Emnist | None = None

    def sniff(self, path: Path) -> bool:
        if path.is_dir():
            return any(parse_name(name) for name in entries(path))
        return parse_name(path.name) is not None or _starts_like_idx(path)

    def resolved(self, path: Path) -> Idx:
        return self if self.emnist else replace(self, emnist=_emnist_set(path))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        chosen = self.resolved(path)
        if chosen.emnist in (None, "no"):
            yield from self._read_as_stored(path, batch)
            return
        origin = Provenance(str(path), str(chosen))
        for part in self._read_as_stored(path, batch):
            where = f"{path} (split {part.name!r})"
            yield replace(emnist.upright(part, chosen.emnist, where), provenance=origin)

    def _read_as_stored(self, path: Path, batch: int) -> Iterator[Split]:
        for name, images, labels in files_by_split(path):
            with ExitStack() as stack:
                image_file = stack.enter_context(idx_file.opened(images))
                label_file = stack.enter_context(idx_file.opened(labels)) if labels else None
                yield from _read_split(name, image_file, label_file, batch)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        if self.emnist:
            raise UsageError(
                "idx(emnist=...) is for reading; what is written is upright, under MNIST's names"
            )
        path.mkdir()
        for name, parts in grouped(splits):
            self.check_split(name)
            prefix = TEST if name == "test" else name
            with spooled(parts, path.parent) as spool:
                self._write_split(path, prefix, spool)

    def check_split(self, name: str) -> None:
        super().check_split(name)
        if name == TEST:
            raise UsageError(f"in IDX {TEST!r} means the split 'test'; rename split {name!r}")

    def _write_split(self, folder: Path, prefix: str, spool: Spool) -> None:
        end = ".gz" if self.compress else ""
        rank = 1 + len(spool.image_shape)
        header = header_bytes(np.uint8, (spool.count, *spool.image_shape))
        images = folder / f"{prefix}-images-idx{rank}-ubyte{end}"
        gz.write(images, chain([header], spool.images()), self.compress)
        if not spool.labelled:
            return
        small = spool.largest_label <= np.iinfo(np.uint8).max
        if spool.largest_label > np.iinfo(np.int32).max:
            raise UsageError(f"IDX has no type for a label as large as {spool.largest_label}")
        header = header_bytes(np.uint8 if small else np.int32, (spool.count,))
        labels = folder / f"{prefix}-labels-idx1-{'ubyte' if small else 'int'}{end}"
        gz.write(labels, chain([header], spool.labels(">u1" if small else ">i4")), self.compress)

    def owns(self, name: str) -> bool:
        return OWN_NAME.fullmatch(name) is not None


def _starts_like_idx(path: Path) -> bool:
    start = first_bytes(path, 64)
    if start.startswith(gz.MAGIC):
        try:
            start = zlib.decompressobj(wbits=31).decompress(start, 4)
        except zlib.error:
            return False
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in idx_file.TYPES and 0 < start[3] < 9


def _emnist_set(path: Path) -> Emnist | None:
    """Which of EMNIST's sets the names of a file or of a folder's files mean; None where none."""
    named = [name for name, _ in named_files(path)] if path.is_dir() else [parse_name(path.name)]
    sets = {name.set for name in named if name}
    found = {emnist.set_of(name) for name in sets}
    if found <= {None}:
        return None
    if len(found) > 1 or "" in found:
        raise DataError.of(
            path,
            expected="the files of one of EMNIST's sets",
            found=", ".join(sorted(sets)),
            advice="give each set a folder, or say which it is with --from 'idx(emnist=\"digits\")'",
        )
    return cast(Emnist, found.pop())


def _read_split(name: str, images: IdxFile, labels: IdxFile | None, batch: int) -> Iterator[Split]:
    _check_images(images)
    if labels is not None:
        _check_labels(labels, images)
    if images.shape[0] == 0:
        none = np.empty(0, np.int64) if labels else None
        yield Split(np.empty(images.shape, np.uint8), none, name)
    if labels is None:
        yield from (Split(part, None, name) for part in images.rows(batch))
        return
    for part, numbers in zip(images.rows(batch), labels.rows(batch), strict=True):
        classes = numbers[:, 0] if numbers.ndim == 2 else numbers
        yield Split(part, classes.astype(np.int64), name)


def _check_images(file: IdxFile) -> None:
    rank = len(file.shape)
    if rank == 1:
        raise DataError.of(
            file.path,
            "byte 3",
            expected="3 dimensions of images",
            found="1, as labels have",
            advice="images and labels may be swapped; read_idx reads labels alone",
        )
    if rank != 3 and not (rank == 4 and file.shape[3] == 3):
        expected = "images of (N, height, width) or (N, height, width, 3)"
        advice = "read_idx reads any array"
        raise DataError.of(file.path, "byte 3", expected=expected, found=file.shape, advice=advice)
    if file.dtype != np.uint8:
        advice = "read_idx reads any type; scale its values to 0..255"
        raise DataError.of(
            file.path, "byte 2", expected="images of uint8", found=file.dtype.name, advice=advice
        )
    if 0 in file.shape[1:]:
        raise DataError.of(file.path, "byte 8", expected="images with pixels", found=file.shape)


def _check_labels(file: IdxFile, images: IdxFile) -> None:
    qmnist = len(file.shape) == 2 and file.shape[1] == QMNIST_COLUMNS
    if len(file.shape) != 1 and not qmnist:
        raise DataError.of(
            file.path,
            "byte 3",
            expected=f"labels of (N,), or (N, {QMNIST_COLUMNS}) as in QMNIST",
            found=file.shape,
            advice="images and labels may be swapped",
        )
    if file.dtype.kind not in "iu":
        raise DataError.of(file.path, "byte 2", expected="labels of whole numbers", found=file.dtype.name)
    if file.shape[0] != images.shape[0]:
        raise DataError.of(
            file.path,
            "byte 4",
            expected=f"{images.shape[0]} labels, one for each image of {images.path}",
            found=file.shape[0],
        )
