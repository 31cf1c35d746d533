"""The epochs of a training run as they come: live on a terminal, as lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from digitprep.cli.terminal import Voice, say

if TYPE_CHECKING:
    from digitprep.nn import Epoch

ROWS = 12  # of the live table: what fits a small terminal


class Lines:
    """A line an epoch on stderr."""

    def batch(self, share: float) -> None:
        """Nothing: lines are for files, which are no place for a bar."""

    def epoch(self, epoch: Epoch) -> None:
        """Say what the epoch gave."""
        say(str(epoch))

    def close(self) -> None:
        """Nothing is open."""


class Table:
    """A table of the last epochs above a bar of the whole run with the time left, redrawn in place."""

    def __init__(self, epochs: int, console: Any) -> None:
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.epochs: list[Epoch] = []
        self.trained = False  # in this run: epochs from a checkpoint take no time and have no batches
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("time left"),
            TimeRemainingColumn(),
            console=console,
        )
        self.task = self.bar.add_task("training", total=epochs)
        self.live = Live(get_renderable=self._drawn, console=console, refresh_per_second=4)
        self.live.start()

    def batch(self, share: float) -> None:
        """Move the bar to a share of the epoch that is being trained."""
        self.trained = True
        self.bar.update(self.task, completed=len(self.epochs) + share)

    def epoch(self, epoch: Epoch) -> None:
        """Add a row."""
        self.epochs.append(epoch)
        move = self.bar.update if self.trained else self.bar.reset
        move(self.task, completed=len(self.epochs))

    def close(self) -> None:
        """Leave the last state on the screen."""
        self.live.stop()

    def _drawn(self) -> Any:
        from rich.console import Group
        from rich.table import Table as Grid

        grid = Grid("epoch", box=None, header_style="bold")
        for name in ("loss", "accuracy", "validation loss", "validation accuracy", "images/s", ""):
            grid.add_column(name, justify="right")
        for epoch in self.epochs[-ROWS:]:
            grid.add_row(*_cells(epoch))
        return Group(grid, self.bar)


def _cells(epoch: Epoch) -> list[str]:
    validation = ["", ""]
    if epoch.validation_accuracy is not None:
        validation = [f"{epoch.validation_loss:.4f}", f"{epoch.validation_accuracy:.2%}"]
    return [
        str(epoch.number) if epoch.steps is None else f"step {epoch.steps:,}",
        f"{epoch.loss:.4f}",
        f"{epoch.accuracy:.2%}",
        *validation,
        f"{epoch.images_per_second:,.0f}",
        "best" if epoch.best else "",
    ]


@contextmanager
def watching(epochs: int) -> Iterator[Lines | Table]:
    """What shows a run that reports so many epochs, closed at the end."""
    from rich.console import Console

    console = Console(stderr=True)
    watch = Table(epochs, console) if console.is_terminal and not Voice.quiet else Lines()
    try:
        yield watch
    finally:
        watch.close()
