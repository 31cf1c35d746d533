"""Photos for the workers of a Dask scheduler, on any number of machines that see the same files.

Importing this module, or `dask_worker`, imports Dask; nothing else does.

    from digitprep.dask import DaskPool

    with DaskPool("tcp://127.0.0.1:8786") as pool:
        for cleaned in clean(photos, pipeline, executor=pool): ...

A worker of Dask does not touch a photo itself. It has a process of its own do that, as ProcessPool does on
one machine, so that a photo that crashes its process or has no end gives the same result everywhere, and
never costs the cluster a worker. A worker that is lost for another reason is Dask's to replace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from digitprep.dask_worker import (
    Photo,
    Result,
    Site,
    check_versions,
    distributed,
    done,
    let_go,
    versions,
)
from digitprep.errors import DigitprepError, UsageError
from digitprep.sources import Member
from digitprep.workers import SECONDS, Lost

# So many photos go to a worker at a time: a second's work or more, beside which the way there is nothing.
LIST_PHOTOS = 200

# A list in work and another one at hand for each thread of a worker: none of them waits for the driver.
LISTS_PER_THREAD = 2

# How long a scheduler or a first worker is waited for, how often the connection is looked at, and how long
# the scheduler may be without a worker.
CONNECT_SECONDS = 10.0
LOOK_SECONDS = 1.0
ALONE_SECONDS = 60.0

# How often a scheduler is asked whose greeting Dask's client does not understand: see `_client`.
GREETINGS = 20


class DaskPool(Executor):
    """An executor whose calls are done by the workers of the scheduler at `address`, "tcp://host:8786".

    seconds: how long a photo may take
    chunk: how many photos a worker gets at a time

    Raises UsageError for what is no address, and DigitprepError where no scheduler answers, where it has no
    workers, and where their versions of what decides about results are others than here.
    """

    def __init__(self, address: str, seconds: float = SECONDS, chunk: int = LIST_PHOTOS) -> None:
        self.address, self.seconds, self.chunk = address, seconds, chunk
        self._site = Site(Path.cwd(), versions())
        self._client = _client(address)
        try:
            self._check_workers()
        except BaseException:
            self._client.close()
            raise
        # Not pure: the same photo, asked for again, is to be read again.
        self._executor: Executor = self._client.get_executor(pure=False)

    @property
    def ahead(self) -> int:
        """How many lists of photos may be under way, with the workers that there are now."""
        with self._reached():
            threads: int = sum(self._client.nthreads().values())
        return max(2, LISTS_PER_THREAD * threads)

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        """As `Executor.submit`: the call is done in the worker itself."""
        with self._reached():
            return self._executor.submit(function, *args, **options)

    def begin(
        self, function: Callable[[Photo], Result], photos: list[Photo], lost: Lost[Photo, Result] | None
    ) -> Future[list[Result]]:
        """What a function makes of each photo, and `lost` of those that cost a process: see `in_order`."""
        files = filter(None, map(_file_of, photos))
        witness = next((file for file in files if file.exists()), None)
        return self.submit(done, function, photos, lost, self._site, self.seconds, witness)

    def result(self, future: Future[Result]) -> Result:
        """The future's result, when it is there.

        Raises DigitprepError where the scheduler is lost, where it has no workers for a while, and where it
        loses one after the other at the same photos.
        """
        until = time.monotonic() + ALONE_SECONDS
        while not future.done():
            wait([future], LOOK_SECONDS)
            self._check_connection()
            if not future.done() and time.monotonic() >= until:
                self._check_there_are_workers()
                until = time.monotonic() + ALONE_SECONDS
        try:
            return future.result()
        except CancelledError as error:
            raise self._was_lost() from error
        except distributed.KilledWorker as error:
            raise DigitprepError(
                f"{error.allowed_failures + 1} workers of {self.address} were lost, one after the other, at "
                "the same photos, perhaps for want of memory; see what they say, give them fewer --nthreads"
            ) from error

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; what its workers still have to do for this executor is awaited or dropped."""
        self._executor.shutdown(wait and not cancel_futures)
        if self._client.status == "running":
            with suppress(OSError):
                self._client.run(let_go, on_error="ignore")
        with suppress(TimeoutError):  # while it tries to connect anew
            self._client.close()

    def _check_workers(self) -> None:
        """Raise DigitprepError where there are no workers, or some are not like this machine."""
        with suppress(TimeoutError):
            self._client.wait_for_workers(1, CONNECT_SECONDS)
        self._check_there_are_workers()
        for worker, theirs in self._client.run(versions, on_error="return").items():
            if isinstance(theirs, Exception):
                raise DigitprepError(
                    f"the worker {worker} cannot do this work ({theirs}); install there what is here: "
                    'pip install "digitprep[dask]"'
                ) from theirs
            check_versions(self._site.versions, theirs, worker)

    def _check_there_are_workers(self) -> None:
        with self._reached():
            if not self._client.nthreads():
                raise DigitprepError(
                    f"the scheduler {self.address} has no workers; start some: dask worker {self.address}"
                )

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What the scheduler is asked while the block runs; an error where it does not answer."""
        self._check_connection()
        try:
            yield
        except OSError as error:
            raise self._was_lost() from error

    def _check_connection(self) -> None:
        # A client that has to connect anew has given up all that was under way.
        if self._client.status != "running":
            raise self._was_lost()

    def _was_lost(self) -> DigitprepError:
        return DigitprepError(
            f"the scheduler {self.address} was lost; start it and its workers again, and repeat the command"
        )


def _file_of(photo: object) -> Path | None:
    """The file that a worker has to see to read a photo, where there is one."""
    if isinstance(photo, Member):
        return photo.archive if photo.data is None else None
    return photo if isinstance(photo, Path) else None


def _client(address: str) -> Any:
    """A client of the scheduler there."""
    try:
        # A client that is given no address at all would wait for itself at the end.
        distributed.comm.get_address_host_port(address, strict=True)
        return _greeted(address)
    except ValueError as error:
        raise UsageError(f"expected a scheduler's address, tcp://HOST:8786, found {address!r}") from error
    except OSError as error:
        raise DigitprepError(
            f"no scheduler answers at {address} in {CONNECT_SECONDS:g} seconds; start one (`dask scheduler` "
            "says its address), and see that no firewall is between"
        ) from error


def _greeted(address: str) -> Any:
    """A client that the scheduler has greeted.

    Where another client drops work at that moment, the scheduler tells everybody, and may do so in the
    message that greets the new one. Dask's client asserts that a greeting comes alone; the next one does.
    """
    for _ in range(GREETINGS):
        with suppress(AssertionError):
            return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    raise DigitprepError(
        f"the scheduler {address} answers as no scheduler of Dask {distributed.__version__} does; "
        "install the same version there and here"
    )
