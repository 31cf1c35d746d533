"""Work on many photos, in their order, on any executor; and processes that outlive a photo that kills one."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from digitprep.errors import DigitprepError, MissingExtra

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

Photo = TypeVar("Photo")
Result = TypeVar("Result")
Lost = Callable[[Photo, str], Result]
Waiting = deque[tuple[list[Photo], Future[list[Result]]]]

# How many photos may be under way for each that is being waited for: enough to keep every core
# busy, few enough that memory does not grow with the number of photos.
AHEAD = 64

# Nor with their size, where a photo holds its file's bytes.
LIST_BYTES, AHEAD_BYTES = 1 << 25, 1 << 27

# What takes longer has no end: the slowest of 2,742 photos takes a second.
SECONDS = 60.0

# Fresh processes: one forked from a process with threads can hang in a lock it inherited.
CONTEXT = multiprocessing.get_context("spawn")


def in_order(
    function: Callable[[Photo], Result],
    photos: Iterable[Photo],
    executor: Executor | None = None,
    lost: Lost[Photo, Result] | None = None,
) -> Iterator[Result]:
    """What a function makes of each image file, in their order, with or without an executor.

    The function goes to the executor with a list of photos, as many as its `chunk` says or one, and as many
    lists are under way at a time as its `ahead` says, or at most AHEAD photos, or two lists. Where an
    executor that can `restart` loses the process that works on a photo, `lost` makes the result of it and
    of the reason, and the others go on. One that has `begin` and `result` sees to that itself.

    Raises DigitprepError where processes are lost and it cannot be told to which photo, or none starts.
    """
    if executor is None:
        yield from map(function, photos)
        return
    work, chunk = partial(_each, function), getattr(executor, "chunk", 1)
    waiting: Waiting[Photo, Result] = deque()
    left = iter(photos)
    try:
        while some := list(_list_of(left, chunk)):
            begin = getattr(executor, "begin", None)
            future = begin(function, some, lost) if begin else executor.submit(work, some)
            waiting.append((some, future))
            most = getattr(executor, "ahead", max(2, AHEAD // chunk))
            while len(waiting) >= most or (len(waiting) > 1 and _bytes_of(waiting) >= AHEAD_BYTES):
                yield from _first(waiting, work, executor, lost)
        while waiting:
            yield from _first(waiting, work, executor, lost)
    finally:
        for _, future in waiting:
            future.cancel()


def _list_of(left: Iterator[Photo], most: int) -> Iterator[Photo]:
    """At most so many of the photos, fewer where they bring bytes along, out of an archive."""
    size = 0
    for photo in islice(left, most):
        yield photo
        size += len(getattr(photo, "data", None) or b"")
        if size >= LIST_BYTES:
            break


def _bytes_of(waiting: Waiting[Photo, Result]) -> int:
    """How many bytes the photos that are under way brought along."""
    return sum(len(getattr(photo, "data", None) or b"") for photos, _ in waiting for photo in photos)


def _each(function: Callable[[Photo], Result], photos: list[Photo]) -> list[Result]:
    return [function(photo) for photo in photos]


def in_folder(folder: Path, function: Callable[[Photo], Result], photo: Photo) -> Result:
    """What a function makes of an image file, in a process that works for others, where names begin there."""
    with suppress(OSError):  # without that folder, names that begin at the root are right all the same
        os.chdir(folder)
    return function(photo)


def _first(
    waiting: Waiting[Photo, Result],
    work: Callable[[list[Photo]], list[Result]],
    executor: Executor,
    lost: Lost[Photo, Result] | None,
) -> Iterator[Result]:
    """The results of the photos that have waited longest; of all that wait, where a process was lost."""
    killed = getattr(executor, "killed", BrokenExecutor)
    result = getattr(executor, "result", Future.result)
    photos, future = waiting.popleft()
    try:
        yield from result(future)
    except killed as error:
        if lost is None or not hasattr(executor, "restart"):
            raise DigitprepError(
                "a process that works on photos was killed, perhaps for want of memory; try fewer --jobs"
            ) from error
        executor.restart()
        suspects = [(photos, future), *waiting]
        waiting.clear()
        for some, ended in suspects:
            if ended.done() and not ended.cancelled() and ended.exception() is None:
                yield from ended.result()
            else:
                yield from (_alone(photo, work, executor, killed, lost) for photo in some)


def _alone(
    photo: Photo,
    work: Callable[[list[Photo]], list[Result]],
    executor: Any,
    killed: type[Exception],
    lost: Lost[Photo, Result],
) -> Result:
    """The result of one photo, on which alone there is work: if a process is lost now, it was this photo.

    Raises DigitprepError where no process starts.
    """
    try:
        executor.submit(_ready).result()  # to start a process takes its time, which is not the photo's
    except killed as error:
        raise DigitprepError(
            "a process that is to work on photos ends as it starts, perhaps for want of memory; "
            "try fewer --jobs, or a larger --max-memory"
        ) from error
    begun = time.monotonic()
    try:
        found: list[Result] = executor.submit(work, [photo]).result()
    except killed:
        executor.restart()
        seconds = getattr(executor, "seconds", float("inf"))
        if time.monotonic() - begun >= seconds:
            return lost(photo, f"expected to be done in {seconds:g} seconds, it took longer")
        return lost(photo, "it crashed the process that read it; convert or copy it anew")
    return found[0]


class ProcessPool(Executor):
    """An executor of `jobs` processes, each on one thread, which can be started anew when one was killed.

    A process that is at one call for more than `seconds` ends itself, however deep in a decoder it is.
    All that was under way then fails with `killed`; `restart` makes the pool fit for work again. The
    caller shuts it down.

    memory_bytes: that each process may take; beyond them it gets a MemoryError, where the system can do that
    """

    killed = BrokenExecutor

    def __init__(self, jobs: int, seconds: float = SECONDS, memory_bytes: int | None = None) -> None:
        self.jobs, self.seconds, self.memory_bytes = jobs, seconds, memory_bytes
        self._pool = self._started()

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        """As `Executor.submit`; where a process was killed meanwhile, the future says so, not the call."""
        try:
            return self._pool.submit(_watched, self.seconds, function, *args, **options)
        except BrokenExecutor as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def restart(self) -> None:
        """Put fresh processes in the place of the old ones."""
        self._pool.shutdown(cancel_futures=True)
        self._pool = self._started()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _started(self) -> ProcessPoolExecutor:
        start = partial(_start_worker, self.memory_bytes)
        return ProcessPoolExecutor(self.jobs, mp_context=CONTEXT, initializer=start)


def _ready() -> None:
    """Nothing, as soon as there is a process."""


def _start_worker(memory_bytes: int | None) -> None:
    """One thread for NumPy and for OpenCV, as there is a process a core; Ctrl-C is for the parent to hear."""
    # Before NumPy is there. A thread of OpenBLAS also takes 100 MB of what the process may.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.platform != "win32" and memory_bytes is not None and resource is not None:
        # Not its address space, of which libraries reserve far more than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    from digitprep.opencv import cv2

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(MissingExtra):  # said by the first photo that needs it: here it would only break the pool
        cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """End this process when the one that started it was killed: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _watched(seconds: float, function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    """The call, in a process that ends when it takes too long.

    No exception could end it: while a decoder runs in C, Python raises none. What watches is a thread
    of C's own.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_nowhere())
    try:
        return function(*args, **options)
    finally:
        faulthandler.cancel_dump_traceback_later()


@cache
def _nowhere() -> IO[str]:
    """Where the traceback of a process that ends itself goes: what happened is told in its parent."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (open as long as the process is)
