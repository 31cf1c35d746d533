"""One Parquet file: its columns of images and labels, and its rows as samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitprep.errors import DataError
from digitprep.extra import extra
from digitprep.formats.gz import AGAIN
from digitprep.formats.pictures import Sample

ROWS = 256  # in a group, the unit in which a reader takes them
IMAGES, LABELS = ("image", "img"), ("label", "labels", "fine_label")


@dataclass(frozen=True)
class Table:
    """A file whose columns have been found: those of images and of labels, and the classes' names."""

    file: Path
    image: str
    label: str | None
    class_names: tuple[str, ...] | None

    @classmethod
    def of(cls, file: Path) -> Table:
        """Raises DataError where the file is damaged, or has no column of images."""
        with opened(file) as content:
            schema = content.schema_arrow
        image = next((name for name in IMAGES if name in schema.names), None)
        label = next((name for name in LABELS if name in schema.names), None)
        if image is None:
            expected, found = f"a column {' or '.join(IMAGES)}", ", ".join(schema.names) or "no columns"
            raise DataError.of(file, expected=expected, found=found)
        _check_types(file, schema, image, label)
        return cls(file, image, label, _class_names(schema.metadata or {}, label))

    def samples(self, batch: int) -> Iterator[Sample]:
        """The rows, a group of them in memory at a time."""
        columns = [self.image] + ([] if self.label is None else [self.label])
        row = 0
        with opened(self.file) as content:
            for part in content.iter_batches(batch_size=min(batch, ROWS), columns=columns):
                images = part.column(self.image).to_pylist()
                labels = [None] * len(images) if self.label is None else part.column(self.label).to_pylist()
                for image, label in zip(images, labels, strict=True):
                    yield self._sample(row, image, label)
                    row += 1

    def _sample(self, row: int, image: Any, label: int | None) -> Sample:
        where = f"row {row}"
        content = image if isinstance(image, bytes) else (image or {}).get("bytes")
        if content is None:
            advice = "embed the images before the file is written"
            expected, found = "the bytes of an image", "none, at most a path"
            raise DataError.of(self.file, where, expected=expected, found=found, advice=advice)
        if self.label is not None and label is None:
            raise DataError.of(self.file, where, expected="a label", found="none")
        name = "" if isinstance(image, bytes) else image.get("path")
        return Sample(f"{self.file}: {where}", name or str(row), content, label)


def _check_types(file: Path, schema: Any, image: str, label: str | None) -> None:
    """Raise DataError where the columns are not what `datasets` makes of images and classes."""
    types = extra("pyarrow", "Parquet", "parquet").types
    kind = schema.field(image).type
    fields = {kind.field(index).name for index in range(kind.num_fields)} if types.is_struct(kind) else set()
    if not ("bytes" in fields or types.is_binary(kind) or types.is_large_binary(kind)):
        expected = "image files, as binary or as struct {bytes, path}"
        raise DataError.of(file, f"column {image!r}", expected=expected, found=str(kind))
    if label is not None and not types.is_integer(schema.field(label).type):
        found = str(schema.field(label).type)
        raise DataError.of(file, f"column {label!r}", expected="whole numbers", found=found)


def _class_names(metadata: dict[bytes, bytes], label: str | None) -> tuple[str, ...] | None:
    """The names of the classes, where they say more than the label's number."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return None if names == numbered(len(names)) else tuple(names)


def libraries() -> tuple[Any, Any]:
    """pyarrow, and its part for Parquet. Raises MissingExtra where it is not installed."""
    pyarrow = extra("pyarrow.parquet", "Parquet", "parquet")
    return pyarrow, pyarrow.parquet


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """A Parquet file to read from; what is found to be damaged in it becomes a DataError."""
    pyarrow, parquet = libraries()
    try:
        with parquet.ParquetFile(file, page_checksum_verification=True) as opened:
            yield opened
    except (FileNotFoundError, PermissionError):
        raise
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        found = "an empty file" if file.stat().st_size == 0 else f"damage ({error})"
        raise DataError.of(file, expected="a sound Parquet file", found=found, advice=AGAIN) from error


def numbered(count: int) -> list[str]:
    """What classes without names are called: "0", "1", and so on."""
    return [str(number) for number in range(count)]
