"""The rows of Hugging Face's metadata.jsonl and metadata.csv: which image has which label."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from digitprep.errors import DataError
from digitprep.formats.base import entries, reading
from digitprep.formats.class_names import ClassNames
from digitprep.formats.pictures import LINKS
from digitprep.labels import LABEL_COLUMNS
from digitprep.names import natural_key, path_inside

METADATA = ("metadata.jsonl", "metadata.csv")
NAME = "file_name"


@dataclass(frozen=True)
class Row:
    """One row: where it stands, the image's path from the metadata on, and the label as it is written."""

    file: Path
    line: int
    name: str
    label: str | None

    @property
    def image(self) -> Path:
        """The image's file."""
        return self.file.parent / self.name

    def error(self, expected: str, found: str, advice: str = "") -> DataError:
        """The error for this row."""
        return DataError.of(self.file, f"line {self.line}", expected=expected, found=found, advice=advice)


def metadata_files(path: Path) -> list[Path]:
    """The metadata in a folder and right in the folders inside it."""
    folders = [path, *(path / name for name in entries(path) if (path / name).is_dir())]
    return [folder / name for folder in folders for name in METADATA if (folder / name).is_file()]


def read_rows(file: Path) -> tuple[list[Row], bool]:
    """The rows of one file of metadata, and whether they have labels.

    Raises DataError naming the line where a row is no row, names no file of its own, or lacks a label
    that others have.
    """
    try:
        with reading(file), file.open(encoding="utf-8-sig", newline="") as opened:
            found = list(_table(file, opened) if file.suffix == ".csv" else _objects(file, opened))
    except UnicodeDecodeError as error:
        raise DataError.of(file, f"byte {error.start}", expected="UTF-8", found=error.reason) from error
    rows: list[Row] = []
    first: dict[str, int] = {}
    folders = {""}  # those that have been looked at
    for line, name, label in found[1:]:
        inside = path_inside(name)
        row = Row(file, line, inside or name, label)
        if inside is None:
            raise row.error("a path inside the folder", repr(name))
        if inside in first:
            raise row.error("each image once", f"{name!r} again, after line {first[inside]}")
        if not row.image.is_file():
            raise row.error("an image that is there", f"{name!r}, which is not")
        folder = inside.rpartition("/")[0]
        if folder not in folders and _is_behind_link(file.parent, folder):
            raise row.error("an image in the folder", f"{name!r}, behind a link", LINKS)
        folders.add(folder)
        first[inside] = line
        rows.append(row)
        if (label is None) != (rows[0].label is None):
            raise row.error("labels in all rows or in none", "some rows with and some without")
    labelled = rows[0].label is not None if rows else found[0][2] is not None
    return rows, labelled


def _is_behind_link(folder: Path, inside: str) -> bool:
    """Whether one of the folders on the way from a folder to one inside it is a link."""
    return any((folder / part).is_symlink() for part in accumulate(inside.split("/"), "{}/{}".format))


def numbered(rows: Sequence[Row], names: ClassNames) -> tuple[dict[str | None, int | None], ClassNames]:
    """The number of each label as written, and the classes' names where labels are words.

    `names` is the card's list. Without one, words are numbered in their natural order.

    Raises DataError naming the row whose label is none of the list's.
    """
    first = {row.label: row for row in reversed(rows) if row.label is not None}
    words = [label for label in first if not _is_number(label)]
    if words and names is None:
        names = tuple(sorted(first, key=natural_key))
        return {None: None, **{name: index for index, name in enumerate(names)}}, names
    known = {name: index for index, name in enumerate(names or ())}
    labels: dict[str | None, int | None] = {None: None}
    for label, row in first.items():
        if label in words and label not in known:
            raise row.error("a class that the card lists", repr(label))
        labels[label] = known[label] if label in words else int(label)
    return labels, names


Found = tuple[int, str, str | None]


def _objects(file: Path, lines: Iterator[str]) -> Iterator[Found]:
    """A first item for an empty file, then line, name and label of each object."""
    yield 0, "", ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            row: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError.of(file, where, expected="a JSON object", found=str(error)) from error
        if not isinstance(row, dict) or not isinstance(row.get(NAME), str):
            raise DataError.of(file, where, expected=f'an object with a "{NAME}"', found=line.strip()[:60])
        column = next((column for column in LABEL_COLUMNS if column in row), None)
        yield number, row[NAME], None if column is None else _text(row[column], file, where)


def _table(file: Path, lines: Iterator[str]) -> Iterator[Found]:
    """A first item that tells of the columns, then line, name and label of each row."""
    reader = csv.reader(lines, strict=True)
    try:
        head = next(reader, [])
        if NAME not in head:
            raise DataError.of(
                file, "line 1", expected=f"a column {NAME}", found=", ".join(head) or "nothing"
            )
        name = head.index(NAME)
        label = next((head.index(column) for column in LABEL_COLUMNS if column in head), None)
        yield 1, "", None if label is None else ""
        for row in reader:
            if not row:
                continue
            where = f"line {reader.line_num}"
            if len(row) != len(head):
                raise DataError.of(file, where, expected=f"{len(head)} cells", found=len(row))
            yield reader.line_num, row[name], None if label is None else _text(row[label], file, where)
    except csv.Error as error:
        raise DataError.of(file, f"line {reader.line_num}", expected="CSV", found=str(error)) from error


def _text(value: object, file: Path, where: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
    if not whole and not (isinstance(value, str) and value):
        raise DataError.of(file, where, expected="a label, a number or a word", found=json.dumps(value)[:40])
    return str(value)


def _is_number(label: str) -> bool:
    digits = label.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 19
