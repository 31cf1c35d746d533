"""Run what a Markdown page shows, as its reader would, and compare what comes out with what it says.

A page's fenced blocks are of these kinds:

- `console`: each line that begins with `$ ` is a command, the lines after it are what it prints, to both
  streams. A line of three dots stands for any lines. After a line `^C` the command is interrupted. A
  command that ends in ` &` stays in the background.
- `python`: run in one namespace for the whole page. A `text` block right below is what it prints.
- `text`: nothing to run. `sh`: commands that make a virtual environment, which .ci/run takes from the page.

A block below a comment `<!-- imports: torch -->` is left out where a package named there is missing. The rest
runs, and then the test is skipped, with that for its reason.

What a page finds where it is run is said in a comment in it: `<!-- needs: samples mnist -->`, with names of
`page_files.FILES`. Figures that depend on the machine may differ a little: see `alike`.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from inside import main_inside
from page_files import FILES

import digitprep as dp

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"console", "python", "text", "sh"}
SECONDS = 120  # for one command, on a busy machine

FENCE = re.compile(r"^(?:<!-- imports: ([^>]*) -->\n+)?```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS = re.compile(r"<!-- needs: (.*?) -->", re.DOTALL)
# How fast, and where a server listens.
ANY = re.compile(r"\d[\d,.]*(?= images/s)|(?<=127\.0\.0\.1:)\S+")
# Sizes of compressed files, shares, and what a network computes: they follow the processor's rounding.
MEASURED = re.compile(r"(?<![\w.])(?:\d[\d,]*(?= bytes)|\d+(?:\.\d+)?(?=%)|\d+\.\d+(?![\w.]))")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its kind, its text, the number of its first line, the packages it imports."""

    kind: str
    text: str
    line: int
    imports: tuple[str, ...] = ()

    @property
    def missing(self) -> str | None:
        """The first of its packages that is not installed."""
        return next((name for name in self.imports if find_spec(name) is None), None)


@dataclass(frozen=True)
class Command:
    """What is typed after a `$`, and the lines that the page shows below it."""

    text: str
    shown: list[str]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[2], match[3], text.count("\n", 0, match.start(3)) + 1, tuple((match[1] or "").split()))
        for match in FENCE.finditer(text)
    ]


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


def plain(text: str) -> list[str]:
    """The arguments of a command of digitprep that needs no shell; of others, none."""
    reading = shlex.shlex(text, posix=True, punctuation_chars=True)
    reading.whitespace_split, reading.commenters = True, ""
    first, *words = reading
    shell = any(set(word) & set("*?$~`") or not set(word) - set("();<>|&") for word in words)
    return [] if first != "digitprep" or shell else words


@dataclass
class Reader:
    """Someone who works through pages in a folder of their own, with `programs` beside it to call."""

    folder: Path
    programs: Path
    names: dict[str, object] = field(default_factory=dict)
    background: list[subprocess.Popen[str]] = field(default_factory=list)
    port: str = field(default_factory=lambda: str(free_port()))  # in the place of Dask's own, 8786

    def read(self, page: Path) -> None:
        """Run the page's blocks in their order.

        Raises AssertionError, with the place and both texts, where something else comes out; what pytest
        skips a test by where a block was left out.
        """
        for name in needs(page):
            FILES[name](self.folder)
        printed, left_out = "", ""
        for block in blocks(page):
            if block.missing:
                printed, left_out = "", f"could not import '{block.missing}' for line {block.line}"
                continue
            place = f"{page.relative_to(ROOT)}, line {block.line}"
            assert block.kind in KINDS, f"{place}: expected a block of {sorted(KINDS)}, found {block.kind!r}"
            if block.kind == "console":
                for command in commands(block):
                    compare(command.shown, self.run(command), f"{place}: $ {command.text}")
            elif block.kind == "text" and printed:
                compare(block.text.splitlines(), printed.splitlines(), place)
            printed = self.python(block, place) if block.kind == "python" else ""
        if left_out:
            pytest.skip(f"{left_out}; the rest was run")

    def run(self, command: Command) -> list[str]:
        """The lines that a command prints."""
        text = command.text.replace("8786", self.port)
        words = plain(text)
        if words and "^C" not in command.shown and Path(dp.__file__).is_relative_to(ROOT):
            # In this process: to start one takes longer than most commands.
            with io.TextIOWrapper(io.BytesIO(), "utf-8") as both:
                main_inside(words, self.folder, [io.TextIOWrapper(io.BytesIO()), both, both])
                return both.buffer.getvalue().decode().splitlines()
        process = subprocess.Popen(
            ["bash", "-c", text.removesuffix(" &")],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if text.endswith(" &"):
            self.background.append(process)
            return []
        watch = threading.Timer(SECONDS, end, [process])
        watch.start()
        try:
            before = command.shown[: command.shown.index("^C")] if "^C" in command.shown else []
            found = [process.stdout.readline().rstrip("\n") for _ in before]
            if "^C" in command.shown:
                os.killpg(process.pid, signal.SIGINT)
                found.append("^C")
            return [*found, *process.stdout.read().splitlines()]
        finally:
            watch.cancel()
            end(process)

    def python(self, block: Block, place: str) -> str:
        """What a block of Python prints."""
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block.text, place, "exec"), self.names)
        return printed.getvalue()

    def environment(self) -> dict[str, str]:
        """What a command finds around it: this Python and what is installed there, and a wide terminal."""
        if not self.programs.is_dir():
            self.programs.mkdir()
            for name, what in {"digitprep": "-m digitprep", "python": "", "dask": "-m dask"}.items():
                file = self.programs / name
                file.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {what} "$@"\n')
                file.chmod(0o755)
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        ours = {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1"}
        return os.environ | ours

    def close(self) -> None:
        """End what is left in the background."""
        for process in self.background:
            end(process)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def end(process: subprocess.Popen[str]) -> None:
    """End a command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def compare(shown: list[str], found: list[str], place: str) -> None:
    """Raises AssertionError unless the lines are alike, but for empty ones."""
    if not alike([line for line in shown if line.strip()], [line for line in found if line.strip()]):
        raise AssertionError("\n".join([place, "the page shows:", *shown, "it printed:", *found]))


def alike(shown: list[str], found: list[str]) -> bool:
    """Whether these lines are the ones that a page shows, three dots standing for any number of them.

    Speeds may be any. Shares may differ by three points, sizes in bytes by a hundredth and other fractions
    by a tenth: the rounding of processors differs, and training multiplies it.
    """
    if not shown or not found:
        return all(line == "..." for line in shown) and not found
    if shown[0] == "...":
        return any(alike(shown[1:], found[start:]) for start in range(len(found) + 1))
    return like(shown[0], found[0]) and alike(shown[1:], found[1:])


def like(shown: str, found: str) -> bool:
    """Whether two lines are the same but for what is measured, and that is near."""
    shown, found = (" ".join(ANY.sub("*", line).split()) for line in (shown, found))
    if MEASURED.sub("#", shown) != MEASURED.sub("#", found):
        return False
    return all(map(near, MEASURED.finditer(shown), MEASURED.finditer(found)))


def near(shown: re.Match[str], found: re.Match[str]) -> bool:
    """Whether two measured figures differ by no more than processors do."""
    one, other = (float(figure[0].replace(",", "")) for figure in (shown, found))
    after = shown.string[shown.end() :]
    most = 3.0 if after.startswith("%") else one * (0.01 if after.startswith(" bytes") else 0.1)
    return abs(one - other) <= max(most, 0.001)
