"""Commands on datasets: convert, info, diff."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import AsJson, Classes, Overwrite, SourceFormat, progress, say

if TYPE_CHECKING:
    from digitprep.contents import EvenSample
    from digitprep.dataset import Split

# Enough images for a share to a percent, so few that checking them takes no time.
LIKENESS_IMAGES = 1000


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
    """Say what a dataset holds: splits, sizes, labels, likeness to MNIST, and a fingerprint.

    The likeness is that of at most 1,000 images a split, evenly spread over it.
    """
    from digitprep import formats
    from digitprep.contents import summary

    samples: dict[str, EvenSample] = {}
    with progress("reading") as advance:
        batches = formats.stream(path, format=source_format, classes=classes)
        described = summary(_counted(_sampled(batches, samples), {}, advance))
    for name, split in described["splits"].items():
        split["mnist_likeness"] = _likeness(samples.get(name))
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


def _sampled(batches: Iterable[Split], samples: dict[str, EvenSample]) -> Iterator[Split]:
    """The batches as they pass, an even sample of the images of MNIST's size put aside by split."""
    from digitprep.conformance import checkable
    from digitprep.contents import EvenSample

    for batch in batches:
        if checkable(batch.images):
            samples.setdefault(batch.name, EvenSample(LIKENESS_IMAGES)).add(batch.images)
        yield batch


def _likeness(sample: EvenSample | None) -> dict[str, Any] | None:
    """How many of a sample's images are like MNIST's, or None where there is none."""
    import numpy as np

    from digitprep.conformance import check_all, likeness

    return likeness(check_all(np.stack(sample.images))) if sample and sample.images else None


def _likeness_text(split: dict[str, Any]) -> str:
    """The share of a sample that is like MNIST, and what most often speaks against the others."""
    found = split["mnist_likeness"]
    chosen = "" if found["count"] == split["count"] else ", evenly chosen,"
    failed = ", ".join(f"{name} {count:,}" for name, count in list(found["failed"].items())[:3])
    share = f"{found['passed'] / found['count']:.1%} of {found['count']:,} images{chosen} pass"
    return f"MNIST-likeness: {share}" + (f"; against the others: {failed}" if failed else "")


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
        if split["mnist_likeness"]:
            lines.append(f"       {_likeness_text(split)}")
    lines.append(f"fingerprint {described['fingerprint']}")
    return "\n".join(lines)
