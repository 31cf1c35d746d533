"""Which label a photo has: from its folder, its name, or a JSON or CSV file beside it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from digitprep.errors import DataError, UsageError

Labelled = int | DataError

HOW = 'folder, name, a pattern such as "digit_{label}_*", or a .json, .csv or .tsv file'
SEPARATORS = ",;\t"
FILE_COLUMNS = ("file", "file_name", "filename", "image", "path", "name")
LABEL_COLUMNS = ("label", "class", "digit", "y")


def find_labels(photos: Sequence[Path], how: str, classes: int = 10) -> list[Labelled]:
    """The label of each photo, in their order; where it cannot be found, the DataError that says why.

    how:
        "folder": the name of the photo's folder. "name": the one number in its name. A pattern with
        {label} in it: the name matches it, `*` standing for anything. A .json file: an object of
        file names to labels, or a list in the order of the photos. A .csv or .tsv file: a column with
        file names and one with labels, separated by commas, semicolons or tabs.

    Raises UsageError for another `how`, DataError for a file of labels that cannot be read.
    """
    read = _reader(photos, how)
    return [_one(read, index, photo, classes) for index, photo in enumerate(photos)]


def _reader(photos: Sequence[Path], how: str) -> Callable[[int, Path], str]:
    if "{label}" in how:
        return _by_pattern(how)
    if how == "folder":
        # Of the path as it is written: a link to a photo lies in the folder that says what it shows.
        return lambda _, photo: Path(os.path.abspath(photo)).parent.name  # noqa: PTH100, it keeps links
    if how == "name":
        return _by_name
    if how.lower().endswith((".csv", ".tsv")):
        return _by_table(Path(how), _read_csv(Path(how)))
    if how.lower().endswith(".json"):
        return _by_json(Path(how), photos)
    raise UsageError(f"labels come from {HOW}; found {how!r}")


def _one(read: Callable[[int, Path], str], index: int, photo: Path, classes: int) -> Labelled:
    try:
        text = read(index, photo).strip()
        if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < classes:
            return int(text)
        raise DataError.of(photo, expected=f"a label from 0 to {classes - 1}", found=repr(text))
    except DataError as error:
        return error


def _by_name(_: int, photo: Path) -> str:
    numbers = re.findall(r"\d+", photo.stem)
    if len(numbers) != 1:
        raise DataError.of(
            photo,
            expected="one number in the name, the label",
            found=len(numbers),
            advice='give a pattern, such as --labels "digit_{label}_*"',
        )
    return str(numbers[0])


def _by_pattern(pattern: str) -> Callable[[int, Path], str]:
    parts = [re.escape(part).replace(r"\*", ".*") for part in pattern.split("{label}")]
    if len(parts) != 2:
        raise UsageError(f"a pattern of labels holds {{label}} once; found {pattern!r}")
    expression = re.compile(r"(\d+)".join(parts))

    def read(_: int, photo: Path) -> str:
        match = expression.fullmatch(photo.name) or expression.fullmatch(photo.stem)
        if not match:
            raise DataError.of(photo, expected=f"a name like {pattern}", found=photo.name)
        return match[1]

    return read


def _by_json(file: Path, photos: Sequence[Path]) -> Callable[[int, Path], str]:
    try:
        labels = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError.of(
            file, f"line {error.lineno}, column {error.colno}", expected="JSON", found=error.msg
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if isinstance(labels, dict):
        return _by_table(file, [(name, str(label)) for name, label in labels.items()])
    if not isinstance(labels, list):
        raise DataError.of(
            file, expected="an object of file names to labels, or a list", found=type(labels).__name__
        )
    if len(labels) != len(photos):
        raise DataError.of(file, expected=f"a label for each of {len(photos)} photos", found=len(labels))
    return lambda index, _: str(labels[index])


def _read_csv(file: Path) -> list[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        rows = [row for row in _rows(text) if any(cell.strip() for cell in row)]
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: cannot be read: {error}; save it as UTF-8") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if not rows:
        raise DataError.of(file, expected="rows of file name and label", found="none")
    header = [cell.strip().lower() for cell in rows[0]]
    name = next((header.index(column) for column in FILE_COLUMNS if column in header), None)
    label = next((header.index(column) for column in LABEL_COLUMNS if column in header), None)
    if name is None or label is None:
        if len(rows[0]) != 2:
            raise DataError.of(
                file,
                "line 1",
                expected=f"a column named {' or '.join(FILE_COLUMNS)} and one named "
                f"{' or '.join(LABEL_COLUMNS)}",
                found=", ".join(rows[0]),
            )
        name, label, body = 0, 1, rows
    else:
        body = rows[1:]
    for number, row in enumerate(body):
        if len(row) <= max(name, label):
            raise DataError.of(file, f"row {number + 1}", expected="a file name and a label", found=row)
    return [(row[name], row[label]) for row in body]


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of a table, by the separator that cuts its first line into the most of them.

    Spreadsheets write semicolons wherever people write decimals with a comma.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _by_table(file: Path, rows: Iterable[tuple[str, str]]) -> Callable[[int, Path], str]:
    """Look a photo up by its path from the table's folder, or else by its name where that is unique."""
    by_path: dict[Path, str] = {}
    by_name: dict[str, set[str]] = {}
    for name, label in rows:
        if "\0" in name:
            raise DataError.of(file, expected="names of files", found=repr(name))
        path = (file.parent / name.strip().replace("\\", "/")).resolve()
        if by_path.setdefault(path, label) != label:
            raise DataError.of(
                file, f"file {name!r}", expected="one label", found=f"{by_path[path]!r} and {label!r}"
            )
        by_name.setdefault(PurePosixPath(path).name, set()).add(str(path))

    def read(_: int, photo: Path) -> str:
        path = photo.resolve()
        named = by_name.get(photo.name, set())
        if path in by_path:
            return by_path[path]
        if len(named) != 1:
            found = f"{len(named)} of that name" if named else "no row for it"
            raise DataError.of(photo, expected=f"a label in {file}", found=found)
        return by_path[Path(next(iter(named)))]

    return read
