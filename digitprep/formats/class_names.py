"""What label 0, 1, ... stand for, beside formats that keep no such list: `classes.txt`, one name a line.

Names of classes may be names of folders too, so what no folder can be called is written as URLs
write it: `T-shirt%2Ftop`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from digitprep.dataset import Split
from digitprep.errors import DataError
from digitprep.formats.base import reading
from digitprep.names import is_junk

FILE = "classes.txt"
UNLABELLED = "unlabelled"  # where class folders keep the images of no class
UNSAFE = re.compile(r'[<>:"/\\|?*%\x00-\x1f\x7f]|^[. ]|[. ]$')

ClassNames = tuple[str, ...] | None


def folder_name(name: str) -> str:
    """A class's name as every system lets a folder be called. Raises DataError for an empty one."""
    if not name:
        raise DataError("a class needs a name of at least one character")
    if name == UNLABELLED or is_junk(name):
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
        if part.class_names is not None and len(set(part.class_names)) < len(part.class_names):
            raise DataError(f"split {part.name!r}: two classes have one name in {_few(part.class_names)}")
        self.names, self.seen = part.class_names, True

    def write(self, folder: Path) -> None:
        """Write the list, where there is one."""
        if self.names:
            text = "".join(f"{folder_name(name)}\n" for name in self.names)
            (folder / FILE).write_text(text, "utf-8", newline="\n")


def _few(names: ClassNames) -> str:
    return "none" if names is None else ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
