"""Which label a photo has: from its folder, its name, or a JSON or CSV file beside it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from digitprep.errors import DataError, UsageError
from digitprep.names import composed
from digitprep.sources import Source, folder_of

Labelled = int | DataError

HOW = 'folder, name, a pattern such as "digit_{label}_*", or a .json, .csv or .tsv file'
SEPARATORS = ",;\t"
FILE_COLUMNS = ("file", "file_name", "filename", "image", "path", "name")
LABEL_COLUMNS = ("label", "class", "digit", "y")


def find_labels(photos: Sequence[Source], how: str, classes: int = 10) -> list[Labelled]:
    """The label of each photo, in their order, as a `label_reader` reads it; raises as that does."""
    label_of = label_reader(how, classes, photos)
    return [label_of(index, photo) for index, photo in enumerate(photos)]


def label_reader(how: str, classes: int, photos: Sequence[Source]) -> Callable[[int, Source], Labelled]:
    """What gives the label of the photo with that index; where there is none, the DataError that says why.

    how:
        "folder": the name of the photo's folder. "name": the one number in its name. A pattern with
        {label} in it: the name matches it, `*` standing for anything. A .json file: an object of
        file names to labels, or a list in the order of the photos. A .csv or .tsv file: a column with
        file names and one with labels, separated by commas, semicolons or tabs. File names are paths
        from the folder of that file; one at which there is nothing is taken as a bare name, and counts
        where it alone has that name, and one photo.
    photos: all of them, where they are labelled by a file, see `from_file`; otherwise () will do

    Raises UsageError for another `how`, DataError for a file of labels that cannot be read.
    """
    return partial(_one, _reader(photos, how), classes)


def from_file(how: str) -> bool:
    """Whether labels come from a file, which takes all photos to be known before the first one's label."""
    return "{label}" not in how and how.lower().endswith((".csv", ".tsv", ".json"))


def _reader(photos: Sequence[Source], how: str) -> Callable[[int, Source], str]:
    if "{label}" in how:
        return _by_pattern(how)
    if how == "folder":
        return lambda _, photo: folder_of(photo)
    if how == "name":
        return _by_name
    if how.lower().endswith((".csv", ".tsv")):
        return _by_table(Path(how), _read_csv(Path(how)), photos)
    if how.lower().endswith(".json"):
        return _by_json(Path(how), photos)
    raise UsageError(f"labels come from {HOW}; found {how!r}")


def _one(read: Callable[[int, Source], str], classes: int, index: int, photo: Source) -> Labelled:
    try:
        text = read(index, photo).strip()
        if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < classes:
            return int(text)
        raise DataError.of(str(photo), expected=f"a label from 0 to {classes - 1}", found=repr(text))
    except DataError as error:
        return error


def _by_name(_: int, photo: Source) -> str:
    numbers = re.findall(r"\d+", photo.stem)
    if len(numbers) != 1:
        raise DataError.of(
            str(photo),
            expected="one number in the name, the label",
            found=len(numbers),
            advice='give a pattern, such as --labels "digit_{label}_*"',
        )
    return str(numbers[0])


def _by_pattern(pattern: str) -> Callable[[int, Source], str]:
    parts = [re.escape(part).replace(r"\*", ".*") for part in pattern.split("{label}")]
    if len(parts) != 2:
        raise UsageError(f"a pattern of labels holds {{label}} once; found {pattern!r}")
    expression = re.compile(r"(\d+)".join(parts))

    def read(_: int, photo: Source) -> str:
        match = expression.fullmatch(photo.name) or expression.fullmatch(photo.stem)
        if not match:
            raise DataError.of(str(photo), expected=f"a name like {pattern}", found=photo.name)
        return match[1]

    return read


def _by_json(file: Path, photos: Sequence[Source]) -> Callable[[int, Source], str]:
    try:
        # Objects as tuples of pairs: a dict would keep the last of two labels and not say so.
        labels = json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=tuple)
    except json.JSONDecodeError as error:
        raise DataError.of(
            file, f"line {error.lineno}, column {error.colno}", expected="JSON", found=error.msg
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, error) from error
    if isinstance(labels, tuple):
        return _by_table(file, [(name, _json_text(label)) for name, label in labels], photos)
    if not isinstance(labels, list):
        raise DataError.of(
            file, expected="an object of file names to labels, or a list", found=type(labels).__name__
        )
    if len(labels) != len(photos):
        raise DataError.of(file, expected=f"a label for each of {len(photos)} photos", found=len(labels))
    return lambda index, _: _json_text(labels[index])


def _json_text(label: object) -> str:
    """A label of JSON as it would stand in a table: 7.0 is the number 7 there, as programs write it."""
    return str(int(label) if isinstance(label, float) and label.is_integer() else label)


def _read_csv(file: Path) -> list[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        rows = [(line, row) for line, row in _rows(text) if any(cell.strip() for cell in row)]
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: cannot be read: {error}; save it as UTF-8") from error
    except (OSError, csv.Error) as error:
        raise _unreadable(file, error) from error
    if not rows:
        raise DataError.of(file, expected="rows of file name and label", found="none")
    first_line, first = rows[0]
    header = [cell.strip().lower() for cell in first]
    name = next((header.index(column) for column in FILE_COLUMNS if column in header), None)
    label = next((header.index(column) for column in LABEL_COLUMNS if column in header), None)
    if name is None or label is None:
        if len(first) != 2:
            raise DataError.of(
                file,
                f"line {first_line}",
                expected=f"a column named {' or '.join(FILE_COLUMNS)} and one named "
                f"{' or '.join(LABEL_COLUMNS)}",
                found=", ".join(first),
            )
        name, label, body = 0, 1, rows
    else:
        body = rows[1:]
    for line, row in body:
        if len(row) <= max(name, label):
            raise DataError.of(file, f"line {line}", expected="a file name and a label", found=row)
    return [(row[name], row[label]) for _, row in body]


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, each with the line where it ends and its cells.

    They are cut by the separator that cuts the first line into the most cells.

    Spreadsheets write semicolons wherever people write decimals with a comma.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return ((reader.line_num, row) for row in reader)


def _by_table(
    file: Path, rows: Iterable[tuple[str, str]], photos: Iterable[Source]
) -> Callable[[int, Source], str]:
    """Look a photo up by its path from the table's folder, or else by its name.

    By its name only among rows at whose path there is nothing: any other row means the file there. And
    only where the name is unique, among those rows and among the photos.
    """
    by_path: dict[str, str] = {}
    by_name: dict[str, set[str]] = {}
    for name, label in rows:
        try:
            path = os.path.realpath(file.parent / name.strip().replace("\\", "/"))
        except ValueError as error:  # a null character, or half of one that has two halves
            raise DataError.of(file, expected="names of files", found=repr(name)) from error
        if by_path.setdefault(path, label) != label:
            raise DataError.of(
                file, f"file {name!r}", expected="one label", found=f"{by_path[path]!r} and {label!r}"
            )
        by_name.setdefault(_as_named(path), set()).add(path)
    namesakes: dict[str, set[str]] = {}
    for photo in photos:
        namesakes.setdefault(_as_named(photo.name), set()).add(os.path.realpath(str(photo)))

    def read(_: int, photo: Source) -> str:
        path = os.path.realpath(str(photo))
        if path in by_path:
            return by_path[path]
        name = _as_named(photo.name)
        rows = by_name.get(name, set())
        named = [row for row in rows if not _is_another(row, path)]
        alike = len(namesakes[name])
        if len(named) == 1 == alike:
            return by_path[named[0]]
        found = "no row for it"
        if named:
            found = f"{len(named)} of that name" if len(named) > 1 else f"{alike} photos of that name"
        elif rows:
            found = f"a row for another file, {min(rows)}"
        advice = f"write the photo's path there, as seen from {file.parent}" if rows else ""
        raise DataError.of(str(photo), expected=f"a label in {file}", found=found, advice=advice)

    return read


def _as_named(path: str) -> str:
    """A file's name as the system compares names, and accents in one way: macOS may give them in another."""
    return composed(os.path.normcase(os.path.basename(path)))  # noqa: PTH119 - a path of any system's


def _is_another(row: str, photo: str) -> bool:
    """Whether there is a file at a row's path, and not the photo by another spelling of its name."""
    try:
        return not os.path.samefile(row, photo)  # noqa: PTH121 - neither need be there
    except (OSError, ValueError):
        return os.path.exists(row)  # noqa: PTH110, Path.exists raises
