"""What is drawn of training runs: curves and pages, at their end or from their logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitprep.cli.options import Overwrite, check_page
from digitprep.cli.terminal import say
from digitprep.errors import UsageError
from digitprep.place import check_destination, place

if TYPE_CHECKING:
    from digitprep.dataset import Split
    from digitprep.nn import Epoch
    from digitprep.nn.model import Model

PAGES = (".html", ".htm")


@dataclass
class Told:
    """What a run told while it trained, what it told before it was resumed included.

    history: its epochs
    losses: the loss of each batch
    kept: after Ctrl-C, what is kept of the network, in words
    """

    history: list[Epoch] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    kept: str | None = None


def plot(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG", help="What train --log wrote.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PNG", help="Where the curves go: .png, or a page, .html."),
    ],
    overwrite: Overwrite = False,
) -> None:
    """Draw loss, accuracy and learning rate of training runs, laid over each other, from their logs."""
    from digitprep.nn.log import read_log

    is_page = output.suffix.lower() in PAGES
    if is_page:
        check_page(output, overwrite)
    else:
        check_plot(output)
        check_destination(output, overwrite)
    histories = {str(log): read_log(log) for log in logs}
    if is_page:
        write_page(output, histories, overwrite)
    else:
        draw_curves(histories, output, overwrite)


def check_plot(path: Path) -> None:
    """Raise UsageError where the name will not do, MissingExtra where nothing can be drawn."""
    from digitprep.report.plots import plotting

    if path.suffix.lower() != ".png":
        raise UsageError(f"curves are drawn as .png, found {path}")
    plotting()


def write_page(path: Path, histories: dict[str, list[Epoch]], overwrite: bool) -> None:
    """Put a page on runs by name where it belongs. Raises as `training_page` and `place` do."""
    from digitprep.report.training import training_page

    _place_page(path, training_page(", ".join(Path(name).stem for name in histories), histories), overwrite)


def write_run_page(
    path: Path, name: str, net: Model, task: dict[str, str], told: Told, shown: Split, overwrite: bool
) -> None:
    """Put the page on a run that has just ended where it belongs; it looks at the first image of `shown`."""
    from digitprep import __version__
    from digitprep.report.training import Learnt, training_page

    label = "" if shown.labels is None else f", a {net.class_names[shown.labels[0]]}"
    learnt = Learnt(net, shown.images[0], f"the first image of split {shown.name!r}{label}")
    facts = {"digitprep": __version__, "parameters": f"{net.parameters:,}"}
    facts |= {name: value or "none" for name, value in task.items()}
    steps = [*enumerate(told.losses, start=1)]
    page = training_page(f"Training of {name}", {name: told.history}, facts, steps, learnt)
    _place_page(path, page, overwrite)


def _place_page(path: Path, page: bytes, overwrite: bool) -> None:
    _put(path, page, overwrite)
    say(f"{path}: {len(page):,} bytes")


def draw_curves(histories: dict[str, list[Epoch]], path: Path, overwrite: bool) -> None:
    """Put the curves of runs by name where they belong. Raises as `curves` and `place` do."""
    from digitprep.report.plots import curves

    _put(path, curves(histories), overwrite)
    say(f"{path}: the curves of {', '.join(histories)}")


def _put(path: Path, drawn: bytes, overwrite: bool) -> None:
    """Put a file where it belongs; the same one may be there already, from a run that was killed then."""
    is_there = path.is_file() and path.read_bytes() == drawn
    place(path, lambda file: file.write_bytes(drawn), overwrite=overwrite or is_there)
