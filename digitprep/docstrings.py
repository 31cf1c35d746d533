"""What docstrings say of each option, field or parameter, on lines of `name: what it is`.

Two may share a line, as in `left, right: how far to each side`; a long description goes on, or begins,
indented on the next.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

ENTRY = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*):(?: |$)")


def blocks(docstring: str | None) -> list[str]:
    """The parts of a docstring that blank lines separate, without the indentation they share."""
    return re.split(r"\n(?:[ \t]*\n)+", inspect.cleandoc(docstring or ""))


def entries(block: str) -> list[tuple[tuple[str, ...], str]]:
    """The names and the description of each entry; none where the block is made of anything else."""
    found: list[tuple[tuple[str, ...], str]] = []
    for line in block.splitlines():
        entry = ENTRY.match(line)
        if entry:
            found.append((tuple(entry[1].split(", ")), line[entry.end() :]))
        elif found and line.startswith("    "):
            names, text = found[-1]
            found[-1] = names, f"{text} {line.strip()}".lstrip()
        else:
            return []
    return found if all(text for _, text in found) else []


def described(docstrings: Iterable[str | None]) -> dict[str, str]:
    """What the docstrings say of each name, the first of them first, as of a class and its bases."""
    said: dict[str, str] = {}
    for docstring in docstrings:
        for block in blocks(docstring):
            for names, text in entries(block):
                for name in names:
                    said.setdefault(name, text)
    return said


def described_fields(cls: type) -> dict[str, str]:
    """What a class says of its options or fields; what it does not say its bases may."""
    return described(vars(base).get("__doc__") for base in cls.__mro__ if base.__module__ != "builtins")
