"""What became of some photos as one file of arrays and JSON, and which photos those were."""

from __future__ import annotations

import io
import json
import os
from dataclasses import fields
from pathlib import Path

import numpy as np

from digitprep.batch import Cleaned

ARRAYS = ("image", "thumbnail")
Stamp = tuple[str, int, int]


def stamp_of(photo: Path) -> Stamp:
    """A photo's path, size and time of change; -1 for both where there is none."""
    path = os.path.abspath(photo)  # noqa: PTH100  (as it is named: a link is not followed)
    try:
        found = photo.stat()
    except (OSError, ValueError):
        return path, -1, -1
    return path, found.st_size, found.st_mtime_ns


def to_bytes(some: list[Cleaned]) -> bytes:
    """Records -> an npz: their arrays, and JSON for all else."""
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


def from_bytes(data: bytes) -> list[Cleaned]:
    """An npz that `to_bytes` made -> its records."""
    found = []
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        for place, record in enumerate(json.loads(stored["records"].tobytes())):
            arrays = {name: stored[f"{name}{place}"] for name in ARRAYS if f"{name}{place}" in stored}
            box = None if record["box"] is None else tuple(record["box"])
            told = {"photo": Path(record["photo"]), "box": box, "decisions": tuple(record["decisions"])}
            found.append(Cleaned(**record | told, **arrays))
    return found
