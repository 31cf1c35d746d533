"""Run what a Markdown page shows, as its reader would, and compare what comes out with what it says.

A page's fenced blocks are of these kinds:

- `console`: each line that begins with `$ ` is a command, the lines after it are what it prints, to both
  streams. A line of three dots stands for any lines. After a line `^C` the command is interrupted. A
  command that ends in ` &` stays in the background.
- `python`: run in one namespace for the whole page. The `text` block that comes next is what it prints; where
  another one does, it prints nothing.
- `text`: nothing to run. `sh`: commands that make a virtual environment, which .ci/run takes from the page.

A command fails where the page shows an error, or a difference, and nowhere else.

A block below a comment `<!-- imports: torch -->` is left out where a package named there is missing, and one
below `<!-- data: mnist -->` where these real data are. The rest runs, and then the test is skipped, with that
for its reason.

What a page finds where it is run is said in a comment in it: `<!-- needs: samples letter -->`, with names of
`page_files.FILES`. Figures that depend on the machine may differ a little (`page_lines`), and more so below a
comment `<!-- trains -->`.
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
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from page_blocks import Block, Command, blocks, commands, needs
from page_files import FILES
from page_lines import PLAY, TRAINED, Play, compare
from places import DATA, ROOT
from run_here import main_inside

import digitprep as dp

ENGLISH = ROOT / "README.md"
PAGES = sorted([ENGLISH, *ROOT.glob("docs/how-to/*.md"), *ROOT.glob("docs/tutorials/*.md")])
SECONDS = 120  # for one command, on a busy machine


def plain(text: str) -> list[str]:
    """The arguments of a command of digitprep that needs no shell and is whole; of others, none."""
    reading = shlex.shlex(text, posix=True, punctuation_chars=True)
    reading.whitespace_split, reading.commenters = True, ""
    try:
        first, *words = reading
    except ValueError:  # a quotation goes on
        return []
    shell = any(set(word) & set("*?$~`") or not set(word) - set("();<>|&") for word in words)
    return [] if first != "digitprep" or shell else words


def halves(text: str) -> tuple[str, str]:
    """A command and, where what it prints goes on to other programs, those."""
    for pipe in re.finditer(r" \| ", text):
        before, after = text[: pipe.start()], text[pipe.end() :]
        if plain(before) and "digitprep" not in after:
            return before, after
    return text, ""


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
        shown, left_out = blocks(page), ""
        for block, below in itertools.zip_longest(shown, shown[1:]):
            place = f"{page.relative_to(ROOT)}, line {block.line}"
            if block.missing:
                left_out = left_out or f"{block.missing} for line {block.line}"
                continue
            for name in block.data:
                if not (self.folder / name).exists():
                    (self.folder / name).symlink_to(DATA / name)
            if block.kind == "console":
                for command in commands(block):
                    self.do(command, block, f"{place}: $ {command.text}")
            elif block.kind == "python":
                claimed = below.text if below and below.kind == "text" else ""
                compare(claimed.splitlines(), self.python(block, place).splitlines(), place, play(block))
        if left_out:
            pytest.skip(f"{left_out}; the rest was run")

    def do(self, command: Command, block: Block, place: str) -> None:
        """Run a command of a block.

        Raises AssertionError where it prints something else than the page shows, fails where the page does
        not show why, or does not fail where it should.
        """
        found, code = self.run(command)
        compare(command.shown, found, place, play(block))
        if not command.is_interrupted and bool(code) != command.fails:
            raise AssertionError(f"{place}\nit ended with exit code {code}")

    def run(self, command: Command) -> tuple[list[str], int]:
        """The lines that a command prints, and its exit code."""
        text = command.text.replace("8786", self.port)
        before, after = halves(text)
        if (words := plain(before)) and not command.is_interrupted and Path(dp.__file__).is_relative_to(ROOT):
            return self.inside(words, after)
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
            return [], 0
        watch = threading.Timer(SECONDS, end, [process])
        watch.start()
        try:
            before = command.shown[: command.shown.index("^C")] if command.is_interrupted else []
            found = [process.stdout.readline().rstrip("\n") for _ in before]
            if command.is_interrupted:
                os.killpg(process.pid, signal.SIGINT)
                found.append("^C")
            return [*found, *process.stdout.read().splitlines()], process.wait()
        finally:
            watch.cancel()
            end(process)

    def inside(self, words: list[str], after: str) -> tuple[list[str], int]:
        """The same of digitprep in this process, as to start one takes longer than most commands.

        after: programs that what it prints goes on to; an exit code is then that of all of them
        """
        with (
            io.TextIOWrapper(io.BytesIO(), "utf-8") as printed,
            io.TextIOWrapper(io.BytesIO(), "utf-8") as told,
        ):
            said = told if after else printed
            code = main_inside(words, self.folder, [io.TextIOWrapper(io.BytesIO()), printed, said])
            out, errors = printed.buffer.getvalue(), told.buffer.getvalue()
        if after:
            ended = subprocess.run(
                ["bash", "-c", after],
                cwd=self.folder,
                env=self.environment(),
                input=out,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
            code, out, errors = code or ended.returncode, ended.stdout, errors + ended.stderr
        return (errors + out).decode().splitlines(), code

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


def play(block: Block) -> Play:
    """By how much the figures below a block's commands may differ."""
    return TRAINED if block.trained else PLAY


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def end(process: subprocess.Popen[str]) -> None:
    """End a command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
