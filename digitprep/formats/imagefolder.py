"""Hugging Face's imagefolder: images beside a metadata.jsonl or metadata.csv that names and labels them.

`datasets.load_dataset(folder)` learns from the card, README.md, that labels are classes, and what
they are called; given `data_dir` alone it finds the same numbers, without their names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, ClassVar, Literal

from digitprep.dataset import Split, split_order
from digitprep.errors import DataError, UsageError
from digitprep.formats.base import FORMATS, Format, grouped
from digitprep.formats.class_names import OneList
from digitprep.formats.imagefolder_card import card_class_names, write_card
from digitprep.formats.imagefolder_rows import Row, metadata_files, numbered, read_rows
from digitprep.formats.pictures import LINKS, batches, is_picture, read_sample, write_new
from digitprep.formats.png import encode_pngs
from digitprep.names import SPLITS, is_junk

FOLDERS = {"val": "validation"}  # how `datasets` calls a split, where it is called otherwise here
DIGITS = 5
OWN_NAME = re.compile(r"README\.md|[A-Za-z0-9]\w*(?<!_x)/(\d{5,}\.png|metadata\.(jsonl|csv))", re.ASCII)

Splits = dict[str, tuple[list[Row], bool]]  # the rows of each split, and whether they have labels


@FORMATS.register
@dataclass(frozen=True)
class Imagefolder(Format):
    """Hugging Face's imagefolder: train/metadata.jsonl (or .csv) names and labels the images beside it.

    metadata: which of the two is written; when read, what is there tells
    """

    folder: ClassVar[bool] = True
    own_class_names: ClassVar[bool] = True

    metadata: Literal["jsonl", "csv"] = "jsonl"

    def sniff(self, path: Path) -> bool:
        return bool(metadata_files(path))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        splits = _rows_by_split(path)
        rows = [row for found, _ in splits.values() for row in found]
        _check_all_named(path, rows)
        labels, names = numbered(rows, card_class_names(path))
        for split in sorted(splits, key=split_order):
            found, labelled = splits[split]
            samples = (read_sample(row.image, row.name, labels[row.label]) for row in found)
            yield from batches(samples, split, batch, labelled=labelled, class_names=names)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        path.mkdir()
        names, largest = OneList(), -1
        written: list[str] = []
        for split, parts in grouped(splits):
            self.check_split(split)
            folder = path / FOLDERS.get(split, split)
            folder.mkdir()
            largest = max(largest, self._write_split(folder, parts, names))
            written.append(folder.name)
        write_card(path, written, names.names, largest)

    def check_split(self, name: str) -> None:
        super().check_split(name)
        if name in FOLDERS.values():
            raise UsageError(f"in an imagefolder {name!r} means the split 'val'; rename split {name!r}")

    def _write_split(self, folder: Path, parts: Iterator[Split], names: OneList) -> int:
        """Write a split; its largest label, -1 where it has none."""
        index, largest = 0, -1
        first = next(parts)
        # Without rows, JSON lines could not tell whether there are labels; the head of a table can.
        kind = self.metadata if len(first) else "csv"
        with (folder / f"metadata.{kind}").open("x", encoding="ascii", newline="\n") as file:
            if kind == "csv":
                file.write("file_name\n" if first.labels is None else "file_name,label\n")
            for part in chain([first], parts):
                names.add(part)
                labels = [None] * len(part) if part.labels is None else part.labels.tolist()
                for image, label in zip(encode_pngs(part.images), labels, strict=True):
                    index += 1
                    name = f"{index:0{DIGITS}}.png"
                    write_new(f"{folder}/{name}", image)
                    _write_row(file, kind, name, label)
                    largest = max(largest, -1 if label is None else label)
        return largest

    def owns(self, name: str) -> bool:
        return OWN_NAME.fullmatch(name) is not None


def _rows_by_split(path: Path) -> Splits:
    """The rows of each split: of its folder's metadata, or of the folder's own, by their first folder."""
    files = metadata_files(path)
    if len({file.parent for file in files}) < len(files) or len({file.parent == path for file in files}) > 1:
        found = ", ".join(file.relative_to(path).as_posix() for file in files[:3])
        raise DataError.of(
            path, expected="one metadata file, or one in the folder of each split", found=found
        )
    if files and files[0].parent == path:
        return _by_first_folder(*read_rows(files[0]))
    splits: Splits = {}
    for file in files:
        split = _split_name(file.parent.name)
        if file.parent.is_symlink():
            raise DataError.of(file.parent, expected="a folder", found="a link", advice=LINKS)
        if split in splits:
            raise DataError.of(file.parent, expected=f"one folder of split {split!r}", found="two")
        splits[split] = read_rows(file)
    return splits


def _by_first_folder(rows: list[Row], labelled: bool) -> Splits:
    if not rows:
        return {"train": ([], labelled)}
    splits: Splits = {}
    for row in rows:
        first = row.name.partition("/")[0]
        split = _split_name(first) if first in SPLITS and "/" in row.name else "train"
        splits.setdefault(split, ([], labelled))[0].append(row)
    return splits


def _split_name(folder: str) -> str:
    return next((name for name, called in FOLDERS.items() if called == folder), folder)


def _check_all_named(path: Path, rows: list[Row]) -> None:
    """Every image in the folder is named: `datasets` would drop the others in silence."""
    named = {str(row.image) for row in rows}
    for place, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not is_junk(name))
        for name in sorted(files):
            file = Path(place, name)
            if is_picture(name) and not is_junk(name) and str(file) not in named:
                raise DataError.of(file, expected="an image that the metadata names", found="no row for it")


def _write_row(file: IO[str], kind: str, name: str, label: int | None) -> None:
    if kind == "csv":
        file.write(f"{name}\n" if label is None else f"{name},{label}\n")
    else:
        file.write(json.dumps({"file_name": name} | ({} if label is None else {"label": label})) + "\n")
