"""The command that opens the workbench."""

from __future__ import annotations

import logging
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from digitprep.cli.letters import shown
from digitprep.cli.sources import MostBytes, MostPixels
from digitprep.cli.terminal import say
from digitprep.limits import LIMITS, Limits


def serve(
    project: Annotated[
        Path,
        typer.Argument(metavar="PROJECT", help="The folder that keeps all of it; it may be new."),
    ] = Path("digits"),
    host: Annotated[
        str, typer.Option(help="Where to listen; anything but 127.0.0.1 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="At which port.", show_default="one that is free")
    ] = 0,
    browser: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open it in a browser.", show_default="at a terminal"),
    ] = None,
    max_bytes: MostBytes = LIMITS.bytes,
    max_pixels: MostPixels = LIMITS.pixels,
) -> None:
    """Clean and label photos in a browser: the workbench, at an address that it prints.

    Photos are dropped, pasted, taken or drawn there; every step is shown, labels are corrected, and the
    dataset is taken away in any format. All of it is kept in PROJECT, at once; Ctrl-C ends the server and
    loses nothing. Only who knows the whole address can come in.
    """
    from digitprep.serve.server import LOOPBACK, listening
    from digitprep.serve.server import serve as run

    _log_to_stderr()
    at = listening(host, port)
    if host not in (LOOPBACK, "localhost", "::1"):
        say("other machines that can reach this one and know the address can see and change the project")

    def ready() -> None:
        print(at.address, flush=True)
        say(f"the workbench on {project}; Ctrl-C ends it")
        if sys.stdout.isatty() if browser is None else browser:
            webbrowser.open(at.address)

    run(project, at, Limits(max_bytes, max_pixels), ready)


def _log_to_stderr() -> None:
    """What is refused, and what goes wrong, is said on stderr, a line each."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print(*map(shown, self.format(record).splitlines()), sep="\n", file=sys.stderr, flush=True)

    logging.basicConfig(level=logging.WARNING, handlers=[Lines()], format="digitprep: %(message)s")
