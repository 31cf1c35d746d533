"""Commands that make datasets of datasets: convert, merge."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.options import Overwrite, SourceFormat
from digitprep.cli.terminal import counted, counts_text, progress, say
from digitprep.errors import UsageError

if TYPE_CHECKING:
    from digitprep.dataset import Split

NUMBERED = re.compile(r"(.*/)?\d+(\.\w+)?", re.ASCII)  # how formats call a sample that has no name of its own

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

    def origin(self, sources: list[Path], source_format: str | None = None) -> dict[str, Any]:
        """The provenance of what is chosen from these sources."""
        from digitprep import __version__, formats
        from digitprep.formats import provenance

        options = {"only": self.only, "take": self.take, "split": self.split}
        if self.bound is None:
            options["classes"] = self.classes
        if self.split is not None:
            options["seed"] = self.seed
        read_as = [str(formats.chosen(source, source_format)) for source in sources]
        if any("(" in text for text in read_as):  # something was asked of a format, or its names decided it
            options["from"] = ", ".join(read_as)
        told = [provenance.source(path, formats.origin(path, source_format)) for path in sources]
        return provenance.record(told, __version__, options=options)

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

    _write(
        selection(reread), "converting", destination, to, overwrite, selection.origin([source], source_format)
    )


def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SRC", readable=False, help="Datasets, in any formats.")
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

    _write(selection(reread), "merging", output, to, overwrite, selection.origin(sources))


def _write(
    batches: Iterator[Split],
    doing: str,
    destination: Path,
    to: str | None,
    overwrite: bool,
    origin: dict[str, Any],
) -> None:
    """Write a stream and say what was written."""
    from digitprep import formats

    counts: dict[str, int] = {}
    chosen = formats.named(destination, to)
    if not chosen.keeps_sample_names:
        batches = _telling_lost_names(batches, str(chosen))
    with progress(doing) as advance:
        passing = counted(batches, counts, advance)
        formats.write(passing, destination, format=to, overwrite=overwrite, origin=origin)
    say(f"{destination}: {counts_text(counts)}")


def _telling_lost_names(batches: Iterator[Split], format_name: str) -> Iterator[Split]:
    """The batches as they pass; the first sample with a name that is no mere number is told to be renamed."""
    told = False
    for batch in batches:
        name = next((name for name in batch.sample_names or () if not NUMBERED.fullmatch(name)), None)
        if name and not told:
            say(f"{format_name} keeps no names of samples, such as {name}: they are numbered in their order")
            told = True
        yield batch


def _names(text: str) -> list[str]:
    """The names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
