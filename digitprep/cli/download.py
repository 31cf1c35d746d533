"""The command that downloads a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitprep.cli.options import Overwrite
from digitprep.cli.terminal import progress, say


def download(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of `digitprep list datasets`.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="Where its files go.")],
    mirror: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Where to get the files instead of the known mirrors; repeatable."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long a mirror may be silent.")
    ] = 30.0,
    overwrite: Overwrite = False,
) -> None:
    """Download a dataset, checked by SHA-256; what is there and right is not fetched again."""
    from digitprep import downloads

    total = sum(file.size for file in downloads.source(name).files)
    with progress(f"downloading {name}", total, of_bytes=True) as advance:
        done = downloads.download(
            name,
            folder,
            overwrite=overwrite,
            mirrors=mirror or (),
            timeout_seconds=timeout,
            advance=advance,
        )
    say(f"{folder}: {len(done.fetched)} files downloaded, {len(done.kept)} already there")
