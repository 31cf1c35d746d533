"""Tables as the README shows them: in Markdown, right after a line that says which one it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = re.compile(r"^<!-- table: (\S+) -->\n((?:\|.*\n)*)", re.MULTILINE)
NOTHING = "\N{EN DASH}"  # in a cell


class OtherShapeError(Exception):
    """A page has other tables than there are, or a table has other cells than what was measured."""


def print_table(name: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table for the README, each row as soon as it is known."""
    header = list(header)
    print(
        f"\n{mark(name)}{_line(header)}\n{'|'.join(['', *('---' for _ in header), ''])}",
        flush=True,
    )
    for row in rows:
        print(_line(row), flush=True)


def mark(name: str) -> str:
    """The line before a table."""
    return f"<!-- table: {name} -->\n"


def _line(cells: Iterable[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def table_names(text: str) -> list[str]:
    """The tables that are marked in a page, or in what a bench printed."""
    return [match[1] for match in MARK.finditer(text)]


def marked_table(text: str, name: str) -> str:
    """The lines of that table in a text. Raises OtherShapeError unless there is one."""
    found = [match[2] for match in MARK.finditer(text) if match[1] == name and match[2]]
    if len(found) != 1:
        raise OtherShapeError(f"expected one table after {mark(name).strip()}, found {len(found)}")
    return found[0]


def rows(table: str) -> list[list[str]]:
    """The cells of each line of a table, blanks and all."""
    return [line.split("|")[1:-1] for line in table.splitlines()]


def times(ratio: float) -> str:
    """How many times as fast: two figures of it, or more of what is above 100."""
    return f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
