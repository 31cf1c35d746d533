"""Lists that grow on the disk while photos pass, and copies of photos that are put aside."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tempfile
from itertools import count
from pathlib import Path

from digitprep.errors import DataError, UsageError
from digitprep.names import is_device
from digitprep.place import writing
from digitprep.sources import Source, read_bytes

LARGEST_COPY_BYTES = 1 << 31
LONGEST_STEM_BYTES, LONGEST_SUFFIX = 200, 16
NEW = ".digitprep-copy"
UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # in names on some system


class CsvRows:
    """The rows of a CSV file, as they come; `write` writes the file, once."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._count = 0
        # A name that is not UTF-8 is written as the bytes that it has on the disk.
        self._bytes = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the object)
        self._text = io.TextIOWrapper(self._bytes, "utf-8", "surrogateescape", newline="")
        self._writer = csv.writer(self._text)
        self._writer.writerow(columns)

    def __len__(self) -> int:
        """How many rows there are, without the columns' names."""
        return self._count

    def add(self, *row: object) -> None:
        """Append a row."""
        self._writer.writerow(row)
        self._count += 1

    def write(self, file: Path) -> None:
        """Write the columns' names and all rows."""
        self._text.flush()
        self._bytes.seek(0)
        with file.open("wb") as copy:
            shutil.copyfileobj(self._bytes, copy)


class Copies:
    """Copies of photos in a folder of their own, each under its name, or with a number where it is taken.

    Raises UsageError, by `check`, where the folder holds anything and is not to be written over.
    """

    def __init__(self, folder: Path, overwrite: bool = False) -> None:
        self.folder, self.overwrite = folder, overwrite
        self._taken: set[str] = set()

    def check(self) -> None:
        """Whether there is room for copies: to be asked before any work."""
        with writing(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                raise UsageError(f"{self.folder} is a file, not a folder for copies; choose another name")
            if not self.overwrite and self.folder.exists() and any(self.folder.iterdir()):
                raise UsageError(f"{self.folder} is not empty; pass --overwrite, or choose another folder")

    def add(self, photo: Source) -> None:
        """Copy a photo, if its bytes can be read at all."""
        try:
            data = read_bytes(photo, LARGEST_COPY_BYTES)
        except DataError:
            return
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            new = self.folder / NEW
            new.write_bytes(data)
            new.replace(self.folder / self._free(photo))

    def _free(self, photo: Source) -> str:
        """The photo's name, with a number after it where another one has it."""
        name = Path(UNSAFE.sub("_", photo.name))  # one from an archive may be a path on another system
        stem = os.fsencode(name.stem)[:LONGEST_STEM_BYTES].decode("utf-8", "ignore")
        stem = f"_{stem}" if is_device(stem) else stem
        for number in count(1):
            free = f"{stem}{'' if number == 1 else f'-{number}'}{name.suffix[:LONGEST_SUFFIX]}"
            if free.lower() not in self._taken:
                break
        self._taken.add(free.lower())
        return free
