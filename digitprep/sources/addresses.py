"""Photos at addresses, s3://bucket/photos/ and the like, by fsspec and whatever file systems it knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from digitprep.errors import DataError, MissingExtra
from digitprep.extra import extra
from digitprep.names import is_photo
from digitprep.sources.elsewhere import Elsewhere, Unusable
from digitprep.sources.folders import in_natural_order

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
VERSIONS = ("ETag", "etag", "md5", "sha256", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class Address(Elsewhere):
    """A photo at an address.

    length: in bytes, -1 where the other side does not say
    told: the other side's own word for its version, "" where it has none
    """

    length: int = -1
    told: str = ""

    @property
    def size(self) -> int:
        return self.length

    @property
    def version(self) -> str:
        return self.told

    def read(self, most: int) -> bytes:
        with _telling(self.place):
            system, path = _opened(self.place)
            with system.open(path, "rb") as file:
                data: bytes = file.read(most)
                return data


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether a place is an address, and no path of this machine."""
    return ADDRESS.match(str(place)) is not None and not os.path.lexists(without_scheme(place))


def without_scheme(place: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The path that file://... is the address of; any other place as it is."""
    text = str(place)
    if not text.startswith("file:///"):
        return place
    from urllib.request import url2pathname  # which brings all of HTTP along

    return url2pathname(text.removeprefix("file://"))


def is_reachable(place: str) -> bool:
    """Whether there is an answer at an address; it is asked for anew."""
    try:
        system, path = _opened(place)
        system.invalidate_cache()
        system.info(path)
    except Exception:  # file systems raise errors of their own
        return False
    return True


def at_address(place: str) -> Iterator[Address | Unusable]:
    """The photos below an address that is a folder or ends with a slash, in natural order, or the one there.

    Raises MissingExtra without fsspec, or without what it needs for this kind of address.
    """
    try:
        with _telling(place):
            system, path = _opened(place)
            found = system.info(path)
        if place.endswith("/") or found["type"] == "directory":
            yield from _below(system, path)
        else:
            yield _address(system.unstrip_protocol(path), found)
    except DataError as error:
        yield Unusable(place, str(error).removeprefix(f"{place}: "))


def _below(system: Any, folder: str) -> Iterator[Address | Unusable]:
    """The photos of a folder and of those in it, in natural order."""
    waiting = [_entries(system, folder)]  # a folder in a folder, however deep
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif isinstance(entry, str):
            waiting.append(_entries(system, entry))
        else:
            yield entry


def _entries(system: Any, folder: str) -> Iterator[Address | Unusable | str]:
    """The photos of one folder, and the paths of the folders in it."""
    place = system.unstrip_protocol(folder)
    try:
        with _telling(place):
            found = {_name(entry): entry for entry in system.ls(folder, detail=True)}
    except DataError as error:
        yield Unusable(place, str(error).removeprefix(f"{place}: "))
        return
    for name in in_natural_order(_shown(found)):
        path: str = found[name]["name"]
        yield path if name.endswith("/") else _address(system.unstrip_protocol(path), found[name])


def _name(entry: dict[str, Any]) -> str:
    """What an entry is called in its folder, a folder with a slash at the end."""
    name = entry["name"].rstrip("/").rpartition("/")[2]
    return f"{name}/" if entry["type"] == "directory" else name


def _shown(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The names that are photos' or folders', and not hidden."""
    return (name for name in found if is_photo(name) or (name.endswith("/") and not name.startswith(".")))


def _address(place: str, found: dict[str, Any]) -> Address:
    size = found.get("size")
    told = next((found[key] for key in VERSIONS if found.get(key)), "")
    return Address(place, -1 if size is None else int(size), str(told))


def _opened(place: str) -> tuple[Any, str]:
    """The file system of an address, and its path there."""
    fsspec = extra("fsspec", "reading what lies at an address", "remote")
    system, path = fsspec.core.url_to_fs(place)
    return system, path


@contextmanager
def _telling(place: str) -> Iterator[None]:
    """Turn what a file system says, each in errors of its own, into a DataError that names the address."""
    try:
        yield
    except MissingExtra:
        raise
    except ImportError as error:  # fsspec names the package that it lacks
        raise MissingExtra(f"{place}: {error}") from error
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            f"{place}: cannot be read: {reason}; see to the address, and the rights there"
        ) from error
