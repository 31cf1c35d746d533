"""The files of a training run: network, checkpoint, log, curves, page; and what may be overwritten when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitprep.cli.curves import check_plot
from digitprep.cli.options import check_page
from digitprep.errors import ModelError, UsageError
from digitprep.place import check_destination, check_writable

if TYPE_CHECKING:
    from digitprep.nn.checkpoint import Checkpoint

CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", metavar="C.npz", help="Kept while it trains.", show_default="M.checkpoint.npz"
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, if any.")]
LogFile = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="A row an epoch, as .csv, .json or .jsonl."),
]
PlotFile = Annotated[
    Path | None,
    typer.Option(
        "--plot", metavar="PNG", help="Loss, accuracy and learning rate as curves, drawn at the end."
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="R.html", help="A page with the curves, and what the network has learnt."
    ),
]


@dataclass(frozen=True)
class RunFiles:
    """Where a run puts its network, what it needs to go on, a row an epoch, these as curves, and a page.

    Raises UsageError where a name will not do.
    """

    output: Path
    checkpoint: Path
    log: Path | None
    plot: Path | None
    report: Path | None

    def __post_init__(self) -> None:
        """Raises UsageError where a name will not do, or two files share one."""
        from digitprep.nn.log import LOGS
        from digitprep.report.plots import plotting

        if self.output.suffix.lower() != ".npz":
            raise UsageError(
                f"expected a name that ends in .npz, found {self.output}; `digitprep export` makes others"
            )
        if self.log and self.log.suffix.lower() not in LOGS:
            raise UsageError(f"--log writes {', '.join(LOGS)}, found {self.log}")
        if self.plot:
            check_plot(self.plot)
        if self.report:
            check_page(self.report, overwrite=True)
            plotting()
        if len({path.absolute() for path in self._all()}) < len(self._all()):
            raise UsageError("the network, its checkpoint, its log, its curves and its page need a file each")
        for path in self._all():
            check_destination(path, overwrite=True)  # a folder has no such name

    def check_free(self, overwrite: bool) -> None:
        """Raise UsageError where a run that starts anew would overwrite anything unasked."""
        if self.checkpoint.exists() and not overwrite:
            raise UsageError(
                f"{self.checkpoint} is what an interrupted run left; pass --resume to go on with it, or "
                "--overwrite to start anew"
            )
        for path in self._results():
            check_destination(path, overwrite)

    def check_own(self, run: str, earlier: Checkpoint | None, overwrite: bool) -> None:
        """Raise UsageError where the run of this digest would overwrite unasked what is not its own.

        Once its network is there, nothing but drawing is left of it, and what is drawn is compared then.
        """
        from digitprep.nn.log import Log

        check_destination(self.output, overwrite or self.is_of(run))
        for path in filter(None, (self.plot, self.report)):
            check_destination(path, overwrite or self._is_trained(run))
        if self.log:
            own = earlier is not None and Log(self.log).continues(earlier.history)
            check_destination(self.log, overwrite or own)

    def check_writable(self) -> None:
        """Create the folders. Raises DigitprepError where the disk refuses."""
        for path in self._all():
            check_writable(path)

    def earlier(self) -> Checkpoint | None:
        """What was kept of the run so far, if anything. Raises ModelError where it is damaged."""
        from digitprep.nn.checkpoint import Checkpoint

        return Checkpoint.load(self.checkpoint) if self.checkpoint.exists() else None

    def is_of(self, run: str) -> bool:
        """Whether the network that is there, if one is, comes from the run of this digest."""
        return self._notes().get("run") == run

    def is_finished(self, run: str) -> bool:
        """Whether the run of this digest came to its end, and all that it makes is there."""
        return self._is_trained(run) and not self.checkpoint.exists()

    def _is_trained(self, run: str) -> bool:
        """Whether the network is there already as the run of this digest leaves it."""
        return self.is_of(run) and "unfinished" not in self._notes()

    def _notes(self) -> dict[str, str]:
        """Of the network that is there; none where there is none."""
        from digitprep.nn import load_model

        try:
            return load_model(self.output).metadata if self.output.exists() else {}
        except ModelError:
            return {}

    def _results(self) -> list[Path]:
        return [self.output, *(path for path in (self.log, self.plot, self.report) if path)]

    def _all(self) -> list[Path]:
        return [self.checkpoint, *self._results()]
