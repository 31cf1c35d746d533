"""What a format is, and how to add one: write one file in this folder, edit nothing else.

    @FORMATS.register
    @dataclass(frozen=True)
    class Npz(Format):
        '''NumPy's archive with the keys that Keras uses.'''    # shown by `digitprep list formats`

        suffixes = (".npz",)                # a file; a format of many files says `folder = True`
        compress: bool = True               # options are flat and have defaults

        def sniff(self, path): ...          # is this mine? cheap, and it never raises
        def read(self, path, batch): ...    # yields Splits
        def write(self, path, splits): ...  # takes Splits

Who does what:

- `read` yields batches of exactly `batch` samples, save the last of each split; the splits in the
  order of `dataset.split_order`; an empty split as one empty Split, of 28 x 28 where the layout
  keeps no size. Damage is a `DataError.of(file, where, expected=, found=, advice=)`, never silence
  and never a guess. Ranges of labels are checked by the caller.
- `write` gets the name of something that does not exist yet, in a folder of its own: it may put
  temporary files beside it, the caller moves the result into place and removes the rest. It walks
  its input with `grouped`, holds no more than a batch in memory (`spool` helps where a count must
  stand before the data) and writes the same bytes for the same input: no clock, no host, no trace
  of the batch size.
- `embed` and `embedded` are for layouts with a place for the text of a provenance; for the others it
  is written to a file beside them.
- `is_folder` is for a format that is a folder, unless the destination ends like one of `suffixes`.
- The names of classes are written to `classes.txt` in a folder, and read from there, by the caller; a
  format that keeps them elsewhere says `own_class_names = True` and does both itself. A format of one
  file that has no place for them raises a UsageError in `write`.
- `owns` tells, for a folder, which files inside belong to the layout: only a folder that holds
  nothing else is ever replaced.

The tests in `tests/contracts/test_formats.py` pick the new format up from the registry.
"""

from __future__ import annotations

import itertools
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from digitprep.dataset import Split, check_labels, size_text
from digitprep.errors import DataError, UsageError
from digitprep.names import is_device, is_junk
from digitprep.spec import Registry, Spec, spec_name

EMPTY_SHAPE = (0, 28, 28)  # an empty split, as read from a layout that keeps no image size


@dataclass(frozen=True)
class Format(Spec, ABC):
    """A way to keep splits on disk."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    folder: ClassVar[bool] = False
    open_ended: ClassVar[bool] = False  # nothing tells a file that was cut between two samples
    own_class_names: ClassVar[bool] = False  # not in `classes.txt`: `read` and `write` see to them
    whole_batch: ClassVar[int] = 4096  # what is read at once for a whole dataset; see `read`
    keeps_sample_names: ClassVar[bool] = False  # the others number the samples in their order

    @abstractmethod
    def sniff(self, path: Path) -> bool:
        """Whether this existing file or folder is in this format."""

    @abstractmethod
    def read(self, path: Path, batch: int) -> Iterator[Split]:
        """The splits in parts of `batch` samples. Raises DataError where the data is damaged."""

    def resolved(self, path: Path) -> Format:  # noqa: ARG002
        """The same format, with the options that this path's own names decide."""
        return self

    def write(self, path: Path, splits: Iterable[Split]) -> None:  # noqa: ARG002 - for those that do write
        """Write the splits as `path`, which does not exist. Raises UsageError where only reading works."""
        raise UsageError(f"{spec_name(type(self))} can be read, not written; write another format")

    def is_folder(self, path: Path) -> bool:  # noqa: ARG002 - most formats are one or the other
        """Whether what is written under that name is a folder."""
        return self.folder

    def owns(self, name: str) -> bool:  # noqa: ARG002 - a format of one file owns nothing in a folder
        """Whether a file of that name, relative to the folder and with slashes, is of this layout."""
        return False

    def embed(self, path: Path, text: str) -> bool:  # noqa: ARG002 - most layouts have no place for it
        """Write the text of its provenance into a dataset just written; whether there is a place for it."""
        return False

    def embedded(self, path: Path) -> str:  # noqa: ARG002
        """The text that `embed` wrote, or none."""
        return ""

    def check_split(self, name: str) -> None:
        """Raise UsageError where a split of that name cannot be written, before there is one."""
        check_split_name(name)


FORMATS = Registry[Format]("format")


def grouped(splits: Iterable[Split]) -> Iterator[tuple[str, Iterator[Split]]]:
    """Each split's name with its parts, which must come in a row.

    Raises DataError where a split comes back later, changes its image size or has labels in some
    parts only, and where there is no split; UsageError where a name cannot name a file.
    """
    seen: set[str] = set()
    for name, parts in itertools.groupby(splits, key=lambda part: part.name):
        check_split_name(name)
        if name in seen:
            raise DataError(f"split {name!r} comes back after another split; its parts must be in a row")
        seen.add(name)
        yield name, _alike(name, parts)
    if not seen:
        raise DataError("there is no split to write")


def check_split_name(name: str) -> None:
    """Raise UsageError where a split's name cannot name a file."""
    if not re.fullmatch(r"[A-Za-z0-9]\w*", name, re.ASCII):
        raise UsageError(
            f"a split's name is made of letters, digits and _, the first of them no _; found {name!r}"
        )
    if os.name == "nt" and is_device(name):
        raise UsageError(f"Windows lets no file be called {name}; rename the split")


def _alike(name: str, parts: Iterator[Split]) -> Iterator[Split]:
    first, position = None, 0
    for part in parts:
        first = first or part
        where = f"split {name!r}, sample {position}"
        if 0 in part.images.shape[1:3]:
            raise DataError(f"{where}: images of {size_text(part.images)} have no pixels")
        if part.images.shape[1:] != first.images.shape[1:]:
            raise DataError.of(
                where,
                expected=f"images of {size_text(first.images)} as before",
                found=size_text(part.images),
                advice="all images of a split have one size",
            )
        if (part.labels is None) != (first.labels is None):
            raise DataError(f"{where}: some of the split's images have labels and some have none")
        if part.labels is not None:
            check_labels(part.labels, None, f"split {name!r}", position)
        yield part
        position += len(part)


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, or none where it cannot be read; for `sniff`."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def entries(path: Path) -> list[str]:
    """The sorted names in a folder, without what file managers leave; none where there is no folder."""
    try:
        return sorted(name for name in os.listdir(path) if not is_junk(name))  # noqa: PTH208 - no Path a name
    except OSError:
        return []


def check_one_file_a_split(folder: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Raise DataError where two files of a folder, given with their splits and in order, are of one split."""
    for (name, file), (other, again) in itertools.pairwise(files):
        if name == other:
            found, advice = f"{file.name} and {again.name}", "name the file to read instead of its folder"
            raise DataError.of(folder, expected=f"one file of split {name!r}", found=found, advice=advice)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn the system's refusal to read into a DataError that names the file."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
