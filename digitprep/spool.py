"""What has become of photos so far, kept on disk, so that a run that was stopped goes on where it was.

While a dataset is made of photos, a folder DST.partial lies beside it: `run.json` says which run it is
of, each shard holds what became of some photos, in their order, and `manifest.jsonl` the shards that are
finished, a line each with the SHA-256. A shard is written under another name and renamed, and its line
follows; what is listed and not whole all the same, as after a power cut, is made again. `writing.json`
says that all photos are done and their dataset was begun. There is nothing in it but arrays and JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from digitprep.batch import Cleaned
from digitprep.errors import UsageError
from digitprep.facts import Facts, agree, difference, joined
from digitprep.place import LOCKS, held, writing
from digitprep.shards import Done, from_bytes, to_bytes
from digitprep.sources import Source, Stamp, stamp_of, without_bytes

SHARD_RECORDS = 200  # of photos, or of the digits of pages
SUFFIX = ".partial"
FACTS, MANIFEST, WRITING = "run.json", "manifest.jsonl", "writing.json"
KEPT = "what is kept stays; see to the space and the permissions there, then the same command goes on"
OURS = re.compile(r"(run\.json|manifest\.jsonl|writing\.json|\d{6}\.npz)(\.new)?")
Work = Callable[[Iterable[Source]], Iterator[list[Cleaned]]]


class Spool:
    """The folder beside `destination`, for the run that `facts` tell apart from others; a context manager.

    While it is open, no other run can open it. It is left on disk where the block ends with an error and
    photos are done.

    facts: all that the result depends on but the photos: what has to be the same to go on; None for what is
        not there, and may come, as the photos that want it are tried again
    overwrite: whether another run's folder is to go, and photos that were changed are to be done again
    """

    def __init__(self, destination: Path, facts: Facts, overwrite: bool = False) -> None:
        self.folder = destination.absolute().with_name(destination.absolute().name + SUFFIX)
        self.facts = dict(facts)
        self.overwrite = overwrite
        self.finished: list[dict[str, Any]] = []
        self._changed = False
        self._writes = False
        self._open = ExitStack()

    @property
    def photos(self) -> int:
        """How many photos are done."""
        return sum(shard["photos"] for shard in self.finished)

    def was_begun(self) -> bool:
        """Whether a run like this one was stopped before its end."""
        return agree(self._read_json(FACTS) or {}, self.facts)

    def was_writing(self, how: Mapping[str, str]) -> bool:
        """Whether a run like this one was stopped while it wrote its dataset in the same way."""
        return self.was_begun() and self._read_json(WRITING) == dict(how)

    def write_begins(self, how: Mapping[str, str]) -> None:
        """Note that the dataset is about to be written, and how."""
        with writing(self.folder, KEPT):
            self._place(WRITING, json.dumps(dict(how)).encode())
        self._writes = True

    def __enter__(self) -> Spool:
        """Begin, or go on with what is there.

        Raises UsageError where the folder is of another run, unless it is to go; where another run is at
        work on it; and where it holds what is none of ours, which is never removed.
        """
        self._check_folder()
        with writing(self.folder, KEPT):
            self.folder.mkdir(0o700, parents=True, exist_ok=True)  # photos are in it, small
        if not self._open.enter_context(held(self.folder)) and LOCKS:
            self._open.close()
            raise UsageError(f"{self.folder}: another run is making the same dataset; let it end, or stop it")
        old = self._read_json(FACTS)
        if old is None and any(self.folder.iterdir()):
            old = {}
        if old is not None and not agree(old, self.facts):
            if not self.overwrite:
                self._open.close()
                raise UsageError(
                    f"{self.folder} is of a run that was stopped, and another one: "
                    f"{difference(old, self.facts)}; repeat that one to go on with it, or pass --overwrite "
                    "to start anew"
                )
            self._empty()
            old = None
        with writing(self.folder, KEPT):
            self._place(FACTS, json.dumps(joined(old or {}, self.facts), indent=2).encode())
        self.finished = self._read_manifest()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep what an interrupted run may go on from, and nothing else."""
        if self._writes and kind is not None and issubclass(kind, UsageError):
            # What came in the way of the dataset is none of this run's, and not the next one's to replace.
            with writing(self.folder, KEPT):
                (self.folder / WRITING).unlink(missing_ok=True)
        if kind is None or not self.finished:
            with writing(self.folder, KEPT):
                self._empty()
                self.folder.rmdir()
        self._open.close()

    def through(
        self, photos: Iterable[Source], work: Work, thumbnails: int | None = None
    ) -> Generator[list[Cleaned], None, None]:
        """What became of each photo, in order: of those in finished shards from there, the others by `work`.

        thumbnails: of how many photos, or digits of pages, the first ones, they are kept; of all without it

        Raises UsageError where a photo is not what it was when its shard was made, and is not to be done
        again.
        """
        left, seen = iter(photos), 0
        some: list[Done] = []
        for number, shard in enumerate(self.finished):
            for stamp, found in self._read_shard(number, shard) or ():
                photo = next(left, None)
                if photo is None or stamp_of(photo) != stamp:
                    self._refuse_unless_overwriting(stamp)
                    left = left if photo is None else chain([photo], left)
                    break
                some.append((stamp, found))
                seen += len(found)
                yield _again(found, photo, work)
            if len(some) < shard["photos"]:
                self._keep_manifest(self.finished[:number])
                break
            some.clear()
        yield from self._kept(left, work, seen, thumbnails, some)

    def _kept(
        self,
        left: Iterator[Source],
        work: Work,
        seen: int,
        thumbnails: int | None,
        some: list[Done],
    ) -> Iterator[list[Cleaned]]:
        """What becomes of the photos that are left; each shard is written when it is full, or all ends.

        seen: how many records there were before
        some: what the first shard begins with
        """
        waiting: deque[tuple[Source, Stamp]] = deque()
        try:
            for found in work(_stamped(left, waiting)):
                photo, stamp = waiting.popleft()
                if thumbnails is not None:
                    room = max(0, thumbnails - seen)
                    found = found[:room] + [replace(cleaned, thumbnail=None) for cleaned in found[room:]]
                seen += len(found)
                self._changed |= stamp_of(photo) != stamp  # while it was read: from here on nothing is kept
                some.append((stamp, found))
                if sum(max(1, len(records)) for _, records in some) >= SHARD_RECORDS:
                    full, some = some, []
                    self._write_shard(full)
                yield found
        finally:
            if some:
                self._write_shard(some)

    def _refuse_unless_overwriting(self, before: Stamp) -> None:
        if not self.overwrite:
            raise UsageError(
                f"{self.folder} is of a run that was stopped; since then {before[0]} was changed, moved or "
                "removed, or others came before it; put it back, or pass --overwrite to do it again"
            )

    def _write_shard(self, some: list[Done]) -> None:
        if self._changed:
            return
        data = to_bytes(some)
        name = _name(len(self.finished))
        record = {"shard": name, "sha256": hashlib.sha256(data).hexdigest(), "photos": len(some)}
        with writing(self.folder, KEPT):
            self._place(name, data)
            with (self.folder / MANIFEST).open("ab") as manifest:
                manifest.write(json.dumps(record).encode() + b"\n")
        self.finished.append(record)

    def _read_shard(self, number: int, shard: Mapping[str, Any]) -> list[Done] | None:
        """What a shard holds; None where it is not what the manifest says."""
        try:
            data = (self.folder / _name(number)).read_bytes()
            return from_bytes(data) if hashlib.sha256(data).hexdigest() == shard["sha256"] else None
        except (OSError, ValueError):
            return None

    def _check_folder(self) -> None:
        """Raise UsageError where the folder is a link or holds what no run wrote."""
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise UsageError(f"{self.folder} is in the way of what this run keeps; remove it")
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if not OURS.fullmatch(path.name) or not path.is_file():
                raise UsageError(
                    f"{self.folder} is where a run keeps what is done, and holds {path.name}, which is no "
                    "part of that; move it away, or choose another destination"
                )

    def _read_json(self, name: str) -> dict[str, str | None] | None:
        """A file's facts; {} where they cannot be told, None without the file."""
        try:
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _read_manifest(self) -> list[dict[str, Any]]:
        """The finished shards, as far as the lines are whole."""
        try:
            lines = (self.folder / MANIFEST).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        shards = []
        for number, line in enumerate(lines):
            try:
                shard = json.loads(line)
                good = (
                    shard["shard"] == _name(number)
                    and isinstance(shard["sha256"], str)
                    and shard["photos"] > 0
                )
            except (ValueError, KeyError, TypeError, RecursionError):
                break
            if not good:
                break
            shards.append(shard)
        self._keep_manifest(shards)
        return shards

    def _keep_manifest(self, shards: list[dict[str, Any]]) -> None:
        self.finished = list(shards)
        with writing(self.folder, KEPT):
            self._place(MANIFEST, "".join(f"{json.dumps(shard)}\n" for shard in shards).encode())

    def _empty(self) -> None:
        for path in list(self.folder.iterdir()):
            if OURS.fullmatch(path.name):
                path.unlink()

    def _place(self, name: str, data: bytes) -> None:
        new = self.folder / f"{name}.new"
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / name)


def _again(found: list[Cleaned], photo: Source, work: Work) -> list[Cleaned]:
    """What became of a photo; one that killed its process is tried again: it may do better now."""
    if any(cleaned.lost for cleaned in found):
        return next(iter(work([photo])))
    here = without_bytes(photo)
    names = [cleaned.photo.name for cleaned in found]
    photos = [here if name == here.name else here.with_name(name) for name in names]
    return [replace(cleaned, photo=photo) for cleaned, photo in zip(found, photos, strict=True)]


def _stamped(photos: Iterable[Source], waiting: deque[tuple[Source, Stamp]]) -> Iterator[Source]:
    """The photos, each one's stamp noted before it is read."""
    for photo in photos:
        waiting.append((without_bytes(photo), stamp_of(photo)))
        yield photo


def _name(number: int) -> str:
    return f"{number:06d}.npz"
