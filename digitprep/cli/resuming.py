"""What `clean` keeps of a run that may be stopped, so that the same command goes on after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digitprep.cli.terminal import amount, say
from digitprep.errors import UsageError

if TYPE_CHECKING:
    from digitprep.dataset import Split
    from digitprep.spool import Spool


@contextmanager
def kept(spool: Spool) -> Iterator[None]:
    """The spool is open while the block runs; what it has and what it keeps is said."""
    with spool:
        if spool.photos:
            say(f"going on after {amount(spool.photos, 'photo')} of a run that was stopped")
        try:
            yield
        except BaseException as error:
            if spool.photos and not isinstance(error, UsageError):  # which says itself what it takes
                say(f"{amount(spool.photos, 'photo')} done; the same command goes on after them")
            raise


def to_the_end(parts: Iterable[Split], spool: Spool, how: dict[str, str]) -> Iterator[Split]:
    """The parts, and a note when all of them are there and only their dataset is not."""
    yield from parts
    spool.write_begins(how)
