"""What the commands say: messages and progress on stderr, results on stdout; and how Ctrl-C is heard."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from digitprep.cli.letters import shown

if TYPE_CHECKING:
    from rich.progress import Progress

    from digitprep.dataset import Split


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
