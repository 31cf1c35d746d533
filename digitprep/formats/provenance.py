"""Where a dataset came from: which version of digitprep made it, from what, how, and how many samples.

An npz holds it as the member `provenance`; beside everything else lies a file `NAME.provenance.json`.
It is plain JSON, and the same for the same input: no clock, no host, no folder but the source's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from digitprep.dataset import Split
from digitprep.formats.base import Format, reading
from digitprep.names import is_junk

SUFFIX = ".provenance.json"
LARGEST_BYTES = 1 << 24  # what is larger was not written by digitprep

Record = dict[str, Any]


def record(
    sources: Sequence[Path],
    version: str,
    *,
    pipeline: str = "",
    options: Mapping[str, Any] | None = None,
    known: Callable[[Path], Record | None] = lambda _: None,
) -> Record:
    """What is known before the first sample is written: the version, how, and the sources.

    A source is told by its name and its SHA-256; that of a folder is the one of the lines that `sha256sum`
    prints of its files, sorted by name. What is `known` of a source's own provenance comes along.

    Raises DataError where a source cannot be read.
    """
    how = {"pipeline": pipeline, "options": {k: v for k, v in (options or {}).items() if v is not None}}
    told = []
    for path in sources:
        own = known(path)
        told.append(_source(path) | ({"provenance": own} if own else {}))
    return {"digitprep": version, **{name: value for name, value in how.items() if value}, "sources": told}


def counting(splits: Iterable[Split], counts: dict[str, int]) -> Iterator[Split]:
    """The parts as they pass, their samples counted by split."""
    for part in splits:
        counts[part.name] = counts.get(part.name, 0) + len(part)
        yield part


def to_text(provenance: Record, counts: Mapping[str, int]) -> str:
    """As JSON, with the number of samples of each split."""
    return json.dumps({**provenance, "counts": dict(counts)}, indent=2, ensure_ascii=False) + "\n"


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
    sources = found.get("sources")
    return isinstance(sources, list) and all(isinstance(source, dict) for source in sources)


def _source(path: Path) -> Record:
    with reading(path):
        name = path.resolve().name
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file() and not is_junk(file.name))
            lines = (f"{_digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
            total = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape"))
            return {"name": name, "files": len(files), "sha256": total.hexdigest()}
        return {"name": name, "sha256": _digest(path)}


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= LARGEST_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
