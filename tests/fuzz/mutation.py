"""Inputs that are nearly right: bytes with a few edits, at random but the same for the same generator.

`mutant` edits the bytes of a seed, or, given a container (see `containers`), one of the parts inside, and
puts the container together again with sums that are right, so that a reader gets past them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from containers import Container

LARGEST_BYTES = 1 << 18
NUMBERS = (0, 1, 2, 3, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
TEXTS = (
    *(b"", b"0", b"-1", b"9" * 18, b"9" * 19, b"9" * 5000, b"1e308", b"1e999", b"nan", b"-inf", b"null"),
    *(b"true", b"[]", b"{}", b"[" * 3000, b"(" * 300, b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"\0"),
    *(b"\r\n", b"\n\n", b",", b";", b"|", b"=", b"9**9**9", b"__import__('os')", b"../../x", b"/etc/passwd"),
    *("é٣²\u202e".encode(), b"\xff\xfe", b"\xef\xbb\xbf", b"<script>", b"%n%s", b"-0.0", b"0x10", b"1_0"),
)
Edit = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutant(rng: random.Random, seeds: Sequence[bytes], container: Container | None = None) -> bytes:
    """One of the seeds with one to eight edits, most often few."""
    data = rng.choice(seeds)
    if container is not None and rng.random() < 0.7:
        try:
            parts = container.open(data)
        except Exception:  # an earlier mutant need not be whole
            parts = []
        if parts:
            _edit_parts(rng, parts)
            return container.close(parts)[:LARGEST_BYTES]
    return _edited(rng, data, seeds)


def _edit_parts(rng: random.Random, parts: list[bytes]) -> None:
    """One part changed, and now and then one repeated, gone, or in another's place."""
    index = rng.randrange(len(parts))
    what = rng.random()
    if what < 0.05:
        parts.insert(rng.randrange(len(parts) + 1), parts[index])
    elif what < 0.1:
        del parts[index]
    elif what < 0.15:
        other = rng.randrange(len(parts))
        parts[index], parts[other] = parts[other], parts[index]
    else:
        parts[index] = _edited(rng, parts[index], parts)


def _edited(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    edited = bytearray(data)
    for _ in range(min(8, 1 + int(rng.expovariate(0.8)))):
        rng.choice(EDITS)(rng, edited, others)
    return bytes(edited[:LARGEST_BYTES])


def _place(rng: random.Random, data: bytearray) -> int:
    """A position, half of the time near the start, where headers are."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 128)
    return rng.randrange(end) if end else 0


def _span(rng: random.Random, data: bytearray) -> slice:
    start = _place(rng, data)
    return slice(start, start + min(len(data) - start, int(2 ** rng.uniform(0, 10))))


def flip_bit(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, data)] ^= 1 << rng.randrange(8)


def set_byte(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, data)] = rng.randrange(256)


def set_number(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """A number of 2, 4 or 8 bytes, in either order, such as a size in a header."""
    width, start = rng.choice((2, 4, 4, 8)), _place(rng, data)
    number = (rng.choice(NUMBERS) + rng.choice((0, 0, -1, 1))) % 256**width
    data[start : start + width] = number.to_bytes(width, rng.choice(("little", "big")))


def set_digits(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Another number in the place of one written in digits."""
    found = [match.span() for match in re.finditer(rb"\d+", data[:4096])]
    if found:
        start, stop = rng.choice(found)
        data[start:stop] = str(rng.choice(NUMBERS) * rng.choice((1, 1, -1, 10**6))).encode()


def insert_text(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(rng, data)
    data[start : start + rng.choice((0, 0, 1, 4))] = rng.choice(TEXTS)


def truncate(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[_place(rng, data) :]


def remove(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[_span(rng, data)]


def repeat(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    span = _span(rng, data)
    data[span] = data[span] * rng.choice((2, 2, 3, 50))


def splice(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    """A piece of another seed."""
    other = bytearray(rng.choice(others))
    data[_span(rng, data)] = other[_span(rng, other)]


def repeat_line(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    lines = data.split(b"\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    data[:] = b"\n".join(lines)


EDITS: tuple[Edit, ...] = (
    *(flip_bit, flip_bit, set_byte, set_byte, set_number, set_number, set_digits, insert_text),
    *(truncate, remove, repeat, splice, repeat_line),
)
