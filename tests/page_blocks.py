"""What a Markdown page shows: its fenced blocks, the commands in them, and what its comments say of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from places import DATA

KINDS = {"console", "python", "text", "sh"}

FENCE = re.compile(r"^(?:<!-- (imports|data): ([^>]*) -->\n+)?```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What opens and closes a block, for a page's reader: FENCE sees those at the beginning of a line alone.
MARK = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
NEEDS = re.compile(r"<!-- needs: (.*?) -->", re.DOTALL)
COMMAND = re.compile(r"^(?:\$|digitprep) ", re.MULTILINE)
TRAINS = "<!-- trains -->"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its kind, its text, the number of its first line, whether it comes after a
    training, the packages that it imports and the real data that it takes.
    """

    kind: str
    text: str
    line: int
    trained: bool = False
    imports: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def missing(self) -> str | None:
        """Why it cannot be run: which package is not installed, or which data are not there."""
        package = next((name for name in self.imports if find_spec(name) is None), None)
        data = next((name for name in self.data if not (DATA / name).is_dir()), None)
        if package:
            return f"could not import '{package}'"
        return f"no shared data '{data}'" if data else None


@dataclass(frozen=True)
class Command:
    """What is typed after a `$`, and the lines that the page shows below it."""

    text: str
    shown: list[str]

    @property
    def is_interrupted(self) -> bool:
        return "^C" in self.shown

    @property
    def fails(self) -> bool:
        """Whether an error, or a difference, is what it shows."""
        return any(line.startswith(("digitprep: ", "different: ")) for line in self.shown)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order.

    Raises AssertionError where something opens or closes a block and is in none of them, and see `check`.
    """
    text = page.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    marks = len(MARK.findall(text))
    assert marks == 2 * len(found), f"{page.name}: expected the marks of {len(found)} blocks, found {marks}"
    trains = text.find(TRAINS) if TRAINS in text else len(text)
    shown = [
        Block(
            match[3],
            match[4],
            text.count("\n", 0, match.start(4)) + 1,
            trained=match.start() > trains,
            **({match[1]: tuple(match[2].split())} if match[1] else {}),
        )
        for match in found
    ]
    for above, block in zip([None, *shown], shown, strict=False):
        check(block, above, f"{page.name}, line {block.line}")
    return shown


def check(block: Block, above: Block | None, place: str) -> None:
    """Raises AssertionError where a block's kind is unknown, or has commands that nobody would run."""
    assert block.kind in KINDS, f"{place}: expected a block of {sorted(KINDS)}, found {block.kind!r}"
    is_output = above is not None and above.kind == "python"
    if block.kind == "text" and not is_output and COMMAND.search(block.text):
        raise AssertionError(f"{place}: expected `console` for a block with commands, found `text`")


def commands(block: Block) -> Iterator[Command]:
    """The commands of a `console` block."""
    lines = block.text.splitlines()
    assert lines[0].startswith("$ "), f"line {block.line}: expected a command after `$ `, found {lines[0]!r}"
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        yield Command(lines[start][2:], lines[start + 1 : end])


def needs(page: Path) -> list[str]:
    """What a page finds where it is run, as it says itself."""
    return [name for text in NEEDS.findall(page.read_text(encoding="utf-8")) for name in text.split()]
