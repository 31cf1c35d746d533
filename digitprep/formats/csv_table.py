"""Digits as CSV, a row each: Kaggle's columns when writing, and what others made of them when reading."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np

from digitprep.dataset import Split, concatenate, split_order
from digitprep.errors import DataError, UsageError
from digitprep.formats import cells, gz
from digitprep.formats.base import FORMATS, Format, check_one_file_a_split, entries, grouped
from digitprep.formats.csv_columns import Colour, Label, Wanted, header, may_be_images
from digitprep.formats.csv_rows import read_rows
from digitprep.formats.lines import pieces, started
from digitprep.formats.text import known_layout
from digitprep.spec import Between

ENDS = (".csv", ".csv.gz")
SPLIT_WORD = re.compile(r"(?:^|[^a-z0-9])(train|val|valid|validation|dev|test)(?=$|[^a-z0-9])")
# The first lines of tables that lie beside train.csv and test.csv and hold no images: Kaggle's sample of
# an answer, and what cleaning says of the photos.
NO_IMAGES = (b"imageid,label", b"index,split,file,label,x,y,width,height", b"file,reason")
CHUNK_BYTES = 1 << 18  # fixed, so that a compressor's output does not depend on the batch


@FORMATS.register
@dataclass(frozen=True)
class Csv(Format):
    """CSV, a row a digit: label,pixel0,... in train.csv and so on, or one split in a file ending in .csv.

    label: which column is the label; "auto" goes by the header, or by what the rows hold without one
    height, width: of the images in pixels; where neither is given, the header tells, or they are square
    color: "rgb" is red, green and blue of one pixel after the other, "planar" all red ones first
    compress: whether the files of a folder are gzipped; a single file is where its name ends in .gz
    drop_class_names: whether the names of classes may get lost, for which a single file has no place
    """

    folder: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = ENDS
    open_ended: ClassVar[bool] = True  # save where it is gzipped

    label: Label = "auto"
    height: Annotated[int | None, Between(1, 65_535)] = None
    width: Annotated[int | None, Between(1, 65_535)] = None
    color: Colour = "grey"
    compress: bool = False
    drop_class_names: bool = False

    def sniff(self, path: Path) -> bool:
        if path.is_dir():
            return any(may_be_images(_first_line(file)) for _, file in _files(path))
        return path.name.lower().endswith(ENDS) and path.is_file() and known_layout(path) is None

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        files = _files(path) if path.is_dir() else [(told_split(path.name) or "train", path)]
        if not files:
            raise DataError.of(path, expected="CSV files with an image in each row", found="none")
        check_one_file_a_split(path, files)
        for name, file in files:
            if self.label == "auto" and known_layout(file):
                expected, found = "pixels from 0 to 255", "those of optdigits, from 0 to 16"
                raise DataError.of(
                    file, expected=expected, found=found, advice="read the file with --from text"
                )
            wanted = Wanted(self.label, self.height, self.width, self.color)
            with gz.opened(file) as source:
                yield from _batched(read_rows(pieces(source, file), file, name, wanted), batch)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        if self.is_folder(path):
            path.mkdir()
            for name, parts in grouped(splits):
                self.check_split(name)
                self._write_split(path / f"{name}.csv{'.gz' * self.compress}", self.compress, parts)
            return
        written = ""
        for name, parts in grouped(splits):
            if written:
                raise UsageError(
                    f"{path.name} holds one split, and after {written!r} comes {name!r}; "
                    f"for a folder of one CSV a split, give a name without .csv, and --to csv (format='csv')"
                )
            if name != (told_split(path.name) or "train"):
                raise UsageError(
                    f"split {name!r} in {path.name} would be read as {told_split(path.name) or 'train'!r}; "
                    f"let the file's name tell it, as in data_{name}.csv, or write a folder with --to csv"
                )
            unnamed = parts if self.drop_class_names else map(_without_names, parts)
            self._write_split(path, path.name.lower().endswith(".gz"), unnamed)
            written = name

    def is_folder(self, path: Path) -> bool:
        return not path.name.lower().endswith(ENDS)

    def check_split(self, name: str) -> None:
        super().check_split(name)
        told = told_split(f"{name}.csv")
        if told not in (None, name):
            raise UsageError(f"a CSV file named {name} means the split {told!r}; rename split {name!r}")

    def owns(self, name: str) -> bool:
        return re.fullmatch(r"\w+\.csv(\.gz)?", name, re.ASCII) is not None

    def _write_split(self, path: Path, compress: bool, parts: Iterable[Split]) -> None:
        gz.write(path, _blocks(self._texts(parts)), compress)

    def _texts(self, parts: Iterable[Split]) -> Iterator[bytes]:
        """The header, then the rows, some at a time."""
        for index, part in enumerate(parts):
            if index == 0:
                yield header(part.images.shape[1:], part.labels is not None)
            size = math.prod(part.images.shape[1:])
            yield from (_rows_text(rows) for rows in part.batches(max(1, CHUNK_BYTES // size)) if len(rows))


def _without_names(part: Split) -> Split:
    """The same part. Raises UsageError where its classes have names that a single file has no place for."""
    names = part.class_names
    if names and names != tuple(map(str, range(len(names)))):
        raise UsageError(
            f"a CSV file keeps labels as numbers, and the class names {', '.join(names[:4])}, ... would be "
            "lost; a folder of one CSV a split keeps them (--to csv and a name without .csv); if losing "
            "them is all right, write with --to 'csv(drop_class_names=True)'"
        )
    return part


def told_split(name: str) -> str | None:
    """The split that a CSV file's name tells: `test` for mnist_test.csv, None where it tells none or two."""
    words = set(SPLIT_WORD.findall(name.lower().removesuffix(".gz").removesuffix(".csv")))
    return words.pop() if len(words) == 1 else None


def _files(folder: Path) -> list[tuple[str, Path]]:
    """The splits of a folder and their CSV files, in order."""
    names = [name for name in entries(folder) if name.lower().endswith(ENDS)]
    files = [(told_split(name) or name[: name.lower().index(".csv")], folder / name) for name in names]
    files = [(name, file) for name, file in files if _first_line(file).lower() not in NO_IMAGES]
    return sorted(files, key=lambda file: (split_order(file[0]), file[1]))


def _first_line(path: Path) -> bytes:
    """The first line that is not blank, none where the file is damaged or cannot be read; for `sniff`."""
    try:
        with gz.opened(path) as source:
            piece = started(islice(pieces(source, path), 1))
    except (DataError, OSError):
        return b""
    return piece.split()[0].strip() if piece else b""


def _batched(parts: Iterator[Split], batch: int) -> Iterator[Split]:
    """The same samples in parts of `batch`; an empty split as one empty part."""
    waiting: list[Split] = []
    count = given = 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count >= batch:
            whole = concatenate(waiting)
            stop = count - count % batch
            yield from whole[:stop].batches(batch)
            waiting, count, given = [whole[stop:]], count - stop, given + stop
    rest = concatenate(waiting)
    if len(rest) or not given:
        yield rest


def _rows_text(part: Split) -> bytes:
    pixels = part.images.reshape(len(part), -1)
    if part.labels is None:
        return cells.text(pixels)
    if part.labels.max(initial=0) > cells.LARGEST:
        return cells.text_plain(np.concatenate([part.labels[:, None], pixels], axis=1))
    return cells.text(np.concatenate([part.labels[:, None].astype(np.uint16), pixels], axis=1))


def _blocks(texts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of one size."""
    waiting = bytearray()
    for text in texts:
        waiting += text
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    yield bytes(waiting)
