"""What became of some photos as one file of arrays and JSON, and which photos those were."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from digitprep.archive import read_arrays
from digitprep.batch import Cleaned
from digitprep.sources import Stamp

ARRAYS = ("image", "thumbnail")
TUPLES = ("box", "decisions", "file")
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
