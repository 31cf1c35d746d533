"""A folder of PNG files a split, and a JSON file of its labels, as the MNIST tutorials lay it out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from digitprep.dataset import Labels, Split, split_order
from digitprep.errors import DataError
from digitprep.formats.base import FORMATS, Format, entries, grouped, reading
from digitprep.formats.pictures import batches, read_sample, write_new
from digitprep.formats.png import decode_png, encode_pngs
from digitprep.names import natural_key

IMAGES, LABELS = "_x", "_y.json"
DIGITS = 5  # 00001.png; more where there are more images, so that names sort as numbers do
LABELS_A_LINE = 50


@FORMATS.register
@dataclass(frozen=True)
class Pngjson(Format):
    """The tutorials' folder: train_x/00001.png and so on, the labels as a list in train_y.json."""

    folder: ClassVar[bool] = True

    def sniff(self, path: Path) -> bool:
        return bool(_splits(path))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        for name in _splits(path):
            folder, file = path / f"{name}{IMAGES}", path / f"{name}{LABELS}"
            if not folder.is_dir():
                expected = f"a folder {folder.name} with the images"
                raise DataError.of(file, expected=expected, found="labels alone")
            names = _image_names(folder)
            labels = _read_labels(file, folder, names) if file.exists() else None
            numbers = [None] * len(names) if labels is None else labels.tolist()
            files = (f"{folder}/{file_name}" for file_name in names)  # a Path each takes as long as decoding
            samples = map(read_sample, files, names, numbers)
            yield from batches(samples, name, batch, labelled=labels is not None, decode=decode_png)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        path.mkdir()
        for name, parts in grouped(splits):
            folder = path / f"{name}{IMAGES}"
            folder.mkdir()
            _write_split(folder, path / f"{name}{LABELS}", parts)

    def owns(self, name: str) -> bool:
        return re.fullmatch(r"\w+_x/\d{5,}\.png|\w+_y\.json", name, re.ASCII) is not None


def _splits(path: Path) -> list[str]:
    """The names of the splits in a folder that holds any, in order."""
    names = {
        name.removesuffix(IMAGES)
        for name in entries(path)
        if name.endswith(IMAGES) and (path / name).is_dir()
    }
    names |= {name.removesuffix(LABELS) for name in entries(path) if name.endswith(LABELS)}
    return sorted(names - {""}, key=split_order)


def _image_names(folder: Path) -> list[str]:
    """The PNG files of a folder, 2.png before 10.png. Raises DataError at anything else."""
    names = entries(folder)
    for name in names:
        if not name.lower().endswith(".png"):
            raise DataError.of(folder, expected="PNG files alone", found=name, advice="move it elsewhere")
    return sorted(names, key=natural_key)


def _read_labels(file: Path, folder: Path, names: list[str]) -> Labels:
    """One label for each of the files, in their order."""
    content = _parsed(file)
    if isinstance(content, dict):
        content = _in_file_order(content, file, names)
    elif not isinstance(content, list):
        expected = "a list of labels, or an object of file names and labels"
        raise DataError.of(file, expected=expected, found=type(content).__name__)
    if len(content) != len(names):
        expected = f"{len(names)} labels, one for each image in {folder.name}"
        raise DataError.of(file, expected=expected, found=len(content))
    return np.array(
        [_label(value, file, f"label {index} ({names[index]})") for index, value in enumerate(content)],
        np.int64,
    )


def _parsed(file: Path) -> object:
    try:
        with reading(file):
            text = file.read_text("utf-8-sig")
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, file))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DataError.of(file, where, expected="JSON", found=error.msg.lower()) from error
    except UnicodeDecodeError as error:
        raise DataError.of(file, f"byte {error.start}", expected="UTF-8", found=error.reason) from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError.of(file, expected="a JSON list or object of labels", found=str(error)) from error


def _unique(pairs: list[tuple[str, object]], file: Path) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in pairs:
        stem = re.sub(r"\.png$", "", name, flags=re.IGNORECASE)
        if stem in values:
            raise DataError.of(file, expected="each image once", found=f"{name!r} twice")
        values[stem] = value
    return values


def _in_file_order(by_stem: dict[str, object], file: Path, names: list[str]) -> list[object]:
    stems = [name[: -len(".png")] for name in names]
    unnamed = [stem for stem in stems if stem not in by_stem]
    if unnamed:
        raise DataError.of(file, expected="a label for every image", found=f"none for {_few(unnamed)}")
    missing = sorted(by_stem.keys() - set(stems), key=natural_key)
    if missing:
        raise DataError.of(file, expected="labels of images that are there", found=f"also {_few(missing)}")
    return [by_stem[stem] for stem in stems]


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _label(value: object, file: Path, where: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise DataError.of(file, where, expected="a whole number", found=json.dumps(value)[:40])
    return value


def _write_split(folder: Path, labels_file: Path, parts: Iterator[Split]) -> None:
    """The images of one split, and its labels where it has any."""
    count, digits = 0, DIGITS
    labels: list[int] | None = None
    for part in parts:
        for image in encode_pngs(part.images):
            count += 1
            if count == 10**digits:
                digits += 1
                _widen(folder, digits)
            write_new(f"{folder}/{count:0{digits}}.png", image)
        if part.labels is not None:
            labels = [] if labels is None else labels
            labels.extend(part.labels.tolist())
    if labels is not None:
        labels_file.write_text(_labels_text(labels), "ascii", newline="\n")


def _labels_text(labels: list[int]) -> str:
    starts = range(0, len(labels), LABELS_A_LINE)
    lines = (", ".join(map(str, labels[start : start + LABELS_A_LINE])) for start in starts)
    return "[" + ",\n".join(lines) + "]\n"


def _widen(folder: Path, digits: int) -> None:
    for file in list(folder.iterdir()):
        file.rename(folder / f"{file.stem:0>{digits}}.png")
