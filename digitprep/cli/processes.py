"""Who does the work on photos: this process, several of this machine, or a scheduler's workers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from digitprep.errors import UsageError

# What a process takes without a photo, and with one of a telephone.
LEAST_MB = 400

Jobs = Annotated[int, typer.Option("--jobs", min=1, help="How many processes work at the same time.")]
Seconds = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        max=86_400,
        help="How long a photo may take before it is given up, in a process of its own.",
        show_default="60 with --jobs 2 or more or --scheduler, else no limit",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, tcp://HOST:8786, whose workers do the work; they need the same files.",
    ),
]
MemoryMb = Annotated[
    int | None,
    typer.Option(
        "--max-memory",
        metavar="MB",
        min=LEAST_MB,
        help="How much memory the processes may take in all; a photo that needs more is rejected.",
        show_default="no limit",
    ),
]


@contextmanager
def pool(
    jobs: int,
    seconds: float | None,
    memory_mb: int | None,
    scheduler: str | None,
    chunk: int | None,
) -> Iterator[Any]:
    """An executor of that many processes, or of a scheduler's workers, while the block runs.

    It is None for one process, which needs no other.

    seconds: how long a process may take for one photo; with it even one job gets a process of its own
    memory_mb: how much all of the processes may take; the same goes for it
    chunk: how many photos go to a scheduler's worker at a time, if not as many as of single digits
    """
    from digitprep.workers import SECONDS, ProcessPool

    executor: Any = None
    if scheduler is not None:
        executor = _cluster(scheduler, jobs, seconds or SECONDS, memory_mb, chunk)
    elif jobs > 1 or seconds is not None or memory_mb is not None:
        executor = ProcessPool(jobs, seconds or SECONDS, _share(memory_mb, jobs))
    try:
        yield executor
    finally:
        if executor is not None:
            executor.shutdown(cancel_futures=True)


def _share(memory_mb: int | None, jobs: int) -> int | None:
    """How many bytes each of the processes may take; raises UsageError for fewer than it can live with."""
    if memory_mb is not None and memory_mb < LEAST_MB * jobs:
        least = LEAST_MB * jobs
        raise UsageError(
            f"--max-memory {memory_mb}: {jobs} processes need {least}; give that or fewer --jobs"
        )
    return None if memory_mb is None else memory_mb * 1_000_000 // jobs


def _cluster(scheduler: str, jobs: int, seconds: float, memory_mb: int | None, chunk: int | None) -> Any:
    """An executor of the scheduler's workers."""
    if jobs != 1:
        raise UsageError("--jobs is for this machine, and a --scheduler has its own workers; give one")
    if memory_mb is not None:
        raise UsageError("--max-memory is for this machine; `dask worker --memory-limit` says it of a worker")
    from digitprep.dask import LIST_PHOTOS, DaskPool

    # What Dask logs of a scheduler that is lost takes pages; the error that the command ends in says it.
    logging.disable()
    return DaskPool(scheduler, seconds, chunk or LIST_PHOTOS)
