"""What a worker of a Dask scheduler does with photos: it has a process beside it work on them.

A photo that crashes that process, or has no end, so costs the cluster no worker.
Importing this module imports Dask.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from digitprep import versions as packages
from digitprep.errors import DigitprepError
from digitprep.extra import extra
from digitprep.workers import Lost, ProcessPool, in_folder, in_order

distributed = extra("distributed", "the work of a Dask scheduler's workers", "dask")

Versions = dict[str, str | None]
Photo = TypeVar("Photo")
Result = TypeVar("Result")

# The processes that are at no photo: as many as lists were in work at the same time, and they are kept, as
# to start one takes longer than to clean a photo.
_idle: SimpleQueue[ProcessPool] = SimpleQueue()


@dataclass(frozen=True)
class Site:
    """What a worker has to know of the run's own machine, and be like.

    folder: where names of photos begin that do not begin at the root
    versions: as `versions` gives them
    """

    folder: Path
    versions: Versions


def versions() -> Versions:
    """The versions, here, of what decides about results, and of Dask; None for what is not there."""
    return packages.versions() | {"Dask": str(distributed.__version__)}


def check_versions(ours: Versions, theirs: Versions, worker: str) -> None:
    """Raise DigitprepError where a worker's versions are others."""
    others = [name for name in ours if theirs.get(name) != ours[name]]
    if others:
        found = ", ".join(f"{name} {theirs.get(name) or 'none'}" for name in others)
        expected = ", ".join(f"{name} {ours[name] or 'none'}" for name in others)
        raise DigitprepError(
            f"the worker {worker} has {found}, and here is {expected}; install the same on both, so that "
            "every photo becomes the same image wherever it is cleaned"
        )


def done(
    function: Callable[[Photo], Result],
    photos: list[Photo],
    lost: Lost[Photo, Result] | None,
    site: Site,
    seconds: float,
    witness: Path | None,
) -> list[Result]:
    """What a function makes of each photo, in a process beside this worker.

    witness: the file of one of the photos, which the run's own machine sees
    """
    worker = distributed.get_worker().address
    check_versions(site.versions, versions(), worker)  # it may have come after the run had begun
    if witness is not None and not (site.folder / witness).exists():
        raise DigitprepError(
            f"the worker {worker} does not see {site.folder / witness}; put the photos where all machines "
            "have them under the same name, such as a folder of the network"
        )
    with _process(seconds) as process:
        return list(in_order(partial(in_folder, site.folder, function), photos, process, lost))


@contextmanager
def _process(seconds: float) -> Iterator[ProcessPool]:
    """A process that nobody else uses while the block runs."""
    # Dask marks its workers as processes that may have none of their own, for fear that those are left
    # behind: these end by themselves when the one that started them does.
    multiprocessing.current_process().daemon = False
    try:
        process = _idle.get_nowait()
    except Empty:
        process = ProcessPool(1)
    process.seconds = seconds
    try:
        yield process
    finally:
        _idle.put(process)


def let_go() -> None:
    """End the processes that are at no photo."""
    with suppress(Empty):
        while True:
            _idle.get_nowait().shutdown(wait=False)
