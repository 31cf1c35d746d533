"""What the commands share: messages and progress on stderr, and the options that several of them take."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.letters import shown
from digitprep.errors import UsageError
from digitprep.place import check_destination

if TYPE_CHECKING:
    from rich.progress import Progress

    from digitprep.dataset import Dataset, Split
    from digitprep.nn.engines import Classifier
    from digitprep.pipeline import Pipeline

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there.")]


def classes_option(unless_given: str | bool = True) -> Any:
    """The option --classes, and what holds without it, in words or as it is by default."""
    help_text = "How many classes the labels may have."
    return typer.Option(min=1, max=100_000, help=help_text, show_default=unless_given)


Classes = Annotated[int, classes_option()]
SourceFormat = Annotated[
    str | None,
    typer.Option("--from", metavar="FORMAT", help="The source's format, if its content does not tell it."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="M",
        help="A trained network: .npz, .onnx or .safetensors; the bundled one if not given.",
    ),
]
ModelInput = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="TEXT",
        help="How an .onnx network takes images: 'onnx(layout=\"nhwc\", mean=0.1307, std=0.3081)', "
        "see `digitprep list inputs`.",
        show_default="what the file says, from 0 for paper to 1 for ink",
    ),
]
ModelNetwork = Annotated[
    str | None,
    typer.Option("--network", metavar="NAME", help="The network whose parameters a .safetensors file holds."),
]
ModelLayers = Annotated[
    str | None, typer.Option("--layers", metavar="TEXT", help="The same as text, instead of --network.")
]
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", help="A pipeline by name, see `digitprep list recipes`.", show_default="mnist"),
]
PipelineText = Annotated[
    str | None,
    typer.Option(
        "--pipeline", metavar="TEXT", help="A pipeline as text: 'grayscale | invert | resize(size=28)'."
    ),
]


class Voice:
    """Whether a person wants to hear how the work goes: --quiet says no, to every command."""

    quiet = False


def say(message: str) -> None:
    """A message of one line for the person at the terminal."""
    if not Voice.quiet:
        print(shown(message), file=sys.stderr, flush=True)


def tell(*fields: str) -> None:
    """A line of results, its fields apart by tabs."""
    print(*map(shown, fields), sep="\t", flush=True)


def terminal_columns() -> int | None:
    """How many letters go on a line of the terminal that stdout is, None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def chosen_pipeline(recipe: str | None, text: str | None) -> Pipeline:
    """The pipeline that --recipe or --pipeline asks for, or the default one."""
    from digitprep.pipeline import Pipeline
    from digitprep.recipes import DEFAULT
    from digitprep.recipes import recipe as named

    if recipe is not None and text is not None:
        raise UsageError("--recipe and --pipeline both say how to clean; give one of them")
    return Pipeline.parse(text) if text is not None else named(DEFAULT if recipe is None else recipe)


def opened_model(
    model: Path | None,
    options: str | None,
    name: str | None,
    layers: str | None,
    image_shape: tuple[int, ...] = (28, 28),
) -> Classifier:
    """The network that --model, --input, --network and --layers ask for.

    image_shape: of its images, where the file does not say
    """
    from digitprep.nn.open import open_model
    from digitprep.nn.zoo import network

    if name is not None and layers is not None:
        raise UsageError("--network and --layers both say which layers the parameters belong to; give one")
    if name is not None:
        network(name)  # raises where there is none
    return open_model(model, options, layers if name is None else name, image_shape)


def check_page(path: Path, overwrite: bool) -> None:
    """Raise, before any work, UsageError where the name will not do, MissingExtra without jinja2."""
    from digitprep.report.html import templates

    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"a report is a page, expected a name that ends in .html, found {path}")
    check_destination(path, overwrite)
    templates()


@contextmanager
def progress(description: str, total: int | None = None, *, of_bytes: bool = False) -> Iterator[Any]:
    """A progress bar on stderr while the block runs; yields `advance(count)`. Silent off a terminal."""
    from rich.console import Console
    from rich.markup import escape

    with _bar(Console(stderr=True), total, of_bytes) as bar:
        task = bar.add_task(escape(shown(description)), total=total)
        yield lambda count=1: bar.advance(task, count)


def _bar(console: Any, total: int | None, of_bytes: bool) -> Progress:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    count = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = [TextColumn("{task.description}"), BarColumn(), count]
    if total:
        columns.append(TimeRemainingColumn())
    # Left alone, rich would send what is printed to stdout to its own console, and so to stderr.
    hidden = Voice.quiet or not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=False)


def amount(number: int, noun: str) -> str:
    """So many of something: "1 image", "2,000 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def counted(batches: Iterable[Split], counts: dict[str, int], advance: Any) -> Iterator[Split]:
    """The batches, counted by split and shown on the progress bar as they pass."""
    for batch in batches:
        counts[batch.name] = counts.get(batch.name, 0) + len(batch)
        yield batch
        advance(len(batch))


def whole(path: Path, source_format: str | None, classes: int | None) -> Dataset:
    """The dataset there, in memory, with a progress bar; errors are those of `formats.read`."""
    from digitprep import formats
    from digitprep.dataset import Dataset

    chosen = formats.chosen(path, source_format)
    with progress("reading") as advance:
        parts = formats.stream(path, format=chosen, batch=chosen.whole_batch, classes=classes)
        return Dataset.from_batches(counted(parts, {}, advance))


def counts_text(counts: dict[str, int]) -> str:
    """How many images there are in all, and in each split."""
    parts = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{amount(sum(counts.values()), 'image')} ({parts})"


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait for the end of a batch: yields a function that raises KeyboardInterrupt then.

    A second Ctrl-C does not wait.
    """
    asked = False

    def ask(_number: int, _frame: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
