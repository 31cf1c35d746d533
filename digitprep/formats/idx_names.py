"""Which IDX files belong together: what their names say, and the pairs of images and labels."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from digitprep.dataset import split_order
from digitprep.errors import DataError
from digitprep.formats import gz
from digitprep.formats.base import entries, reading

NAME = re.compile(
    r"(?:(?P<prefix>.+)[-_.])?(?P<kind>images|labels)[-_.]"
    r"idx\d[-_.](?:ubyte|byte|short|int|float|double)(?:\.gz)?",
    re.IGNORECASE,
)
TEST = "t10k"  # how MNIST calls its test images


@dataclass(frozen=True)
class Name:
    """What the name of an IDX file says: `emnist-digits-train-images-idx3-ubyte.gz`."""

    set: str
    split: str
    kind: str


def parse_name(name: str) -> Name | None:
    """What an IDX file's name says, or None where it is no such name."""
    match = NAME.fullmatch(name)
    if not match:
        return None
    set_name, _, split = (match["prefix"] or "train").rpartition("-")
    return Name(set_name, "test" if split == TEST else split, match["kind"].lower())


def files_by_split(path: Path) -> list[tuple[str, Path, Path | None]]:
    """Name, images and labels of each split that a file or a folder stands for, in order."""
    if path.is_dir():
        named = named_files(path)
        splits = sorted({name.split for name, _ in named}, key=split_order)
        return [
            _pair(split, [(name, file) for name, file in named if name.split == split]) for split in splits
        ]
    given = parse_name(path.name)
    if given is None:
        return [("train", path, None)]
    partners = [
        (name, file)
        for name, file in named_files(path.parent)
        if (name.set, name.split) == (given.set, given.split) and name.kind != given.kind
    ]
    return [_pair(given.split, [(given, path), *partners])]


def named_files(folder: Path) -> list[tuple[Name, Path]]:
    """The files of a folder whose names are those of IDX files, and what these say."""
    parsed = ((parse_name(name), folder / name) for name in entries(folder))
    return [(name, file) for name, file in parsed if name]


def _pair(split: str, named: list[tuple[Name, Path]]) -> tuple[str, Path, Path | None]:
    images = _only([file for name, file in named if name.kind == "images"])
    labels = _only([file for name, file in named if name.kind == "labels"])
    if images is None:
        raise DataError.of(
            labels or split,
            expected="a file of images beside these labels",
            found="none",
            advice="put it there, or read the labels alone with read_idx",
        )
    return split, images, labels


def _only(files: list[Path]) -> Path | None:
    """The one file of its kind, the plain one where the other is its gzipped copy."""
    if len(files) == 2:
        plain, zipped = sorted(files, key=lambda file: file.suffix == ".gz")
        if zipped.name == plain.name + ".gz" and _same_content(plain, zipped):
            return plain
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise DataError.of(
            files[0].parent,
            expected="one file of images and one of labels a split",
            found=f"{names}, which differ",
            advice="remove one, or name the file to read instead of its folder",
        )
    return files[0] if files else None


def _same_content(plain: Path, zipped: Path) -> bool:
    """Whether a gzip file's trailer has the checksum and the size of the plain file."""
    checksum, size = 0, 0
    with reading(plain), plain.open("rb") as file:
        while chunk := file.read(gz.LARGEST_READ):
            checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
    with reading(zipped), zipped.open("rb") as file:
        file.seek(max(0, zipped.stat().st_size - 8))
        return file.read() == struct.pack("<II", checksum, size % 2**32)
