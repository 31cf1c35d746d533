"""Download a dataset into a folder: what is there and right stays, what is missing comes from a mirror.

`catalog` says what there is and where; `mirrors` fetches one file.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from digitprep.downloads import unpack
from digitprep.downloads.catalog import SOURCES, File, Source
from digitprep.downloads.mirrors import Advance, Mirrors
from digitprep.errors import DataError, UsageError
from digitprep.formats.base import entries, reading
from digitprep.formats.idx_names import parse_name
from digitprep.place import place, writing

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Download:
    """What became of each file of a dataset: those that were there, and those that were fetched.

    folder: where they all are
    kept, fetched: the names of either
    """

    folder: Path
    kept: tuple[str, ...]
    fetched: tuple[str, ...]


def source(name: str) -> Source:
    """The dataset of that name. Raises UsageError listing the known names."""
    if name not in SOURCES:
        raise UsageError(f"no dataset is named {name!r}; known: {', '.join(SOURCES)}")
    return SOURCES[name]


def download(
    dataset: str | Source,
    folder: str | PathLike[str],
    *,
    overwrite: bool = False,
    mirrors: Sequence[str] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
    advance: Advance = lambda _: None,
) -> Download:
    """A dataset's files, by its name in the catalog, into a folder that `read` then reads.

    Every file is checked against its known SHA-256 before it appears. `mirrors` are asked instead of
    the known ones, and given up when they say nothing for `timeout_seconds`; `advance` is called with the
    bytes that are done, fewer than 0 to take some back.

    Raises UsageError where a file is there and wrong, unless `overwrite` says to replace it, and
    DigitprepError naming each mirror and its answer where a file comes from none of them; MissingExtra
    without the extra `download`.
    """
    known = source(dataset) if isinstance(dataset, str) else dataset
    folder = Path(folder)
    _check_alone(folder, known)
    if known.members:
        return _members(known, folder, overwrite, tuple(mirrors) or known.mirrors, timeout_seconds, advance)
    kept = [file for file in known.files if _is_there(folder / file.name, file, overwrite)]
    advance(sum(file.size for file in kept))
    missing = [file for file in known.files if file not in kept]
    if missing:
        places = Mirrors(tuple(mirrors) or known.mirrors, timeout_seconds)
        for file in missing:
            place(
                folder / file.name,
                lambda result, file=file: places.fetch(file, result, advance),  # type: ignore[misc]
                overwrite=True,
            )
    return Download(folder, tuple(file.name for file in kept), tuple(file.name for file in missing))


def _members(
    known: Source,
    folder: Path,
    overwrite: bool,
    mirrors: tuple[str, ...],
    timeout_seconds: float,
    advance: Advance,
) -> Download:
    """What is wanted of a zip. A zip that lies in the folder is used and stays; one that is fetched goes."""
    sums = unpack.listed(folder / known.checksums)
    members = {unpack.plain_name(member): member for member in known.members}
    kept = tuple(name for name in members if _is_listed(folder / name, sums.get(name), overwrite))
    missing = tuple(name for name in members if name not in kept)
    [zipped] = known.files
    if not missing:
        advance(zipped.size)
        return Download(folder, kept, ())
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".digitprep-", dir=folder) as staging:
            archive = folder / zipped.name
            if _is_there(archive, zipped, overwrite=True):
                advance(zipped.size)
            else:
                archive = Path(staging, zipped.name)
                Mirrors(mirrors, timeout_seconds).fetch(zipped, archive, advance)
            text = unpack.list_text(unpack.digests(archive, known.members)).encode()
            # The list comes first: a file that is there before its line would not be known again.
            place(folder / known.checksums, lambda result: result.write_bytes(text), overwrite=True)
            for name in missing:
                place(
                    folder / name,
                    lambda result, name=name: unpack.extract(archive, members[name], result),  # type: ignore[misc]
                    overwrite=True,
                )
    return Download(folder, kept, missing)


def _is_listed(path: Path, sha256: str | None, overwrite: bool) -> bool:
    """Whether a file is there and as listed. Raises UsageError where it is not and is to stay."""
    if not path.exists():
        return False
    with reading(path), path.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256 and not overwrite:
        raise UsageError(
            f"{path} is there, but is another file: its SHA-256 is {found}, "
            f"{sha256 or 'and none is listed'} beside it; pass --overwrite (overwrite=True) to replace it, "
            "or choose another folder"
        )
    return found == sha256


def _check_alone(folder: Path, known: Source) -> None:
    """Raise UsageError where the folder has images of another dataset, with which it could not be read."""
    names = [unpack.plain_name(name) for name in known.members] or [file.name for file in known.files]
    own = {name.removesuffix(".gz") for name in names}
    foreign = [name for name in entries(folder) if parse_name(name) and name.removesuffix(".gz") not in own]
    if foreign:
        raise UsageError(f"{folder} holds another dataset, as {foreign[0]} shows; choose another folder")


def _is_there(path: Path, file: File, overwrite: bool) -> bool:
    """Whether the file is there and right. Raises UsageError where it is wrong and is to stay."""
    try:
        size = path.stat().st_size
        if size == file.size:
            with path.open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
            if found == file.sha256:
                return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if overwrite:
        return False
    wrong = f"{size:,} bytes" if size != file.size else f"{size:,} bytes with the SHA-256 {found}"
    raise UsageError(
        f"{path} is there, but is another file: expected {file.size:,} bytes with the SHA-256 "
        f"{file.sha256}, found {wrong}; pass --overwrite (overwrite=True) to replace it, or choose "
        "another folder"
    )
