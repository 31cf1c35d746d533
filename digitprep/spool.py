"""What has become of photos so far, kept on disk, so that a run that was stopped goes on where it was.

While a dataset is made of photos, a folder DST.partial lies beside it: `run.json` says which run it is
of, each shard holds what became of some photos, in their order, and `manifest.jsonl` the shards that are
finished, a line each with the SHA-256. A shard is written under another name and renamed, and its line
follows; so however a run ends, what the manifest lists is whole. There is nothing in it but arrays and JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np

from digitprep.batch import Cleaned
from digitprep.errors import DataError, UsageError
from digitprep.place import writing

SHARD_PHOTOS = 200
SUFFIX = ".partial"
ARRAYS = ("image", "thumbnail")
Work = Callable[[Iterable[Path]], Iterator[Cleaned]]
Stamp = tuple[str, int, int]


class Spool:
    """The folder beside `destination`, for the run that `facts` tell apart from others.

    facts: all that the result depends on but the photos: what has to be the same to go on
    """

    def __init__(self, destination: Path, facts: Mapping[str, str]) -> None:
        self.folder = destination.absolute().with_name(destination.absolute().name + SUFFIX)
        self.facts = dict(facts)
        self.finished: list[dict[str, Any]] = []

    @property
    def photos(self) -> int:
        """How many photos are done."""
        return sum(len(shard["photos"]) for shard in self.finished)

    def open(self, overwrite: bool = False) -> int:
        """Begin, or go on with what is there; returns the number of photos that are done.

        Raises UsageError where the folder is of another run, unless `overwrite` lets it go.
        """
        old = self._read_facts()
        if old != self.facts and old is not None:
            if not overwrite:
                raise UsageError(
                    f"{self.folder} is of a run that was stopped, and another one: "
                    f"{_difference(old, self.facts)}; repeat that one to go on with it, or pass --overwrite "
                    "to start anew"
                )
            self.remove()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._place("run.json", json.dumps(self.facts, indent=2).encode())
        self.finished = self._read_manifest()
        return self.photos

    def through(self, photos: Iterable[Path], work: Work, thumbnails: int | None = None) -> Iterator[Cleaned]:
        """What became of each photo, in order: of those in finished shards from there, the others by `work`.

        thumbnails: of how many photos, the first ones, they are kept; of all without it

        Raises UsageError where a photo is not what it was when its shard was made, DataError where a shard
        is damaged.
        """
        left = iter(photos)
        for number, shard in enumerate(list(self.finished)):
            self._check_photos(shard, list(islice(left, len(shard["photos"]))))
            yield from self._read_shard(number, shard)
        seen = count(self.photos)
        made = (
            cleaned if thumbnails is None or next(seen) < thumbnails else replace(cleaned, thumbnail=None)
            for cleaned in work(left)
        )
        while some := list(islice(made, SHARD_PHOTOS)):
            self._write_shard(len(self.finished), some)
            yield from some

    def remove(self) -> None:
        """Take the folder away, once the dataset is there."""
        with writing(self.folder):
            shutil.rmtree(self.folder, ignore_errors=False)

    def _check_photos(self, shard: Mapping[str, Any], photos: list[Path]) -> None:
        now = [_stamp(photo) for photo in photos]
        for before, after in zip(shard["photos"], chain(now, [None] * len(shard["photos"])), strict=False):
            if after is None or tuple(before) != after:
                raise UsageError(
                    f"{self.folder} is of a run that was stopped; since then {before[0]} was changed, moved "
                    "or removed, or others came before it; put it back, or remove that folder to start anew"
                )

    def _write_shard(self, number: int, some: list[Cleaned]) -> None:
        data = _to_bytes(some)
        record = {
            "shard": _name(number),
            "sha256": hashlib.sha256(data).hexdigest(),
            "photos": [_stamp(cleaned.photo) for cleaned in some],
        }
        with writing(self.folder):
            self._place(_name(number), data)
            with (self.folder / "manifest.jsonl").open("a", encoding="utf-8") as manifest:
                manifest.write(json.dumps(record) + "\n")
        self.finished.append(record)

    def _read_shard(self, number: int, shard: Mapping[str, Any]) -> Iterator[Cleaned]:
        path = self.folder / _name(number)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != shard["sha256"]:
            raise DataError.of(
                path,
                expected=f"SHA-256 {shard['sha256']}, as the manifest says",
                found="another",
                advice=f"remove {self.folder} to start anew",
            )
        yield from _from_bytes(data)

    def _read_facts(self) -> dict[str, str] | None:
        """The facts of the run that the folder is of; {} where it cannot be told, None without a folder."""
        try:
            found = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {} if self.folder.exists() and any(self.folder.iterdir()) else None
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _read_manifest(self) -> list[dict[str, Any]]:
        """The finished shards; a last line that was cut short is of one that is not."""
        path = self.folder / "manifest.jsonl"
        if not path.exists():
            return []
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        lines = whole.splitlines()
        with writing(self.folder):
            self._place(path.name, "".join(f"{line}\n" for line in lines).encode())
        return [json.loads(line) for line in lines]

    def _place(self, name: str, data: bytes) -> None:
        new = self.folder / f"{name}.new"
        new.write_bytes(data)
        new.replace(self.folder / name)


def _name(number: int) -> str:
    return f"{number:06d}.npz"


def _stamp(photo: Path) -> Stamp:
    """A photo's path, size and time of change; -1 for both where there is none."""
    try:
        found = photo.stat()
    except (OSError, ValueError):
        return str(photo), -1, -1
    return str(photo), found.st_size, found.st_mtime_ns


def _difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What two runs do not have in common, in words."""
    if not old:
        return "it cannot be told which"
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return "; ".join(
        f"its {name} was {old.get(name, 'not given')}, now {new.get(name, 'not given')}" for name in names
    )


def _to_bytes(some: list[Cleaned]) -> bytes:
    """Records as an npz: their arrays, and JSON for all else."""
    arrays, records = {}, []
    for place, cleaned in enumerate(some):
        record = {field.name: getattr(cleaned, field.name) for field in fields(Cleaned)}
        for name in ARRAYS:
            if (array := record.pop(name)) is not None:
                arrays[f"{name}{place}"] = array
        records.append(record | {"photo": str(cleaned.photo)})
    text = np.frombuffer(json.dumps(records).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, records=text, **arrays)
    return stream.getvalue()


def _from_bytes(data: bytes) -> Iterator[Cleaned]:
    """The records again."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        for place, record in enumerate(json.loads(stored["records"].tobytes())):
            arrays = {name: stored[f"{name}{place}"] for name in ARRAYS if f"{name}{place}" in stored}
            box = None if record["box"] is None else tuple(record["box"])
            told = record | {
                "photo": Path(record["photo"]),
                "box": box,
                "decisions": tuple(record["decisions"]),
            }
            yield Cleaned(**told, **arrays)
