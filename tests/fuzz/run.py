"""Try inputs that are nearly right on every reader of digitprep, and tell which are not refused properly.

    python tests/fuzz/run.py                                  10,000 inputs, some seconds
    python tests/fuzz/run.py --inputs 1000000 --jobs 2        a long run
    python tests/fuzz/run.py --only tar --inputs 5000         the harnesses with "tar" in their names
    python tests/fuzz/run.py --corpus                         only the inputs with which bugs were found

Inputs are seeds of each format with a few edits (`mutation`), some inside of a container whose sums are
put right again (`containers`), and go to the functions in `harnesses`. What ended with a message that was
not seen before is edited further. The same --seed tries the same inputs.

A finding is an exception other than DigitprepError, a DigitprepError that only came when memory ran out,
a crash, more than 5 seconds, or more than 1 GB; its input is kept in the folder --save. Once the bug is
mended, the input goes to `corpus/HARNESS/`, which the tests try each time. Prints what was tried, and
exits with 1 where something was found.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

from harnesses import HARNESSES, MEMORY  # noqa: E402
from worker import CURRENT, FINDINGS, HEADER, STATS, STDERR, TOO_MUCH_MEMORY, Task, load, work  # noqa: E402

# Processes that begin with all that this one has imported, which takes longer than most inputs do. None of
# those that fork has threads of its own.
FORK = multiprocessing.get_context("fork")
CHUNK = 5_000  # inputs that one process tries


@dataclass
class Finding:
    """An input that did not end as it should."""

    harness: str
    kind: str
    where: str
    text: str
    data: bytes

    @property
    def key(self) -> tuple[str, ...]:
        """What findings of one bug have in common."""
        return self.harness, self.kind, self.where, self.text.partition(":")[0] if self.where else ""


@dataclass
class Result:
    """What became of the inputs of one harness."""

    tried: int = 0
    seconds: float = 0.0
    slowest_seconds: float = 0.0
    slowest: bytes = b""
    peak_megabytes: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Result) -> None:
        if other.slowest_seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = other.slowest_seconds, other.slowest
        self.tried, self.seconds = self.tried + other.tried, self.seconds + other.seconds
        self.peak_megabytes = max(self.peak_megabytes, other.peak_megabytes)
        known = {finding.key for finding in self.findings}
        self.findings += [finding for finding in other.findings if finding.key not in known]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000, help="over all harnesses")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--only", default="", metavar="TEXT", help="harnesses with this in their names")
    parser.add_argument("--seed", default="0", help="of the edits")
    parser.add_argument("--seconds", type=float, default=5, help="that an input may take")
    parser.add_argument("--megabytes", type=int, default=1024, help="that a process may take")
    parser.add_argument("--corpus", action="store_true", help="try the corpus alone")
    parser.add_argument("--save", type=Path, default=Path("fuzz-findings"), help="folder for inputs")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which nothing new is begun")
    parser.add_argument("--more", metavar="FILE", default="", help="a Python file with more harnesses")
    given = parser.parse_args()
    load(given.more)
    names = [name for name in HARNESSES if given.only in name]
    whole = given.inputs / max(1e-9, sum(HARNESSES[name].share for name in names))
    counts = {name: math.ceil(whole * HARNESSES[name].share) for name in names}
    limits = {"seconds": given.seconds, "megabytes": given.megabytes, "folder": ""}
    begun = time.monotonic()
    end = begun + 60 * given.minutes
    tasks = [
        Task(name, f"{given.seed}.{start}", 0, min(CHUNK, counts[name] - start), **limits)
        for start in range(0, max(counts.values(), default=0), CHUNK)
        for name in names
        if start < counts[name]
    ]
    if given.corpus:
        tasks = [Task(name, "", 0, len(HARNESSES[name].corpus()), **limits) for name in names]
    results: dict[str, Result] = {name: Result() for name in names}
    with ProcessPoolExecutor(given.jobs, FORK) as pool:
        for task, result in zip(tasks, pool.map(partial(watched, end=end), tasks), strict=True):
            results[task.harness].add(result)
    found = [finding for result in results.values() for finding in result.findings]
    print_results(results, time.monotonic() - begun)
    for finding in found:
        print(f"{finding.harness}: {finding.kind} at {finding.where}: {finding.text[:300]!r}")
        print(f"    {kept(finding, given.save)}, {len(finding.data)} bytes")
    sys.exit(bool(found))


def watched(task: Task, end: float = math.inf) -> Result:
    """Have processes try the inputs of a task, a new one after each input that ended the last."""
    total = Result()
    while task.start < task.stop and time.monotonic() < end:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            hung, code, stderr = _ran(replace(task, folder=folder))
            result = Result(findings=list(_findings(task.harness, Path(folder, FINDINGS))))
            if code == 0:
                stats = json.loads(Path(folder, STATS).read_text())
                slowest = base64.b64decode(stats.pop("slowest"))
                result = replace(result, **stats, slowest=slowest)
                number = task.stop
            else:
                number, data = _current(Path(folder, CURRENT), stderr)
                result.tried = number - task.start + 1
                if code != TOO_MUCH_MEMORY:
                    result.findings.append(_ended(task, hung, code, stderr, data))
        total.add(result)
        task = replace(task, start=number + 1)
    return total


def _ran(task: Task) -> tuple[bool, int, str]:
    """Whether an input took too long, the exit code, and what was said on stderr.

    An input may take so many seconds of processor time, which other work on the machine does not
    lengthen, or, as one may wait without any, ten times as many of the clock.
    """
    worker = FORK.Process(target=work, args=(task,))
    worker.start()
    current = Path(task.folder, CURRENT)
    number, cpu, clock, hung = b"", 0.0, 0.0, False
    worker.join(0.2)
    while worker.is_alive():
        now = current.open("rb").read(8) if current.exists() else b""
        if now != number:
            number, cpu, clock = now, _cpu_seconds(worker.pid), time.monotonic()
        elif now and (
            _cpu_seconds(worker.pid) - cpu > task.seconds or time.monotonic() - clock > 10 * task.seconds
        ):
            os.kill(worker.pid, signal.SIGABRT)  # on which it says where it is
            hung = True
            worker.join()
        worker.join(0.2)
    return hung, worker.exitcode, Path(task.folder, STDERR).read_text("utf-8", "replace")


def _cpu_seconds(process: int) -> float:
    """The processor time of a process so far, where the system tells."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ended(task: Task, hung: bool, code: int, stderr: str, data: bytes) -> Finding:
    """The finding of an input that ended its process."""
    lines = re.findall(r'File "[^"]*?([^"/]+)", line (\d+) in (\w+)', stderr)
    inside = re.findall(r'File "[^"]*digitprep/[^"]*?([^"/]+)", line (\d+) in (\w+)', stderr) or lines
    where = "{}:{} {}".format(*inside[0]) if inside else ""
    if hung:
        return Finding(task.harness, "hang", where, f"more than {task.seconds:g} s", data)
    name = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return Finding(task.harness, "crash", where, f"{name}: {stderr.strip()[-200:]}", data)


def _current(file: Path, stderr: str) -> tuple[int, bytes]:
    """The number and the bytes of the input that was being tried."""
    content = file.read_bytes() if file.exists() else b""
    if len(content) < HEADER.size:
        raise RuntimeError(f"a worker ended before its first input:\n{stderr}")
    number, size = HEADER.unpack_from(content)
    return number, content[HEADER.size : HEADER.size + size]


def _findings(harness: str, file: Path) -> Iterator[Finding]:
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        found = json.loads(line)
        yield Finding(harness, **found | {"data": base64.b64decode(found["data"])})


def kept(finding: Finding, folder: Path) -> Path:
    """The file into which the input of a finding was written."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", f"{finding.harness}-{finding.kind}-{finding.where}").strip("-")
    file = folder / name
    file.write_bytes(finding.data)
    return file


def print_results(results: dict[str, Result], seconds: float) -> None:
    print(f"{'harness':24}{'inputs':>10}{'seconds':>9}{'slowest ms':>12}{'peak MB':>9}{'findings':>10}")
    for name, result in results.items():
        print(
            f"{name:24}{result.tried:10,}{result.seconds:9.1f}{result.slowest_seconds * 1000:12.1f}"
            f"{result.peak_megabytes:9.0f}{len(result.findings):10}"
        )
    tried, found = sum(r.tried for r in results.values()), sum(len(r.findings) for r in results.values())
    slowest = max(results, key=lambda name: results[name].slowest_seconds)
    peak = max(result.peak_megabytes for result in results.values())
    print(f"{tried:,} inputs over {len(results)} harnesses in {seconds:.0f} s, {found} findings")
    print(
        f"slowest {results[slowest].slowest_seconds:.2f} s, {slowest} with "
        f"{len(results[slowest].slowest)} bytes; peak memory {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
