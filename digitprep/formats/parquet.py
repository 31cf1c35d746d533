"""Parquet as Hugging Face's `datasets` keeps images: a column of image files, and one of labels.

    image   struct {bytes: binary, path: string}, the bytes those of a PNG file
    label   int64, where there are labels

The schema carries, as JSON under `huggingface`, that the first is an Image and the second a ClassLabel
with the names of the classes. Checksums stand with the pages, so that damage is seen.

Source: Apache Parquet's format, and the documentation of `datasets` on its features.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

from digitprep.dataset import Split, split_order
from digitprep.errors import DataError, UsageError
from digitprep.formats.base import FORMATS, Format, entries, first_bytes, grouped
from digitprep.formats.parquet_table import ROWS, Table, libraries, numbered
from digitprep.formats.pictures import batches
from digitprep.formats.png import encode_pngs

MAGIC = b"PAR1"
END = ".parquet"
MOST_NAMES = 10_000  # more classes than that are kept as plain numbers
NAMES = {"validation": "val", "valid": "val", "dev": "val"}
NAME = re.compile(r"(?P<split>[A-Za-z0-9]\w*?)(?:-(?P<number>\d+)-of-(?P<count>\d+))?\.parquet", re.ASCII)
Shard = tuple[str, int, int, Path]


@FORMATS.register
@dataclass(frozen=True)
class Parquet(Format):
    """Parquet as Hugging Face has it: train.parquet and so on, or one split in a file of that ending.

    Needs the extra `parquet`; raises MissingExtra without.
    """

    folder: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = (END,)
    own_class_names: ClassVar[bool] = True
    keeps_sample_names: ClassVar[bool] = True

    def sniff(self, path: Path) -> bool:
        if path.is_dir():
            return any(first_bytes(shard[-1], 4) == MAGIC for shard in _shards(path))
        return path.is_file() and (first_bytes(path, 4) == MAGIC or path.name.lower().endswith(END))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        shards = _shards(path) if path.is_dir() else [(_told_split(path) or "train", 0, 1, path)]
        if not shards:
            raise DataError.of(path, expected=f"files such as train{END}", found="none")
        for split, group in groupby(shards, key=itemgetter(0)):
            yield from _read_split(split, _whole(list(group)), batch)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        if self.is_folder(path):
            path.mkdir()
        written = ""
        for name, parts in grouped(splits):
            self.check_split(name)
            if not self.is_folder(path) and (written or name != (_told_split(path) or "train")):
                found = f"{written!r} and {name!r}" if written else repr(name)
                raise UsageError(
                    f"{path.name} holds one split, {_told_split(path) or 'train'!r}, and {found} are to be "
                    f"written; for a folder with a file a split give a name without {END}, and --to parquet"
                )
            _write_split(path / f"{name}{END}" if self.is_folder(path) else path, parts)
            written = name

    def is_folder(self, path: Path) -> bool:
        return not path.name.lower().endswith(END)

    def check_split(self, name: str) -> None:
        super().check_split(name)
        if name in NAMES:
            raise UsageError(f"a Parquet file named {name} means the split 'val'; rename split {name!r}")

    def owns(self, name: str) -> bool:
        return re.fullmatch(r"\w+\.parquet", name, re.ASCII) is not None


def _shards(folder: Path) -> list[Shard]:
    """The Parquet files of a folder, or of `data` in it, by split and number."""
    found = []
    for place in (folder, folder / "data"):
        for name in entries(place) if place.is_dir() else ():
            match = NAME.fullmatch(name)
            if match:
                split, number, count = match["split"], int(match["number"] or 0), int(match["count"] or 1)
                found.append((NAMES.get(split, split), number, count, place / name))
        if found:
            break
    return sorted(found, key=lambda shard: (split_order(shard[0]), *shard[1:]))


def _whole(shards: list[Shard]) -> list[Path]:
    """The files of one split. Raises DataError where their names tell of one that is not there."""
    for position, (split, number, count, file) in enumerate(shards):
        if number != position or count != len(shards):
            expected = f"{split}'s {count} files, numbered from 0"
            raise DataError.of(file, expected=expected, found=f"{len(shards)} files, this as the {position}.")
    return [shard[-1] for shard in shards]


def _told_split(path: Path) -> str | None:
    """The split that a file's name tells: `test` for test.parquet and mnist-test.parquet."""
    words = set(re.findall(r"train|test|validation|valid|val|dev", path.name.lower()))
    return NAMES.get(word := words.pop(), word) if len(words) == 1 else None


def _read_split(split: str, files: list[Path], batch: int) -> Iterator[Split]:
    tables = [Table.of(file) for file in files]
    first = tables[0]
    for table in tables[1:]:
        if (table.label, table.class_names) != (first.label, first.class_names):
            expected = f"labels and class names as in {first.file.name}"
            raise DataError.of(table.file, expected=expected, found="other ones")
    samples = chain.from_iterable(table.samples(batch) for table in tables)
    labelled, names = first.label is not None, first.class_names
    yield from batches(samples, split, batch, labelled=labelled, class_names=names)


def _write_split(file: Path, parts: Iterator[Split]) -> None:
    """One file: the rows in groups of their own, and the schema's description at its end."""
    pyarrow, parquet = libraries()
    first = next(parts)
    labels = first.labels is not None
    image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    schema = pyarrow.schema([("image", image)] + [("label", pyarrow.int64())] * labels)
    names, largest = first.class_names, -1
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    with parquet.ParquetWriter(file, schema, store_schema=False, **options) as writer:
        for rows in _groups(chain([first], parts)):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema), row_group_size=ROWS)
            largest = max([largest, *(row.get("label", -1) for row in rows)])
        features = {"image": {"_type": "Image"}}
        if labels:
            features["label"] = _label_feature(names, largest)
        text = json.dumps({"info": {"features": features}}, ensure_ascii=False)
        writer.add_key_value_metadata({"huggingface": text})


def _label_feature(names: tuple[str, ...] | None, largest: int) -> dict[str, Any]:
    """What `datasets` is told of the labels: their names, for classes without names their numbers."""
    if names is None and largest >= MOST_NAMES:
        return {"dtype": "int64", "_type": "Value"}
    return {"names": list(names) if names else numbered(max(10, largest + 1)), "_type": "ClassLabel"}


def _groups(parts: Iterator[Split]) -> Iterator[list[dict[str, Any]]]:
    """The rows, as many in a group whatever the parts."""
    rows: list[dict[str, Any]] = []
    for part in parts:
        names = part.sample_names or [None] * len(part)
        labels = [None] * len(part) if part.labels is None else part.labels.tolist()
        for image, name, label in zip(encode_pngs(part.images), names, labels, strict=True):
            row: dict[str, Any] = {"image": {"bytes": image, "path": name}}
            rows.append(row if label is None else row | {"label": label})
            if len(rows) == ROWS:
                yield rows
                rows = []
    yield rows
