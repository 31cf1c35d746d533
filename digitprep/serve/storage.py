"""Where a project is kept: photos as they came and, in one file, all that a person said of them.

    PROJECT/photos/0001.jpg ...   the photos, byte for byte
    PROJECT/project.json          their names, labels, boxes and rejections, the pipeline, and what to undo
    PROJECT/trained-17.npz        the network that was trained on them, if one was

The file is written anew, whole or not at all, at every change. Names that come from elsewhere stand in it and
are never names of files.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from contextlib import ExitStack
from itertools import chain, count
from pathlib import Path

from digitprep.errors import DataError, DigitprepError, UsageError
from digitprep.names import is_junk
from digitprep.place import LOCKS, held, place, writing
from digitprep.serve.record import Record, record_from

FILE, PHOTOS = "project.json", "photos"
OPENED = ".open"  # a folder that is held while the project is open
LONGEST_NAME = 200

# What photos are called in the project's folder, by the first bytes that tell their kind.
SUFFIXES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"RIFF": ".webp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"BM": ".bmp",
}


class Storage:
    """The folder of a project, held against other programs until it is closed.

    Raises DigitprepError where another program has it open, and wherever the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.photos = folder, folder / FILE, folder / PHOTOS
        self._stack = ExitStack()
        opened = folder / OPENED
        with writing(folder):
            self.photos.mkdir(parents=True, exist_ok=True)
            opened.mkdir(exist_ok=True)
        if not self._stack.enter_context(held(opened)) and LOCKS:
            raise DigitprepError(f"{folder} is open in another `digitprep serve`; close that one first")

    def close(self) -> None:
        """Let another program open the folder."""
        self._stack.close()

    def read(self) -> Record | None:
        """What stands in the project's file, None where there is none yet.

        Raises DataError where it is damaged, or cannot be read, and UsageError where there is none but
        something else.
        """
        if self.file.exists():
            return _read(self.file)
        foreign = next(_others(self.folder), None)
        if foreign:
            raise UsageError(
                f"{self.folder} is no project: it holds {foreign}, and no {FILE}; choose a new folder, and "
                "bring the photos there"
            )
        return None

    def write(self, record: Record) -> None:
        """Write the project's file, whole or not at all."""
        text = json.dumps(record.to_dict(), ensure_ascii=False, indent=1) + "\n"
        data = text.encode("utf-8", "surrogatepass")
        place(self.file, lambda file: file.write_bytes(data), overwrite=True)

    def add_photo(self, file: str, data: bytes) -> None:
        """Write a photo."""
        place(self.photos / file, lambda new: new.write_bytes(data), overwrite=True)

    def remove_photo(self, file: str) -> None:
        """Remove a photo, if it is there."""
        (self.photos / file).unlink(missing_ok=True)


def file_name(number: int, data: bytes) -> str:
    """What the photo of that number is called in the project's folder."""
    suffix = next((kind for first, kind in SUFFIXES.items() if data.startswith(first)), ".img")
    return f"{number:04}{suffix}"


def plain_name(name: str) -> str:
    """A name as it is shown: the last part of a path, of one line and of some length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable())[-LONGEST_NAME:].strip()
    return "" if plain in (".", "..") else plain


def free_name(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken."""
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    numbered = (f"{stem} ({number}){dot}{suffix}" for number in count(2))
    return next(free for free in chain([name], numbered) if free not in taken)


def _read(file: Path) -> Record:
    try:
        return record_from(json.loads(file.read_bytes()))
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError.of(
            file,
            expected="the JSON of a project",
            found=f"something else ({error})",
            advice=f"put back an older copy of it; the photos are whole in {file.with_name(PHOTOS)}",
        ) from error


def _others(folder: Path) -> Iterator[str]:
    """What is in a folder that a project has not made."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or is_junk(entry.name):
            continue
        if entry.name != PHOTOS or any(entry.iterdir()):
            yield entry.name
