"""Photos in a folder and below it, in natural order, without all their names in memory."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from pathlib import Path

from digitprep.names import is_photo, natural_key
from digitprep.sources.elsewhere import Unusable

# So many names of one folder are sorted in memory; of more, each such run waits its turn on the disk.
RUN_NAMES = 100_000
HERE = "."


def in_folder(folder: Path) -> Iterator[Path | Unusable]:
    """The photos of a folder; also what should be one and cannot be read, so that it is not lost.

    A folder that cannot be entered comes as itself.
    """
    root = os.path.realpath(folder)
    waiting = [(folder, _entered(folder))]  # a folder in a folder, however deep
    while waiting:
        here, names = waiting[-1]
        name = next(names, None)
        if name is None:
            waiting.pop()
        elif name == HERE:
            yield here  # reading it says why it cannot be entered
        elif not name.endswith("/"):
            yield from [] if _is_special(here / name) else [_photo(here / name, root)]
        elif os.path.islink(here / name):  # noqa: PTH114  (Path.is_symlink raises where that may not be known)
            real = os.path.realpath(here / name)
            yield Unusable(str(here / name), f"a link to a folder is not followed; name {real} itself")
        else:
            waiting.append((here / name, _entered(here / name)))


def _entered(folder: Path) -> Iterator[str]:
    """The names in a folder, in natural order, or HERE alone where it cannot be entered."""
    try:
        with os.scandir(folder) as entries:
            return in_natural_order(_names(entries))
    except OSError:
        return iter([HERE])


def in_natural_order(names: Iterator[str]) -> Iterator[str]:
    """Names in natural order; those that are too many for memory wait on the disk."""
    runs: list[Iterator[str]] = []
    while some := sorted(islice(names, RUN_NAMES), key=natural_key):
        runs.append(_on_disk(some) if runs or len(some) == RUN_NAMES else iter(some))
    return merge(*runs, key=natural_key)


def _names(entries: Iterable[os.DirEntry[str]]) -> Iterator[str]:
    """What may be photos in a folder: folders, with a slash at the end, and files."""
    for entry in entries:
        if not entry.name.startswith("."):
            if _is_folder(entry):
                yield f"{entry.name}/"
            elif is_photo(entry.name):
                yield entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a loop
        return False


def _on_disk(names: list[str]) -> Iterator[str]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  (open until the last name is read)
    file.writelines(json.dumps(name).encode() + b"\n" for name in names)
    file.seek(0)

    def read() -> Iterator[str]:
        with file:
            yield from map(json.loads, file)

    return read()


def _photo(path: Path, root: str) -> Path | Unusable:
    """A photo; where it is a link that leads out of the folder that was named, not what it leads to."""
    if os.path.islink(path):  # noqa: PTH114
        real = os.path.realpath(path)
        if os.path.exists(real) and os.path.commonpath([root, real]) != root:  # noqa: PTH110
            return Unusable(str(path), f"a link that leads out of {root} is not followed; name {real} itself")
    return path


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or a device, which could be read for ever; not what is missing, as it is told."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
