"""Files out of a downloaded zip, and the list of their SHA-256 by which they are known again.

What is in a zip has no SHA-256 that is known beforehand, only the zip has. So beside the files goes a
list as `sha256sum` writes and checks it.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from digitprep.errors import DataError


def plain_name(member: str) -> str:
    """What a member of a zip is called outside of it: no path in a zip is ever followed."""
    return PurePosixPath(member).name


def digests(archive: Path, members: tuple[str, ...]) -> dict[str, str]:
    """The SHA-256 of each of these members, by plain name. Raises DataError where one is not sound."""
    found = {}
    for member in members:
        with _opened(archive, member) as file:
            digest = hashlib.sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
        found[plain_name(member)] = digest.hexdigest()
    return found


def extract(archive: Path, member: str, path: Path) -> None:
    """Write one member to a path. Raises DataError where it is not sound."""
    with _opened(archive, member) as file, path.open("wb") as output:
        shutil.copyfileobj(file, output, 1 << 20)


def listed(path: Path) -> dict[str, str]:
    """The SHA-256 of each file that a list names; none where there is no list, or it is damaged."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = [line.split("  ", 1) for line in lines if "  " in line]
    return {name: digest for digest, name in pairs}


def list_text(sums: dict[str, str]) -> str:
    """The list of these, as `sha256sum` writes it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items())


@contextmanager
def _opened(archive: Path, member: str) -> Iterator[IO[bytes]]:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as file:
            yield file
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError.of(archive.name, expected=f"a zip that holds {member}", found=str(error)) from error
