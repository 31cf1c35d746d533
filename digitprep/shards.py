"""What became of photos, a file of arrays and JSON for some of them each, and the folder of those files."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from digitprep.archive import read_arrays
from digitprep.batch import Cleaned
from digitprep.errors import UsageError
from digitprep.place import writing
from digitprep.sources import Stamp

ARRAYS = ("image", "thumbnail")
TUPLES = ("box", "decisions", "file")
FACTS, MANIFEST, WRITING = "run.json", "manifest.jsonl", "writing.json"
KEPT = "what is kept stays; see to the space and the permissions there, then the same command goes on"
OURS = re.compile(r"(run\.json|manifest\.jsonl|writing\.json|\d{6}\.npz)(\.new)?")
Done = tuple[Stamp, list[Cleaned]]  # a photo, and what came of it: an image, or as many as a page has digits


def to_bytes(some: Sequence[Done]) -> bytes:
    """What became of photos -> an npz: the arrays, and JSON for all else."""
    arrays: dict[str, Any] = {}
    photos = [[stamp, [_told(cleaned, arrays) for cleaned in found]] for stamp, found in some]
    stream = io.BytesIO()
    np.savez(stream, photos=np.frombuffer(json.dumps(photos).encode(), np.uint8), **arrays)
    return stream.getvalue()


def from_bytes(data: bytes) -> list[Done]:
    """An npz that `to_bytes` made -> the same, but that each photo is no more than its name.

    Raises ValueError where it is none.
    """
    stored = read_arrays(io.BytesIO(data))
    try:
        return [
            ((stamp[0], stamp[1], stamp[2]), [_cleaned(record, stored) for record in found])
            for stamp, found in json.loads(stored["photos"].tobytes())
        ]
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no records of photos: {error}") from error


def _told(cleaned: Cleaned, arrays: dict[str, Any]) -> dict[str, Any]:
    """A record as JSON has it, its arrays put among the others by their numbers."""
    record = {field.name: getattr(cleaned, field.name) for field in fields(Cleaned)}
    for name in ARRAYS:
        if record[name] is not None:
            key = f"array{len(arrays)}"
            arrays[key], record[name] = record[name], key
    return record | {"photo": cleaned.photo.name}


def _cleaned(record: dict[str, Any], stored: dict[str, Any]) -> Cleaned:
    record |= {name: stored[record[name]] for name in ARRAYS if record[name] is not None}
    record |= {name: tuple(record[name]) for name in TUPLES if record[name] is not None}
    return Cleaned(**record | {"photo": Path(record["photo"])})


class ShardFolder:
    """A folder of shards, with a manifest of those that are finished, and notes beside them.

    Raises, in all that writes to it, DigitprepError where the disk refuses.

    finished: the manifest's lines: a shard's name and SHA-256, and how many photos it holds
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished: list[dict[str, Any]] = []

    def check(self) -> None:
        """Raise UsageError where the folder is a link or holds what no run wrote."""
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise UsageError(f"{self.path} is in the way of what this run keeps; remove it")
        for path in self.path.iterdir() if self.path.exists() else ():
            if not OURS.fullmatch(path.name) or not path.is_file():
                raise UsageError(
                    f"{self.path} is where a run keeps what is done, and holds {path.name}, which is no "
                    "part of that; move it away, or choose another destination"
                )

    def make(self) -> None:
        """The folder is there from now on."""
        with writing(self.path, KEPT):
            self.path.mkdir(0o700, parents=True, exist_ok=True)  # photos are in it, small

    def remove(self) -> None:
        """The folder goes, and all that a run wrote into it."""
        with writing(self.path, KEPT):
            self.empty()
            self.path.rmdir()

    def empty(self) -> None:
        """All goes that a run wrote into it."""
        for path in list(self.path.iterdir()):
            if OURS.fullmatch(path.name):
                path.unlink()

    def note(self, name: str, told: Mapping[str, str | None], indent: int | None = None) -> None:
        """Write a file of facts."""
        with writing(self.path, KEPT):
            self._place(name, json.dumps(dict(told), indent=indent).encode())

    def noted(self, name: str) -> dict[str, str | None] | None:
        """A file's facts; {} where they cannot be told, None without the file."""
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def forget(self, name: str) -> None:
        """Remove a file of facts."""
        with writing(self.path, KEPT):
            (self.path / name).unlink(missing_ok=True)

    def add(self, some: Sequence[Done]) -> None:
        """Write a shard, and its line in the manifest."""
        data = to_bytes(some)
        name = _name(len(self.finished))
        record = {"shard": name, "sha256": hashlib.sha256(data).hexdigest(), "photos": len(some)}
        with writing(self.path, KEPT):
            self._place(name, data)
            with (self.path / MANIFEST).open("ab") as manifest:
                manifest.write(json.dumps(record).encode() + b"\n")
        self.finished.append(record)

    def read(self, number: int) -> list[Done] | None:
        """What a shard holds; None where it is not what the manifest says."""
        try:
            data = (self.path / _name(number)).read_bytes()
            as_listed = hashlib.sha256(data).hexdigest() == self.finished[number]["sha256"]
            return from_bytes(data) if as_listed else None
        except (OSError, ValueError):
            return None

    def read_manifest(self) -> None:
        """Go on after the finished shards, as far as the manifest's lines are whole."""
        try:
            lines = (self.path / MANIFEST).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            self.finished = []
            return
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
        self.keep(shards)

    def keep(self, shards: Sequence[dict[str, Any]]) -> None:
        """Go on after these shards: what is listed behind them is not."""
        self.finished = list(shards)
        with writing(self.path, KEPT):
            self._place(MANIFEST, "".join(f"{json.dumps(shard)}\n" for shard in shards).encode())

    def _place(self, name: str, data: bytes) -> None:
        new = self.path / f"{name}.new"
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path / name)


def _name(number: int) -> str:
    return f"{number:06d}.npz"
