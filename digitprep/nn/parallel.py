"""A batch cut into small pieces that several threads work on, with results that do not depend on how many.

A piece of 32 images keeps what a convolution touches inside a processor's caches. The pieces depend on
the batch alone, each has random numbers of its own, and what they give is added up in their order: so
one thread and ten give the same bits. BLAS is held to one thread, as the threads here use the cores.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Piece = TypeVar("Piece")
Result = TypeVar("Result")

MOST_THREADS = 8


def thread_count() -> int:
    """How many threads are used: a core each, at most 8, or what DIGITPREP_THREADS says."""
    given = os.environ.get("DIGITPREP_THREADS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, MOST_THREADS)


def in_order(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """The results of `work` on each piece, in the order of the pieces."""
    todo = list(pieces)
    threads = min(thread_count(), len(todo))
    return _pool(threads).map(work, todo) if threads > 1 else map(work, todo)


def parts(count: int, size: int) -> list[slice]:
    """So many things in parts of at most `size`."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread while the block runs; may be nested.

    Another thread's block waits for its turn: the limit is the whole process's, so of two that overlap
    the last to end would restore what the first had set. They would share the same cores anyway.
    """
    with _turn, _blas().limit(limits=1, user_api="blas"):
        yield


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="digitprep")


@cache
def _blas() -> Any:
    return ThreadpoolController()


def _start_anew() -> None:
    """In the child of a fork, where the threads of the pool, or the one whose turn it was, do not exist."""
    global _turn
    _turn = threading.RLock()
    _pool.cache_clear()


_turn = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
