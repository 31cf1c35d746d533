"""Where a dataset came from: which version of digitprep made it, from what, how, and how many samples.

An npz holds it as the member `provenance`; beside everything else lies a file `NAME.provenance.json`.
It is plain JSON, and the same for the same input: no clock, no host, no folder but the source's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitprep.dataset import Split
from digitprep.formats.base import Format, reading
from digitprep.names import is_junk

SUFFIX = ".provenance.json"
LARGEST_BYTES = 1 << 24  # what is larger was not written by digitprep

Record = dict[str, Any]


def record(
    sources: Sequence[Record], version: str, *, pipeline: str = "", options: Mapping[str, Any] | None = None
) -> Record:
    """What is known before the first sample is written: the version, how, and the sources.

    sources: as `source` and `source_of_files` tell them
    """
    how = {"pipeline": pipeline, "options": {k: v for k, v in (options or {}).items() if v is not None}}
    how = {name: value for name, value in how.items() if value}
    return {"digitprep": version, **how, "sources": list(sources)}


def source(path: Path, own: Record | None = None) -> Record:
    """A file or a folder by its name and SHA-256; what it tells of its own provenance comes along.

    Raises DataError where it cannot be read.
    """
    with reading(path):
        name, known = path.resolve().name, {"provenance": own} if own else {}
        if not path.is_dir():
            return {"name": name, "sha256": _digest(path), **known}
        files = sorted(file for file in path.rglob("*") if file.is_file() and not is_junk(file.name))
        names = [file.relative_to(path).as_posix() for file in files]
        return source_of_files(name, files, names) | known


def source_of_files(name: str, files: Sequence[Path], names: Sequence[str]) -> Record:
    """Many files as one source; raises DataError where one cannot be read."""
    total = Files()
    for file, told in zip(files, names, strict=True):
        with reading(file):
            total.add(told, _digest(file))
    return total.record(name)


class Files:
    """Many files as one source, by the SHA-256 of the lines that `sha256sum` prints of them."""

    def __init__(self) -> None:
        self._count, self._total = 0, hashlib.sha256()

    def add(self, name: str, sha256: str) -> None:
        """Count a file in, by its name and its SHA-256."""
        self._count += 1
        self._total.update(f"{sha256}  {name}\n".encode("utf-8", "surrogateescape"))

    def record(self, name: str) -> Record:
        """The source that those files are so far."""
        return {"name": name, "files": self._count, "sha256": self._total.hexdigest()}


@dataclass
class Passed:
    """What only the samples themselves tell, as they pass: how many there are, and how they were read."""

    counts: dict[str, int] = field(default_factory=dict)
    reading: list[str] = field(default_factory=list)

    def noted(self, splits: Iterable[Split]) -> Iterator[Split]:
        """The parts as they pass."""
        for part in splits:
            self.counts[part.name] = self.counts.get(part.name, 0) + len(part)
            how = part.provenance.pipeline if part.provenance else ""
            self.reading += [how] if how and how not in self.reading else []
            yield part


def to_text(provenance: Record, passed: Passed) -> str:
    """As JSON, with the number of samples of each split, and how values were scaled when they were read."""
    said = f"{provenance.get('pipeline')} {provenance.get('options', {}).get('from')}"
    reading = [how for how in passed.reading if how not in said]
    told = {"reading": reading} if reading else {}
    return json.dumps({**provenance, **told, "counts": passed.counts}, indent=2, ensure_ascii=False) + "\n"


def sidecar(path: Path) -> Path:
    """The file beside a dataset that tells its provenance."""
    return path.with_name(path.name + SUFFIX)


def of(path: Path, chosen: Format) -> Record | None:
    """What a dataset, or else the file beside it, tells of its provenance; None where neither does."""
    text = chosen.embedded(path) or _text(sidecar(path))
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return found if _is_record(found) else None


def _is_record(found: Any) -> bool:
    """Whether JSON from a file has the form of a record, so that all else may rely on it."""
    if not isinstance(found, dict) or not isinstance(found.get("options", {}), dict):
        return False
    if not isinstance(found.get("reading", []), list):
        return False
    sources = found.get("sources")
    return isinstance(sources, list) and all(isinstance(source, dict) for source in sources)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= LARGEST_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
