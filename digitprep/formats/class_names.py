"""What label 0, 1, ... stand for, in folders of formats that keep no such list: `classes.txt`, a name a line.

Names of classes may be names of folders too, so what no folder can be called is written as URLs
write it: `T-shirt%2Ftop`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from digitprep.dataset import Split, check_labels
from digitprep.errors import DataError
from digitprep.formats.base import reading
from digitprep.names import is_device, is_junk

FILE = "classes.txt"
UNLABELLED = "unlabelled"  # where class folders keep the images of no class
UNSAFE = re.compile(r'[<>:"/\\|?*%\x00-\x1f\x7f]|^[. ]|[. ]$')

ClassNames = tuple[str, ...] | None


def folder_name(name: str) -> str:
    """A class's name as every system lets a folder be called. Raises DataError for an empty one."""
    if not name:
        raise DataError("a class needs a name of at least one character")
    if name == UNLABELLED or is_junk(name) or is_device(name):
        return f"%{ord(name[0]):02X}{name[1:]}"
    return UNSAFE.sub(lambda match: quote(match[0], safe="").replace(".", "%2E"), name)


def read_class_names(folder: Path) -> ClassNames:
    """The names in a folder's list, or None where there is no list."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        with reading(file):
            lines = file.read_text("utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError.of(file, f"byte {error.start}", expected="UTF-8", found=error.reason) from error
    names = [unquote(line.removesuffix("\r")) for line in lines]
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            found = repr(name) + (" again" if name else "")
            raise DataError.of(file, f"line {index + 1}", expected="the name of one more class", found=found)
    return tuple(names)


def with_class_names(parts: Iterable[Split], names: ClassNames, file: Path) -> Iterator[Split]:
    """The parts, whose classes are called as `file` says where the parts themselves do not.

    Raises DataError for a label that has no name.
    """
    position: dict[str, int] = {}
    for part in parts:
        if names is None or part.class_names is not None:
            yield part
            continue
        start = position.get(part.name, 0)
        if part.labels is not None:
            where = f"{file} names {len(names)} classes (split {part.name!r})"
            check_labels(part.labels, len(names), where, start, "name the others too, or remove the names")
        position[part.name] = start + len(part)
        yield replace(part, class_names=names)


def check_distinct(names: tuple[str, ...], where: str) -> None:
    """Raise DataError where a class has no name, or two of them have the same."""
    if "" in names:
        raise DataError(f"{where}: a class needs a name of at least one character")
    if len(set(names)) < len(names):
        raise DataError(f"{where}: two classes have one name in {_few(names)}")


@dataclass
class OneList:
    """The class names of all parts that are written to one folder."""

    names: ClassNames = None
    seen: bool = False

    def add(self, part: Split) -> None:
        """Look at one more part. Raises DataError where it names its classes otherwise than the last."""
        if part.labels is None and part.class_names is None:
            return
        if self.seen and part.class_names != self.names:
            raise DataError.of(
                f"split {part.name!r}",
                expected=f"the class names of the splits before it, {_few(self.names)}",
                found=_few(part.class_names),
                advice="this format has one list for all splits",
            )
        if part.class_names is not None and not self.seen:
            check_distinct(part.class_names, f"split {part.name!r}")
        self.names, self.seen = part.class_names, True

    def noted(self, parts: Iterable[Split]) -> Iterator[Split]:
        """The parts as they pass, each looked at."""
        for part in parts:
            self.add(part)
            yield part

    def write(self, folder: Path) -> None:
        """Write the list, where there is one."""
        if self.names:
            text = "".join(f"{folder_name(name)}\n" for name in self.names)
            (folder / FILE).write_text(text, "utf-8", newline="\n")


def _few(names: ClassNames) -> str:
    return "none" if names is None else ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
