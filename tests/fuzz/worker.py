"""The process that tries inputs, one after the other, within limits of time and memory.

Each input is written to a file before it is tried, so that whatever ends the process, the input is known.
The parent keeps the time (`run.watched`) and ends the process, however deep in a decoder it is; memory is
the most that was resident, and the process ends after an input that went beyond the limit.
"""

from __future__ import annotations

import base64
import faulthandler
import json
import os
import random
import re
import resource
import runpy
import struct
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnesses import HARNESSES, Harness
from mutation import mutant

from digitprep.errors import DigitprepError

CURRENT, FINDINGS, STATS, STDERR = "current", "findings.jsonl", "stats.json", "stderr"
HEADER = struct.Struct("<QQ")  # of the file of the current input: its number, its size
TOO_MUCH_MEMORY = 77  # exit code
MOST_KEPT = 300
GUARD = 4  # times the limit of memory: what may be asked for at all, whether it is used or not


@dataclass
class Task:
    """Some of the inputs of a harness: those numbered from `start` to before `stop`."""

    harness: str
    seed: str  # "" for the corpus
    start: int
    stop: int
    seconds: float
    megabytes: int
    folder: str


@dataclass
class Stats:
    tried: int = 0
    seconds: float = 0.0
    slowest_seconds: float = 0.0
    slowest: str = ""
    peak_megabytes: float = 0.0
    known: set[str] = field(default_factory=set)
    noted: set[tuple[str, type]] = field(default_factory=set)

    def told(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("known", "noted")}


def work(task: Task) -> None:
    """Try all inputs of a task; findings are appended to a file of its folder, counts written at the end."""
    settle(Path(task.folder))
    limit_memory(GUARD * task.megabytes)
    harness, stats, folder = HARNESSES[task.harness], Stats(), Path(task.folder)
    seeds, kept = harness.seeds(), list[bytes]()
    begun = time.perf_counter()
    with (folder / CURRENT).open("wb", buffering=0) as current:
        for number in range(task.start, task.stop):
            data = (
                harness.corpus()[number].read_bytes() if not task.seed else edited(task, number, seeds, kept)
            )
            current.seek(0)
            current.write(HEADER.pack(number, len(data)) + data)
            ended = tried(harness, data, task, stats)
            if ended not in stats.known:  # a new message is a new way through the reader: worth going on from
                stats.known.add(ended)
                if len(kept) < MOST_KEPT:
                    kept.append(data)
    stats.tried, stats.seconds = task.stop - task.start, time.perf_counter() - begun
    (folder / STATS).write_text(json.dumps(stats.told()))


def settle(folder: Path) -> None:
    """Have all that this process says, and all that it leaves behind where it ends at once, in a folder."""
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    for stream, file in ((sys.stdout, os.devnull), (sys.stderr, folder / STDERR)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream.fileno())
    faulthandler.enable()


def edited(task: Task, number: int, seeds: list[bytes], kept: list[bytes]) -> bytes:
    """The input of that number: a seed, or half of the time one that led somewhere new, with edits."""
    rng = random.Random(f"{task.seed}/{task.harness}/{number}")
    start = kept if kept and rng.random() < 0.5 else seeds
    return mutant(rng, start, HARNESSES[task.harness].container)


def load(file: str) -> None:
    """Run a Python file that registers harnesses, where there is one."""
    if file:
        runpy.run_path(file)


def tried(harness: Harness, data: bytes, task: Task, stats: Stats) -> str:
    """Hand one input to a harness: how it ended, without what differs from input to input."""
    begun, ended = time.perf_counter(), "well"
    try:
        harness.run(data)
    except BaseException as error:
        ended = f"{type(error).__name__}: {error}"[:2000]
        if not is_refusal(error):
            where = _where(error)
            if (where, type(error)) not in stats.noted:
                stats.noted.add((where, type(error)))
                note(Path(task.folder), "error", where, ended, data)
    took = time.perf_counter() - begun
    if took > stats.slowest_seconds:
        stats.slowest_seconds, stats.slowest = took, base64.b64encode(data).decode()
    stats.peak_megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if stats.peak_megabytes > task.megabytes:
        note(Path(task.folder), "memory", "", f"{stats.peak_megabytes:.0f} MB: {ended}", data)
        os._exit(TOO_MUCH_MEMORY)
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "#", ended)[:150]


def is_refusal(error: BaseException) -> bool:
    """Whether an error is one that digitprep raises on purpose, and not since memory had run out."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return False
        cause = cause.__cause__ or cause.__context__
    return isinstance(error, DigitprepError)


def note(folder: Path, kind: str, where: str, text: str, data: bytes) -> None:
    """Append a finding."""
    found = {"kind": kind, "where": where, "text": text, "data": base64.b64encode(data).decode()}
    with (folder / FINDINGS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")


def limit_memory(megabytes: int) -> None:
    """Let this process ask for so much more than it has, so that no bomb takes the machine along."""
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20,) * 2)
    except (OSError, ValueError):  # a system without one or the other
        pass


def _where(error: BaseException) -> str:
    """The innermost line of digitprep that an error came through, or of the harness."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "digitprep/" in frame.filename] or frames
    frame = inside[-1]
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
