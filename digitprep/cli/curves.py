"""The command that draws the curves of training runs from their logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitprep.cli.terminal import Overwrite, say
from digitprep.errors import UsageError
from digitprep.place import check_destination, place

if TYPE_CHECKING:
    from digitprep.nn import Epoch


def plot(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="What train --log wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PNG", help="Where the curves go.")],
    overwrite: Overwrite = False,
) -> None:
    """Draw loss, accuracy and learning rate of training runs, laid over each other, from their logs."""
    from digitprep.nn.log import read_log

    check_plot(output)
    check_destination(output, overwrite)
    draw_curves({str(log): read_log(log) for log in logs}, output, overwrite)


def check_plot(path: Path) -> None:
    """Raise UsageError where the name will not do, MissingExtra where nothing can be drawn."""
    from digitprep.report.plots import plotting

    if path.suffix.lower() != ".png":
        raise UsageError(f"curves are drawn as .png, found {path}")
    plotting()


def draw_curves(histories: dict[str, list[Epoch]], path: Path, overwrite: bool) -> None:
    """Put the curves of runs by name where they belong. Raises as `curves` and `place` do."""
    from digitprep.report.plots import curves

    drawn = curves(histories)
    place(path, lambda file: file.write_bytes(drawn), overwrite=overwrite)
    say(f"{path}: the curves of {', '.join(histories)}")
