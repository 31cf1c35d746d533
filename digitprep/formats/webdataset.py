"""WebDataset's shards: tar archives in which 000001.png and 000001.cls are an image and its label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Annotated, ClassVar

from digitprep.dataset import Split, split_order
from digitprep.errors import DataError
from digitprep.formats.base import FORMATS, Format, entries, grouped
from digitprep.formats.pictures import Sample, batches, is_picture
from digitprep.formats.png import encode_pngs
from digitprep.formats.tar import END, Member, Tar, comment_entry, entry
from digitprep.names import is_junk
from digitprep.spec import Between

ENDS = r"\.(?:tar|tar\.gz|tgz)"
NAME = re.compile(r"(?:(?:.*-)?(?P<split>[A-Za-z0-9]\w*)[-_.])?(?P<number>\d+)" + ENDS, re.ASCII)
ALONE = re.compile(r"(?P<split>[A-Za-z0-9]\w*)" + ENDS, re.ASCII)
Shards = dict[str, list[tuple[int, Path]]]
LABEL = "cls"
NO_LABELS = "no labels"  # the comment of an empty shard, which has no member to tell it


@FORMATS.register
@dataclass(frozen=True)
class Webdataset(Format):
    """WebDataset's tar shards, train-000000.tar and so on, with 000001.png and 000001.cls in them.

    shard_samples: a shard holds at most so many samples
    shard_bytes: and is at most so long, unless it holds a single sample
    """

    folder: ClassVar[bool] = True

    shard_samples: Annotated[int, Between(1)] = 10_000
    shard_bytes: Annotated[int, Between(1)] = 1 << 30

    def sniff(self, path: Path) -> bool:
        return bool(_shards(path))

    def read(self, path: Path, batch: int) -> Iterator[Split]:
        shards = _shards(path)
        for split in sorted(shards, key=split_order):
            archives = [Tar(file) for file in _in_order(shards[split])]
            samples = chain.from_iterable(map(_samples, archives))
            first = next(samples, None)
            labelled = first.label is not None if first else archives[0].comment != NO_LABELS
            alike = _alike(chain([first] if first else [], samples), labelled)
            yield from batches(alike, split, batch, labelled=labelled)

    def write(self, path: Path, splits: Iterable[Split]) -> None:
        path.mkdir()
        for split, parts in grouped(splits):
            number = -1
            for number, pieces in groupby(self._numbered(parts), key=itemgetter(0)):
                _write_shard(path, split, number, (piece for _, piece in pieces))

    def _numbered(self, parts: Iterator[Split]) -> Iterator[tuple[int, bytes]]:
        """Each sample as it stands in an archive, with the number of its shard."""
        number = count = size = index = 0
        labelled = True
        for part in parts:
            labelled = part.labels is not None
            labels = [None] * len(part) if part.labels is None else part.labels.tolist()
            for image, label in zip(encode_pngs(part.images), labels, strict=True):
                index += 1
                piece = entry(f"{index:06}.png", image)
                if label is not None:
                    piece += entry(f"{index:06}.{LABEL}", str(label).encode())
                if count == self.shard_samples or (count and size + len(piece) + len(END) > self.shard_bytes):
                    number, count, size = number + 1, 0, 0
                count, size = count + 1, size + len(piece)
                yield number, piece
        if not index:
            yield 0, b"" if labelled else comment_entry(NO_LABELS)

    def owns(self, name: str) -> bool:
        return re.fullmatch(r"\w+-\d{6,}\.tar", name, re.ASCII) is not None


def _write_shard(folder: Path, split: str, number: int, pieces: Iterator[bytes]) -> None:
    with (folder / f"{split}-{number:06}.tar").open("xb") as file:
        file.writelines(pieces)
        file.write(END)


def _shards(path: Path) -> Shards:
    """The numbered archives of each split, as their names say: a folder of them, or a single one."""
    shards: Shards = {}
    for file in [path / name for name in entries(path)] if path.is_dir() else [path]:
        match = NAME.fullmatch(file.name) or ALONE.fullmatch(file.name)
        if match:
            numbered = int(match.groupdict().get("number") or 0), file
            shards.setdefault(match["split"] or "train", []).append(numbered)
    return shards


def _in_order(shards: list[tuple[int, Path]]) -> list[Path]:
    """The archives by their numbers. Raises DataError where one is missing between, or there twice."""
    shards = sorted(shards)
    for (before, _), (number, file) in pairwise(shards):
        if number != before + 1:
            found = "a second one of its number" if number == before else f"shard {number}"
            raise DataError.of(file, expected=f"shard {before + 1} after shard {before}", found=found)
    return [file for _, file in shards]


def _samples(archive: Tar) -> Iterator[Sample]:
    """The samples of a shard: members that follow each other and share a name up to its first dot."""
    seen: set[str] = set()
    members = (member for member in archive.members() if not is_junk(member.name.rpartition("/")[2]))
    for key, group in groupby(members, key=_key):
        found = list(group)
        if key in seen:
            raise _error(archive, found[0], "each sample once, its members in a row", f"{key!r} again")
        seen.add(key)
        yield _sample(archive, key, found)


def _key(member: Member) -> str:
    folder, _, name = member.name.rpartition("/")
    return f"{folder}/{name.partition('.')[0]}".removeprefix("/")


def _sample(archive: Tar, key: str, members: list[Member]) -> Sample:
    """An image with its label, where it has one; members of other kinds are passed over."""
    pictures = [member for member in members if is_picture(member.name)]
    labels = [member for member in members if member.name.lower().endswith(f".{LABEL}")]
    if len(pictures) != 1 or len(labels) > 1:
        found = ", ".join(member.name for member in members)
        raise _error(archive, members[0], f"one image and one .{LABEL} for sample {key!r}", found)
    where = f"{archive.path}: member {pictures[0].name!r} at byte {pictures[0].position}"
    return Sample(where, key, pictures[0].data, _label(archive, labels[0]) if labels else None)


def _label(archive: Tar, member: Member) -> int:
    text = member.data.strip()
    if not re.fullmatch(rb"-?\d{1,18}", text):
        raise _error(archive, member, "a label, a whole number", repr(text[:40]))
    return int(text)


def _alike(samples: Iterator[Sample], labelled: bool) -> Iterator[Sample]:
    """The samples. Raises DataError where some of a split's have a label and some have none."""
    for sample in samples:
        if (sample.label is not None) != labelled:
            expected, found = f"a .{LABEL} beside every image", f"none for {sample.name!r}"
            if not labelled:
                expected, found = "no label, as for the images before", f"one for {sample.name!r}"
            raise DataError.of(sample.file, expected=expected, found=found)
        yield sample


def _error(archive: Tar, member: Member, expected: str, found: str) -> DataError:
    where = f"member {member.name!r} at byte {member.position}"
    return DataError.of(archive.path, where, expected=expected, found=found)
