"""A split on disk, for formats whose header gives a count that only the end of the input tells.

Neither gzip nor zip can go back to fill a header in, so the samples wait in unnamed temporary
files beside the destination, and memory holds one batch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from digitprep.dataset import Split

CHUNK_BYTES = 1 << 18  # fixed, so that a compressor's output does not depend on the batch


@dataclass(frozen=True)
class Spool:
    """A split whose count, image shape (H, W) or (H, W, 3) and largest label are known."""

    count: int
    image_shape: tuple[int, ...]
    labelled: bool
    largest_label: int
    images_file: IO[bytes]
    labels_file: IO[bytes]

    def images(self) -> Iterator[bytes]:
        """The bytes of all images, in pieces."""
        return _chunks(self.images_file)

    def labels(self, dtype: DTypeLike) -> Iterator[bytes]:
        """The bytes of all labels as numbers of that type, in pieces."""
        for chunk in _chunks(self.labels_file):
            yield np.frombuffer(chunk, np.int64).astype(dtype).tobytes()


@contextmanager
def spooled(parts: Iterable[Split], folder: Path) -> Iterator[Spool]:
    """The parts of one split (at least one), kept in `folder` until the context ends."""
    with (
        tempfile.TemporaryFile(dir=folder) as images,
        tempfile.TemporaryFile(dir=folder) as labels,
    ):
        count, largest, part = 0, 0, None
        for part in parts:
            images.write(_data(part.images))
            if part.labels is not None:
                labels.write(_data(part.labels))
                largest = max(largest, int(part.labels.max(initial=0)))
            count += len(part)
        assert part is not None, "grouped gives every split at least one part"
        yield Spool(count, part.images.shape[1:], part.labels is not None, largest, images, labels)


def _data(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).data


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
