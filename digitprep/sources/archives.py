"""Photos in archives: .zip, .tar and compressed .tar, which are read where they lie and never unpacked.

Names in an archive only ever name: nothing is written under them, so none can lead anywhere.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tarfile import EOFHeaderError, HeaderError, ReadError, TarFile, TarInfo  # type: ignore[attr-defined]
from typing import Self

from digitprep.errors import DataError
from digitprep.names import is_photo
from digitprep.sources.elsewhere import Elsewhere, Unusable

ZIPS, TARS = (".zip",), (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = ZIPS + TARS
OPEN_ZIPS = 4  # whose directories each process keeps
LONGEST_TOLD_BYTES = 1 << 20
AGAIN = "copy or download it again"


@dataclass(frozen=True)
class Member(Elsewhere):
    """A photo in an archive.

    start: the byte at which its entry begins, or in a tar its content
    length: in bytes, uncompressed
    changed: when the archive was, in nanoseconds
    data: the photo itself, where the archive can only be read from its start to its end
    """

    archive: Path
    start: int
    length: int
    changed: int
    data: bytes | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        return self.length

    @property
    def version(self) -> str:
        return str(self.changed)

    def read(self, most: int) -> bytes:
        with _telling(self.place):
            data = self.data[:most] if self.data is not None else self._stored(most)
        if len(data) < min(most, self.length):
            raise DataError.of(
                self.place, expected=f"{self.length} bytes", found=f"the end after {len(data)}", advice=AGAIN
            )
        return data

    def _stored(self, most: int) -> bytes:
        if self.archive.stat().st_mtime_ns != self.changed:
            raise DataError(f"{self.place}: the archive was changed meanwhile; run the same again")
        if _is_zip(self.archive):
            zipped, entries = _opened_zip(self.archive, self.changed)
            with zipped.open(entries[self.start]) as member:
                return member.read(most)
        if not _is_plain(self.archive):
            return self._streamed(most)
        with self.archive.open("rb") as file:
            file.seek(self.start)
            return file.read(min(most, self.length))

    def _streamed(self, most: int) -> bytes:
        """Its bytes once more, out of a compressed tar, which takes to read all before them."""
        for tar, entry in _entries(self.archive):
            if entry.offset_data == self.start and (file := tar.extractfile(entry)):
                return file.read(most)
        return b""


def in_archive(archive: Path, most: int) -> Iterator[Member | Unusable]:
    """The photos in an archive, in the order in which it holds them; what cannot be read comes as Unusable.

    A compressed tar gives them as they pass, so each that is under way is in memory: no more than `most`
    bytes and one.
    """
    try:
        with _telling(str(archive)):
            yield from _in_zip(archive) if _is_zip(archive) else _in_tar(archive, most)
    except DataError as error:  # those before it are whole
        yield Unusable(str(archive), str(error).removeprefix(f"{archive}: "))


def _is_zip(archive: Path) -> bool:
    return archive.name.lower().endswith(ZIPS)


def _is_plain(archive: Path) -> bool:
    """Whether a tar is not compressed, so that each photo in it can be read where it lies."""
    return archive.name.lower().endswith(".tar")


def _is_shown(name: str) -> bool:
    """Whether a name in an archive is a photo's that no hidden folder holds."""
    *folders, last = PurePosixPath(name.replace("\\", "/")).parts or ("",)
    return is_photo(last) and not any(folder.startswith(".") and folder.strip(".") for folder in folders)


def _in_zip(archive: Path) -> Iterator[Member]:
    changed = archive.stat().st_mtime_ns
    with zipfile.ZipFile(archive) as zipped:
        entries = zipped.infolist()
    for entry in entries:
        if not entry.is_dir() and _is_shown(entry.filename):
            place = f"{archive}/{entry.filename}"
            yield Member(place, archive, entry.header_offset, entry.file_size, changed)


@lru_cache(maxsize=OPEN_ZIPS)
def _opened_zip(archive: Path, _changed: int) -> tuple[zipfile.ZipFile, dict[int, zipfile.ZipInfo]]:
    """A zip and its entries by where they begin: two may have one name."""
    zipped = zipfile.ZipFile(archive)
    return zipped, {entry.header_offset: entry for entry in zipped.infolist()}


def _in_tar(archive: Path, most: int) -> Iterator[Member | Unusable]:
    changed, plain = archive.stat().st_mtime_ns, _is_plain(archive)
    for tar, entry in _entries(archive):
        place = f"{archive}/{entry.name.removeprefix('./')}"
        if entry.isdir() or not _is_shown(entry.name):
            continue
        if not entry.isreg() or entry.issparse():
            yield Unusable(place, "expected a file in the archive, found a link, a device or a sparse file")
            continue
        file = None if plain else tar.extractfile(entry)
        data = file.read(most + 1) if file else None
        yield Member(place, archive, entry.offset_data, entry.size, changed, data)


def _entries(archive: Path) -> Iterator[tuple[TarFile, TarInfo]]:
    """What a tar holds, one entry after the other, each with the tar while it is at it."""
    with tarfile.open(archive, "r:" if _is_plain(archive) else "r|*", tarinfo=_Entry) as tar:
        while (entry := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would remember all of them
            if entry.size < 0:  # as a header of its own may say
                raise ReadError(f"an entry of {entry.size} bytes")
            yield tar, entry


class _Entry(TarInfo):
    """An entry that says what `tarfile` lets pass: damage, and entries without end that tell of the next."""

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise
        except HeaderError as error:  # `tarfile` would take it for the end
            raise ReadError(str(error)) from error

    def _proc_member(self, tar: TarFile) -> TarInfo:
        if self.size < 0:
            raise ReadError(f"an entry of {self.size} bytes")
        if not self.isreg() and self.size > LONGEST_TOLD_BYTES:
            raise ReadError(f"{self.size} bytes that tell of an entry, expected {LONGEST_TOLD_BYTES}")
        return super()._proc_member(tar)  # type: ignore[misc,no-any-return]


@contextmanager
def _telling(place: str) -> Iterator[None]:
    """Turn what archives and the system say into a DataError that names the place."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{place}: cannot be read: {error.strerror or error}") from error
    except NotImplementedError as error:
        raise DataError(f"{place}: cannot be read: {error}; pack the archive anew, by deflation") from error
    except RuntimeError as error:  # of zipfile, for a password
        raise DataError(f"{place}: cannot be read: {error}; unpack the archive first") from error
    except MemoryError:
        raise
    except Exception as error:  # zipfile, tarfile and what unpacks raise a dozen kinds between them
        raise DataError.of(
            place, expected="a whole archive", found=f"one that is damaged ({error})", advice=AGAIN
        ) from error
