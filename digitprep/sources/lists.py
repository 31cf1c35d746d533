"""Lists of places, such as `find` prints them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from digitprep.errors import DataError

READ_BYTES = 1 << 16
LONGEST_BYTES = 1 << 16  # of a name: far more than any system's


def listed(stream: IO[bytes]) -> Iterator[str]:
    """The names in a list, as they come: one a line, or each ended by a null character, as -print0 does it.

    Raises DataError for a line longer than names are: what is read is no list.
    """
    rest = _next(stream)
    end = b"\0" if b"\0" in rest else b"\n"
    while rest:
        *names, rest = rest.split(end)
        yield from (os.fsdecode(name.removesuffix(b"\r")) for name in names if name.strip())
        if len(rest) > LONGEST_BYTES:
            raise DataError(
                f"a list of photos: expected a name a line, found {len(rest):,} bytes without an end"
            )
        more = _next(stream)
        rest = rest + more if more else rest + end if rest.strip() else b""


def _next(stream: IO[bytes]) -> bytes:
    """What is there, without waiting until there is more."""
    return stream.read1(READ_BYTES) if hasattr(stream, "read1") else stream.read(READ_BYTES)
