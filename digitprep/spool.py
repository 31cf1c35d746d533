"""What has become of photos so far, kept on disk, so that a run that was stopped goes on where it was.

While a dataset is made of photos, a folder DST.partial lies beside it: `run.json` says which run it is
of, each shard holds what became of some photos, in their order, and `manifest.jsonl` the shards that are
finished, a line each with the SHA-256. A shard is written under another name and renamed, and its line
follows; what is listed and not whole all the same, as after a power cut, is made again. `writing.json`
says that all photos are done and their dataset was begun. There is nothing in it but arrays and JSON.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

from digitprep.batch import Cleaned
from digitprep.errors import UsageError
from digitprep.facts import Facts, agree, difference, joined
from digitprep.place import LOCKS, held
from digitprep.shards import FACTS, WRITING, Done, ShardFolder
from digitprep.sources import Source, Stamp, stamp_of, without_bytes

SHARD_RECORDS = 200  # of photos, or of the digits of pages
SUFFIX = ".partial"
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
        self.shards = ShardFolder(self.folder)
        self.facts = dict(facts)
        self.overwrite = overwrite
        self._changed = False
        self._writes = False
        self._open = ExitStack()

    @property
    def photos(self) -> int:
        """How many photos are done."""
        return sum(shard["photos"] for shard in self.shards.finished)

    def was_begun(self) -> bool:
        """Whether a run like this one was stopped before its end."""
        return agree(self.shards.noted(FACTS) or {}, self.facts)

    def was_writing(self, how: Mapping[str, str]) -> bool:
        """Whether a run like this one was stopped while it wrote its dataset in the same way."""
        return self.was_begun() and self.shards.noted(WRITING) == dict(how)

    def write_begins(self, how: Mapping[str, str]) -> None:
        """Note that the dataset is about to be written, and how."""
        self.shards.note(WRITING, how)
        self._writes = True

    def __enter__(self) -> Spool:
        """Begin, or go on with what is there.

        Raises UsageError where the folder is of another run, unless it is to go; where another run is at
        work on it; and where it holds what is none of ours, which is never removed.
        """
        self.shards.check()
        self.shards.make()
        if not self._open.enter_context(held(self.folder)) and LOCKS:
            self._open.close()
            raise UsageError(f"{self.folder}: another run is making the same dataset; let it end, or stop it")
        old = self.shards.noted(FACTS)
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
            self.shards.empty()
            old = None
        self.shards.note(FACTS, joined(old or {}, self.facts), indent=2)
        self.shards.read_manifest()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep what an interrupted run may go on from, and nothing else."""
        if self._writes and kind is not None and issubclass(kind, UsageError):
            # What came in the way of the dataset is none of this run's, and not the next one's to replace.
            self.shards.forget(WRITING)
        if kind is None or not self.shards.finished:
            self.shards.remove()
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
        for number, shard in enumerate(self.shards.finished):
            for stamp, found in self.shards.read(number) or ():
                photo = next(left, None)
                if photo is None or stamp_of(photo) != stamp:
                    self._refuse_unless_overwriting(stamp)
                    left = left if photo is None else chain([photo], left)
                    break
                some.append((stamp, found))
                seen += len(found)
                yield _again(found, photo, work)
            if len(some) < shard["photos"]:
                self.shards.keep(self.shards.finished[:number])
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
                    self._keep(full)
                yield found
        finally:
            if some:
                self._keep(some)

    def _keep(self, some: list[Done]) -> None:
        if not self._changed:
            self.shards.add(some)

    def _refuse_unless_overwriting(self, before: Stamp) -> None:
        if not self.overwrite:
            raise UsageError(
                f"{self.folder} is of a run that was stopped; since then {before[0]} was changed, moved or "
                "removed, or others came before it; put it back, or pass --overwrite to do it again"
            )


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
