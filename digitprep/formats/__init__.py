"""Read and write digit datasets, whatever the format.

`read` gives a whole Dataset, `stream` the same in batches, `write` writes either; the format is known by
the content when reading and by the name when writing. `base` says how to add one.

A format is the module that registers it, beside modules that it is made of and named after: `csv_columns`
and `csv_rows`, `idx_file` and `idx_names`, `imagefolder_card` and `imagefolder_rows`, `mat_file`,
`npz_keys` and `npz_values`, `parquet_table`. Several share the others: `emnist` for what is special about
that dataset, of text `lines`, `cells` and `ranges`, of images `png`, `png_batch` and `pictures`, of files
`gz`, `npy`, `tar` and `spool`, and what stands beside the samples, `class_names` and `provenance`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from os import PathLike
from pathlib import Path

from digitprep.dataset import Dataset, Provenance, Split, check_labels
from digitprep.errors import DataError, UsageError
from digitprep.formats import provenance
from digitprep.formats.base import FORMATS, Format, reading
from digitprep.formats.class_names import FILE, OneList, read_class_names, with_class_names
from digitprep.formats.idx_file import read_idx, write_idx
from digitprep.place import check_destination, place
from digitprep.values import check_batch

__all__ = [
    "FORMATS",
    "Format",
    "chosen",
    "named",
    "origin",
    "owned_by",
    "read",
    "read_idx",
    "sniff",
    "stream",
    "write",
    "write_idx",
]

for _module in pkgutil.iter_modules(__path__):  # each format registers itself
    importlib.import_module(f"{__name__}.{_module.name}")

AnyPath = str | PathLike[str]


def stream(
    path: AnyPath,
    *,
    format: str | Format | None = None,  # noqa: A002 - the word that everyone uses for it
    batch: int = 4096,
    classes: int | None = 10,
) -> Iterator[Split]:
    """A dataset's splits in parts of `batch` samples, train, val and test first.

    `format` is a spec such as "idx" or "npz(round_floats=True)"; without it the content tells.
    `classes` bounds the labels, None lets any number from 0 pass.

    Raises DataError, for a missing path at once and for damaged data when it is met; UsageError where no
    format has that name or option, and for a batch below 1.
    """
    path = Path(path)
    check_batch(batch)
    _check_readable(path)
    return _checked(path, chosen(path, format), batch, classes)


def read(
    path: AnyPath,
    *,
    format: str | Format | None = None,  # noqa: A002
    batch: int | None = None,
    classes: int | None = 10,
) -> Dataset:
    """The whole dataset in memory; `format` and `classes` as for `stream`.

    Without `batch` it is read in the parts that suit the format.

    Raises DataError and UsageError as `stream` does.
    """
    path = Path(path)
    _check_readable(path)
    format = chosen(path, format)  # noqa: A001
    batch = format.whole_batch if batch is None else batch
    return Dataset.from_batches(stream(path, format=format, batch=batch, classes=classes))


def write(
    data: Dataset | Split | Iterable[Split],
    path: AnyPath,
    *,
    format: str | Format | None = None,  # noqa: A002
    overwrite: bool = False,
    origin: provenance.Record | Callable[[], provenance.Record] | None = None,
) -> None:
    """Write a dataset, one split, or a stream of parts, those of each split in a row.

    The destination appears whole or not at all. Without `format` its name must tell.

    origin: from `provenance.record`: written into the dataset, or where it has no place for it beside it,
        with the number of samples of each split; or what gives it when all of them have passed

    Raises UsageError where it exists and `overwrite` does not say to replace it, or is not ours to replace,
    and where the format cannot hold the data; DataError where the parts do not fit each other;
    DigitprepError where the disk refuses.
    """
    splits = data.values() if isinstance(data, Dataset) else [data] if isinstance(data, Split) else data
    path = Path(path)
    chosen = named(path, format)
    passed = provenance.Passed()
    beside = ""

    def make(result: Path) -> None:
        nonlocal beside
        names = OneList()
        parts = passed.noted(splits)
        chosen.write(result, parts if chosen.own_class_names else names.noted(parts))
        if result.is_dir():
            names.write(result)
        if origin is not None:
            text = provenance.to_text(origin() if callable(origin) else origin, passed)
            beside = "" if chosen.embed(result, text) else text

    sidecar = provenance.sidecar(path)
    if origin is not None:
        check_destination(path, overwrite, folder=chosen.is_folder(path), owns=owned_by(chosen))
        check_destination(sidecar, overwrite)
    place(path, make, overwrite=overwrite, folder=chosen.is_folder(path), owns=owned_by(chosen))
    if beside:
        place(sidecar, lambda result: result.write_bytes(beside.encode()), overwrite=True)


def origin(path: AnyPath, format: str | Format | None = None) -> provenance.Record | None:  # noqa: A002
    """Where a dataset came from, as it tells itself, or the file beside it; None where neither does."""
    return provenance.of(Path(path), chosen(path, format))


def chosen(path: AnyPath, format: str | Format | None = None) -> Format:  # noqa: A002
    """The format to read: the one given, or the one that `sniff` finds, with what the names decide."""
    return (_given(format) or sniff(path)).resolved(Path(path))


def sniff(path: AnyPath) -> Format:
    """The format of an existing file or folder, told by its content and names.

    Raises DataError where the path is missing, no format claims it, or more than one does.
    """
    path = Path(path)
    _check_readable(path)
    with reading(path):
        claims = [name for name in sorted(FORMATS) if FORMATS[name]().sniff(path)]
    if len(claims) == 1:
        return FORMATS[claims[0]]()
    if claims:
        raise DataError(
            f"{path} could be {' or '.join(claims)}; say which with --from (format={claims[0]!r})"
        )
    kind = "files in this folder" if path.is_dir() else "first bytes and the name of this file"
    raise DataError(
        f"{path}: the {kind} fit no known format, which are {', '.join(sorted(FORMATS))}; "
        "`digitprep list formats` says what each holds, and `digitprep clean` makes a dataset of photos"
    )


def named(path: AnyPath, format: str | Format | None = None) -> Format:  # noqa: A002
    """The format to write: the one given, or the one whose file names end like this path.

    Raises UsageError where neither tells.
    """
    given = _given(format)
    if given:
        return given
    for name in FORMATS:
        if any(str(path).lower().endswith(suffix) for suffix in FORMATS[name].suffixes):
            return FORMATS[name]()
    known = ", ".join(
        f"{name} ({' '.join(FORMATS[name].suffixes) or 'a folder'})"
        for name in sorted(FORMATS)
        if FORMATS[name].suffixes or FORMATS[name].folder
    )
    raise UsageError(f"the name {path} does not tell a format; say it with --to (format=...): {known}")


def owned_by(chosen: Format) -> Callable[[str], bool]:
    """Which files in a folder of that format belong to it."""
    return lambda name: chosen.owns(name) or (name == FILE and not chosen.own_class_names)


def _given(format: str | Format | None) -> Format | None:  # noqa: A002
    return FORMATS.parse(format) if isinstance(format, str) else format


def _check_readable(path: Path) -> None:
    """Raise the error that says why, where a path cannot be opened."""
    with reading(path):
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()


def _named(path: Path, format: Format, parts: Iterator[Split]) -> Iterator[Split]:  # noqa: A002
    """The parts with the names that `classes.txt` gives the classes, where the format leaves it to that."""
    if format.own_class_names:
        return parts
    folder = path.parent if path.is_file() and format.is_folder(path) else path
    return with_class_names(parts, read_class_names(folder), folder / FILE)


def _checked(path: Path, format: Format, batch: int, classes: int | None) -> Iterator[Split]:  # noqa: A002
    """The parts as the format reads them, their labels checked, and told where they came from."""
    position: dict[str, int] = {}
    with reading(path):
        for part in _named(path, format, format.read(path, batch)):
            start = position.get(part.name, 0)
            if part.labels is not None and part.class_names is None:
                check_labels(part.labels, classes, f"{path} (split {part.name!r})", start)
            position[part.name] = start + len(part)
            yield replace(part, provenance=part.provenance or Provenance(str(path)))
