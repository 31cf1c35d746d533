"""The command line: the one place that prints, exits and knows typer.

Data goes to stdout, progress and messages to stderr. Whatever digitprep raises on purpose ends here
as one line and its exit code (see `digitprep.errors`).
"""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from digitprep import __version__
from digitprep.cli import convert, data, models, photos
from digitprep.cli.curves import plot
from digitprep.cli.demo import demo
from digitprep.cli.download import download
from digitprep.cli.explain import explain
from digitprep.cli.export import export
from digitprep.cli.letters import shown
from digitprep.cli.listing import list_names
from digitprep.cli.predict import predict
from digitprep.cli.quiet import with_quiet
from digitprep.cli.serve import serve
from digitprep.cli.show import show
from digitprep.cli.terminal import tell
from digitprep.cli.training import train
from digitprep.docstrings import blocks
from digitprep.errors import DigitprepError

app = typer.Typer(
    name="digitprep",
    help="Turn other people's handwriting into MNIST's format, and any digit dataset into any other.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        tell(f"digitprep {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None: ...


def _add(command: Callable[..., None], name: str | None = None) -> None:
    """Give digitprep a command, of whose docstring a paragraph is a line: terminals break it themselves."""
    said = "\n\n".join(" ".join(block.split()) for block in blocks(command.__doc__))
    app.command(name, help=said)(with_quiet(command))


for command in (
    convert.convert,
    convert.merge,
    data.info,
    data.diff,
    show,
    download,
    photos.clean,
    predict,
    explain,
    train,
    plot,
    models.evaluate,
    export,
    demo,
    serve,
):
    _add(command)
_add(list_names, "list")


def main() -> None:
    """Run the command line; its exit code says how it went."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks is no crash
            stream.reconfigure(errors="backslashreplace")
    # Asked to end, end as with Ctrl-C: what is half written goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except DigitprepError as error:
        sys.exit(_failed(error, error.exit_code))
    except OSError as error:  # such as a full disk behind stdout
        sys.exit(_failed(error, DigitprepError.exit_code))


def _failed(error: Exception, exit_code: int) -> int:
    """Say what went wrong, quiet or not; the exit code of it."""
    print(shown(f"digitprep: {error}"), file=sys.stderr)
    return exit_code
