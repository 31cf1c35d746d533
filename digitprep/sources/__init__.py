"""Where photos come from: files, folders, archives, lists of them, and addresses of other machines.

They are walked one after the other; of a folder of ten million photos no more than a hundred thousand names
are in memory. (A zip's table is read at once, and so is what an address says of one folder.) What is named
among them and cannot be given, such as a link that leads out of its folder, comes as `Unusable` in its turn,
and is rejected aloud.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from digitprep.errors import DataError
from digitprep.limits import LIMITS
from digitprep.sources.addresses import Address, at_address, is_address, is_reachable, without_scheme
from digitprep.sources.archives import SUFFIXES as ARCHIVES
from digitprep.sources.archives import Member, in_archive
from digitprep.sources.elsewhere import Unusable
from digitprep.sources.folders import in_folder
from digitprep.sources.lists import listed

__all__ = [
    "Address",
    "Member",
    "Source",
    "Stamp",
    "Unusable",
    "find_photos",
    "folder_of",
    "is_quickly_walked",
    "is_there",
    "listed",
    "read_bytes",
    "stamp_of",
    "without_bytes",
]

Source = Path | Member | Address | Unusable
Place = str | os.PathLike[str]
Stamp = tuple[str, int, str]

PIECE_BYTES = 1 << 20


def find_photos(places: Iterable[Place], most: int = LIMITS.bytes) -> Iterator[Source]:
    """Files, folders, archives and addresses -> the photos there, as they are come by.

    A folder stands for all it holds, in natural order; a .tar or .zip for all it holds, in the order in
    which it does; an address such as s3://bucket/photos/ for what fsspec finds there. A path that is none
    of these is always taken, even where there is nothing: reading it says so, and does not stop the others;
    the same goes for a folder inside that may not be entered. In all of them files of other kinds, hidden
    ones and hidden folders are passed over. A link is followed where it is named, and in a folder where it
    leads to a file inside.

    most: how many bytes of a photo matter: none holds more in memory while it waits

    Raises MissingExtra for an address without fsspec, or without what it needs for that kind of address.
    """
    for place in map(without_scheme, places):
        if is_address(place):
            yield from at_address(str(place))
        elif os.path.isdir(path := Path(place)):  # noqa: PTH112  (Path.is_dir raises for too long a name)
            yield from in_folder(path)
        elif path.name.lower().endswith(ARCHIVES):
            yield from in_archive(path, most)
        else:
            yield path


def is_quickly_walked(place: Place) -> bool:
    """Whether the photos at a place can be counted without reading them: those of files and folders can."""
    return not is_address(place) and not Path(place).name.lower().endswith(ARCHIVES)


def is_there(place: Place) -> bool:
    """Whether there is anything to be read at a place."""
    return is_reachable(str(place)) if is_address(place) else os.access(place, os.R_OK)


def read_bytes(source: Source | Place, most: int) -> bytes:
    """All bytes of a photo's file.

    Raises DataError where it cannot be read, is empty or holds more than `most` bytes.
    """
    if isinstance(source, Member | Address | Unusable):
        data = source.read(most + 1)
    else:
        data = _bytes_of_file(Path(source), most + 1)
    if not data:
        raise DataError.of(str(source), expected="an image", found="an empty file")
    if len(data) > most:
        raise DataError.of(str(source), expected=f"at most {most} bytes", found="more")
    return data


def stamp_of(source: Source) -> Stamp:
    """What tells whether a photo is still the same: where it is, its size in bytes, and its version."""
    if isinstance(source, Member):
        return os.path.abspath(str(source)), source.size, source.version  # noqa: PTH100
    if not isinstance(source, Path):
        return str(source), source.size, source.version
    path = os.path.abspath(source)  # noqa: PTH100  (as it is named: a link is not followed)
    try:
        found = source.stat()
    except (OSError, ValueError):
        return path, -1, ""
    return path, found.st_size, str(found.st_mtime_ns)


def without_bytes(source: Source) -> Source:
    """A source without the bytes that came along with it, to be named and no longer to be read."""
    return replace(source, data=None) if isinstance(source, Member) else source


def folder_of(source: Source) -> str:
    """The name of the folder that a photo lies in, as it is named: a link lies where it stands."""
    return Path(os.path.abspath(source) if isinstance(source, Path) else str(source)).parent.name  # noqa: PTH100


def _bytes_of_file(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            # In pieces: one call would take room for as many bytes as it is asked for.
            pieces = iter(lambda: file.read(min(PIECE_BYTES, most)), b"")
            return b"".join(islice(pieces, -(-most // PIECE_BYTES)))[:most]
    except (OSError, ValueError) as error:  # a name may be too long, or hold a null character
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason}") from error
