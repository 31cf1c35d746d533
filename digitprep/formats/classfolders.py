"""A folder a class, as most courses and torchvision's ImageFolder have it: train/7/00001.png.

Where all class folders are numbers, those are the labels; else `classes.txt` tells which class is 0,
1, ..., or, without it, their natural order over all splits. Samples come in the order of their file
names, whatever the class, so that what is written here reads back in its order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from digitprep.dataset import Split, split_order
from digitprep.errors import DataError, UsageError
from digitprep.formats.base import FORMATS, Format, entries, grouped, reading
from digitprep.formats.class_names import FILE, UNLABELLED, ClassNames, OneList, folder_name, read_class_names
from digitprep.formats.imagefolder_rows import metadata_files
from digitprep.formats.pictures import LINKS, batches, is_picture, read_sample, write_new
from digitprep.formats.png import encode_pngs
from digitprep.formats.pngjson import Pngjson
from digitprep.names import SPLITS, composed, is_junk, natural_key

DIGITS = 5
# Not where pngjson keeps its images, so that a folder of those inside is never taken for our own.
OWN_NAME = re.compile(r"[A-Za-z0-9]\w*/(?!\w+_x/)[^/]+/\d{5,}\.png", re.ASCII)

Layout = dict[str, dict[str, Path]]  # split -> class -> folder; the class of unlabelled images is ""


@FORMATS.register
@dataclass(frozen=True)
class Classfolders(Format):
    """A folder a class, train/7/00001.png and so on, as torchvision's ImageFolder reads them."""

    folder: ClassVar[bool] = True
    own_class_names: ClassVar[bool] = True

    def sniff(self, path: Path) -> bool:
        if not path.is_dir() or Pngjson().sniff(path) or metadata_files(path):
            return False
        return any(_holds_pictures(folder) for folder in _folders(path))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        layout = _layout(path)
        numbers, names = _numbered(path, layout)
        for split in sorted(layout, key=split_order):
            found = [
                (name, folder, cls) for cls, folder in layout[split].items() for name in _pictures(folder)
            ]
            found.sort(key=lambda one: natural_key(one[0]))  # which keeps the classes' order for equal names
            samples = (
                read_sample(folder / name, f"{folder.relative_to(path).as_posix()}/{name}", numbers.get(cls))
                for name, folder, cls in found
            )
            labelled = "" not in layout[split]
            yield from batches(samples, split, batch, labelled=labelled, class_names=names)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        path.mkdir()
        names = OneList()
        for split, parts in grouped(splits):
            (path / split).mkdir()
            _write_split(path / split, parts, names)
        names.write(path)

    def owns(self, name: str) -> bool:
        return name == FILE or OWN_NAME.fullmatch(name) is not None


def _folders(path: Path) -> list[Path]:
    """The folders in a folder, in natural order, without hidden ones."""
    names = [name for name in entries(path) if not name.startswith(".")]
    return [path / name for name in sorted(names, key=natural_key) if (path / name).is_dir()]


def _holds_pictures(folder: Path) -> bool:
    """Whether a folder looks like a class or a split; an empty one does where it is named as a split."""
    inside = _folders(folder)
    if not inside and (folder.name in SPLITS and not entries(folder)):
        return True
    return _any_picture(folder) or any(one.name == UNLABELLED or _any_picture(one) for one in inside)


def _any_picture(folder: Path) -> bool:
    try:
        with os.scandir(folder) as found:
            return any(is_picture(entry.name) and not is_junk(entry.name) for entry in found)
    except OSError:
        return False


def _layout(path: Path) -> Layout:
    """Which folders hold the images of which class and split.

    With split folders, an image right in one has no class; without them the folders are classes of
    train. Raises DataError where it is neither.
    """
    _check_no_pictures(path)
    folders = _folders(path)
    splits = all(one.name in SPLITS for one in folders) or any(_folders(folder) for folder in folders)
    # A number is no split's name, so images right in such a folder are those of a class.
    both = [one for one in folders if (_is_class(one) if splits else one.name in SPLITS)]
    if both:
        expected = "folders of classes, or folders of splits with folders of classes in them"
        raise DataError.of(both[0], expected=expected, found="both beside each other")
    return {folder.name: _split(folder) for folder in folders} if splits else {"train": _classes(folders)}


def _is_class(folder: Path) -> bool:
    return folder.name.isdecimal() and not _folders(folder) and _any_picture(folder)


def _split(folder: Path) -> dict[str, Path]:
    classes = _folders(folder)
    if not classes:
        return {"": folder} if _any_picture(folder) else {}
    _check_no_pictures(folder)
    if any(one.name == UNLABELLED for one in classes):
        if len(classes) > 1:
            raise DataError.of(folder, expected=f"{UNLABELLED} alone, or classes", found="both")
        return {"": classes[0]}
    return _classes(classes)


def _classes(folders: list[Path]) -> dict[str, Path]:
    """The folders by what their classes are called, however the system writes an accent."""
    found: dict[str, Path] = {}
    for folder in folders:
        other = found.setdefault(composed(folder.name), folder)
        if other != folder:
            raise DataError.of(folder, expected="one folder a class", found="two that are written alike")
    return found


def _check_no_pictures(folder: Path) -> None:
    stray = next((name for name in entries(folder) if is_picture(name) and (folder / name).is_file()), None)
    if stray:
        expected, advice = "images in folders of their classes", "move it into the folder of its class"
        raise DataError.of(folder / stray, expected=expected, found="one beside those", advice=advice)


def _numbered(path: Path, layout: Layout) -> tuple[dict[str, int], ClassNames]:
    """The label of each class folder's name, and the classes' names where those are no numbers."""
    folders = {cls: folder for classes in layout.values() for cls, folder in classes.items() if cls}
    listed = read_class_names(path)
    if listed is not None:
        numbers = {composed(folder_name(name)): index for index, name in enumerate(listed)}
        for cls, folder in folders.items():
            if cls not in numbers:
                raise DataError.of(folder, expected=f"a class that {FILE} lists", found=repr(cls))
        return numbers, listed
    if not all(re.fullmatch(r"\d{1,18}", cls, re.ASCII) for cls in folders):
        names = tuple(sorted(folders, key=natural_key))
        return {name: index for index, name in enumerate(names)}, names
    by_label: dict[int, str] = {}
    for cls, folder in folders.items():
        other = by_label.setdefault(int(cls), cls)
        if other != cls:
            raise DataError.of(folder, expected="one folder a class", found=f"{other} and {cls}, one number")
    return {cls: label for label, cls in by_label.items()}, None


def _pictures(folder: Path) -> list[str]:
    """The images in a class folder. Raises DataError at anything that is none, hidden files apart."""
    with reading(folder):
        if folder.is_symlink() or folder.parent.is_symlink():
            raise DataError.of(folder, expected="a folder", found="a link", advice=LINKS)
        names = [name for name in entries(folder) if not name.startswith(".")]
    for name in names:
        if not is_picture(name):
            raise DataError.of(folder, expected="image files alone", found=name, advice="move it elsewhere")
    return names


def _write_split(folder: Path, parts: Iterator[Split], names: OneList) -> None:
    made: set[str] = set()
    index = 0
    for part in parts:
        names.add(part)
        labels = [None] * len(part) if part.labels is None else part.labels.tolist()
        for image, label in zip(encode_pngs(part.images), labels, strict=True):
            index += 1
            cls = _class_folder(label, names.names)
            if cls not in made:
                _make_class(folder / cls)
                made.add(cls)
            write_new(f"{folder}/{cls}/{index:0{DIGITS}}.png", image)
        if part.labels is None and not made:
            (folder / UNLABELLED).mkdir()
            made.add(UNLABELLED)


def _make_class(folder: Path) -> None:
    """Make a class's folder. Raises UsageError where another class has it, as capitals do not count there."""
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise UsageError(
            f"two classes have one folder, {folder.name!r}: on this disk capitals and accents make no other "
            "name; write another format, such as npz"
        ) from error


def _class_folder(label: int | None, names: ClassNames) -> str:
    if label is None:
        return UNLABELLED
    return str(label) if names is None else folder_name(names[label])
