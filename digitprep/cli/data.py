"""Commands on datasets: convert, info, diff."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import AsJson, Classes, Overwrite, SourceFormat, progress, say

if TYPE_CHECKING:
    from digitprep.dataset import Split


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", readable=False, help="A dataset: a file or a folder.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="Where the new one goes.")],
    source_format: SourceFormat = None,
    to: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="The new format, if DST's name does not say it.")
    ] = None,
    classes: Classes = 10,
    overwrite: Overwrite = False,
) -> None:
    """Write a dataset in another format, losslessly."""
    from digitprep import formats

    counts: dict[str, int] = {}
    with progress("converting") as advance:
        batches = formats.stream(source, format=source_format, classes=classes)
        formats.write(_counted(batches, counts, advance), destination, format=to, overwrite=overwrite)
    say(f"{destination}: {_counts_text(counts)}")


def info(
    path: Annotated[Path, typer.Argument(readable=False, help="A dataset: a file or a folder.")],
    source_format: SourceFormat = None,
    classes: Classes = 10,
    as_json: AsJson = False,
) -> None:
    """Say what a dataset holds: splits, sizes, labels, and a fingerprint of its content."""
    from digitprep import formats
    from digitprep.contents import summary

    with progress("reading") as advance:
        batches = formats.stream(path, format=source_format, classes=classes)
        described = summary(_counted(batches, {}, advance))
    described = {"path": str(path), "format": source_format or str(formats.sniff(path)), **described}
    print(json.dumps(described) if as_json else _described(described))


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", readable=False, help="A dataset.")],
    b: Annotated[Path, typer.Argument(metavar="B", readable=False, help="Another, in any format.")],
    classes: Classes = 10,
) -> None:
    """Compare two datasets' images and labels: exit 0 where they are the same, else 1."""
    from digitprep import formats
    from digitprep.contents import difference

    counts: dict[str, int] = {}
    with progress("comparing") as advance:
        left = _counted(formats.stream(a, classes=classes), counts, advance)
        found = difference(left, formats.stream(b, classes=classes))
    if found:
        print(f"different: {found} (A is {a}, B is {b})")
        raise typer.Exit(1)
    print(f"same: {_counts_text(counts)}")


def _counted(batches: Iterable[Split], counts: dict[str, int], advance: Any) -> Iterator[Split]:
    """The batches, counted by split and shown on the progress bar as they pass."""
    for batch in batches:
        counts[batch.name] = counts.get(batch.name, 0) + len(batch)
        yield batch
        advance(len(batch))


def _counts_text(counts: dict[str, int]) -> str:
    parts = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{sum(counts.values()):,} images ({parts})"


def _described(described: dict[str, Any]) -> str:
    lines = [f"{described['path']}: {described['format']}"]
    for name, split in described["splits"].items():
        lines.append(
            f"{name:6} {split['count']:>7,} images of {split['size']}, "
            f"mean {split['mean']:.4f}, deviation {split['deviation']:.4f}"
        )
        labels = split["labels"]
        shown = ", ".join(f"{label}: {count:,}" for label, count in (labels or {}).items())
        lines.append(f"       labels  {shown if labels is not None else 'none'}")
    lines.append(f"fingerprint {described['fingerprint']}")
    return "\n".join(lines)
