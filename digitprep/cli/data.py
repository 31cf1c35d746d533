"""Commands on datasets: convert, merge, info, diff."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import AsJson, Classes, Overwrite, SourceFormat, progress, say
from digitprep.errors import UsageError

if TYPE_CHECKING:
    from digitprep.contents import EvenSample
    from digitprep.dataset import Split

To = Annotated[
    str | None, typer.Option(metavar="FORMAT", help="The new format, if DST's name does not say it.")
]
Only = Annotated[
    str | None,
    typer.Option(metavar="SPLITS", help="Only these splits: train, or train,val.", show_default="all"),
]
Take = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Only the first N samples of each split.", show_default="all"),
]
ChosenClasses = Annotated[
    str,
    typer.Option(
        "--classes",
        metavar="N or A,B",
        help="How many classes the labels may have; or, with a comma, only these classes: 3,5 or 7, for one.",
    ),
]
Divide = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="TEXT",
        help="Make a validation split of the training split, evenly over the classes: 55000:5000 or val=0.1.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Decides which samples --split holds back.")]

# Enough images for a share to a percent, so few that checking them takes no time.
LIKENESS_IMAGES = 1000


@dataclass(frozen=True)
class _Selection:
    """What the options of convert and merge choose from a dataset."""

    only: str | None
    classes: str
    take: int | None
    split: str | None
    seed: int

    def __post_init__(self) -> None:
        if not _names(self.classes) or self.classes == "0":
            raise UsageError(f"--classes: expected a number from 1, or classes, found {self.classes!r}")

    @property
    def bound(self) -> int | None:
        """How many classes the labels may have; any number where classes are chosen by name."""
        return int(self.classes) if self.classes.isdecimal() else None

    def __call__(self, reread: Callable[[], Iterable[Split]]) -> Iterator[Split]:
        """The chosen samples of the stream that `reread` opens."""
        from digitprep import selection

        def chosen() -> Iterator[Split]:
            batches = reread()
            if self.only is not None:
                batches = selection.only(batches, _names(self.only))
            if self.bound is None:
                batches = selection.of_classes(batches, _names(self.classes))
            if self.take is not None:
                batches = selection.take(batches, self.take)
            yield from batches

        if self.split is None:
            return chosen()
        return selection.divided(chosen, selection.Division.parse(self.split), self.seed)


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", readable=False, help="A dataset: a file or a folder.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="Where the new one goes.")],
    source_format: SourceFormat = None,
    to: To = None,
    only: Only = None,
    take: Take = None,
    classes: ChosenClasses = "10",
    split: Divide = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a dataset, or a part of it, in another format, losslessly."""
    from digitprep import formats

    selection = _Selection(only, classes, take, split, seed)

    def reread() -> Iterator[Split]:
        return formats.stream(source, format=source_format, classes=selection.bound)

    _write(selection(reread), "converting", destination, to, overwrite)


def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SRC...", readable=False, help="Datasets, in any formats.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DST", help="Where the new one goes.")],
    to: To = None,
    only: Only = None,
    take: Take = None,
    classes: ChosenClasses = "10",
    split: Divide = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write several datasets as one: splits of the same name one after the other."""
    from digitprep import formats
    from digitprep.selection import merged

    selection = _Selection(only, classes, take, split, seed)

    def reread() -> Iterator[Split]:
        return merged([formats.stream(source, classes=selection.bound) for source in sources])

    _write(selection(reread), "merging", output, to, overwrite)


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


def _write(batches: Iterator[Split], doing: str, destination: Path, to: str | None, overwrite: bool) -> None:
    """Write a stream and say what was written."""
    from digitprep import formats

    counts: dict[str, int] = {}
    with progress(doing) as advance:
        formats.write(_counted(batches, counts, advance), destination, format=to, overwrite=overwrite)
    say(f"{destination}: {_counts_text(counts)}")


def _names(text: str) -> list[str]:
    """The names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


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
