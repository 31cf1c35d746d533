"""What happens to `clean` and `convert` on bad disks, for the superuser: python tests/bench/bad_disks.py

Each command writes to a disk of its own in memory (Linux) that is too small, or has no room for another file,
or may only be read; or the photos go, or may no longer be read, while it works. It has to end with a message
that names what is wrong and says what to do, and with nothing at its destination; and when the disk is right
again the same command has to end with the same bytes as on a disk that was right from the start. Prints two
lines a case and exits with 1 where one went wrong.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kill_files import DIGITS, arguments, draw_photos, environment, finished

PHOTOS = 600
COMMANDS = {
    "clean": ["clean", "../photos", "-o", "set.npz"],
    "clean with 2 jobs": ["clean", "../photos", "--jobs", "2", "--to", "pngjson", "-o", "set"],
    "convert": ["convert", str(DIGITS), "set", "--to", "pngjson"],
}
# Rights mean nothing to the superuser, but to one who gave up all powers they do.
POWERLESS = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a disk, how it comes to be, and what has to be said of it.

    begin: is called with the disk's folder before the command, `during` while it works; `end` mends it
    before: what the command is run by
    """

    said: str
    begin: Callable[[Path], object] = lambda _: None
    during: Callable[[Path], object] | None = None
    end: Callable[[Path], object] = lambda _: None
    options: str = "size=1g"
    before: tuple[str, ...] = ()


def remount(options: str) -> Callable[[Path], object]:
    """Give the disk other options."""
    return lambda disk: subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def photos_go(disk: Path) -> None:
    """The photos are no longer there."""
    photos_of(disk).rename(disk.parent / "away")


def photos_return(disk: Path) -> None:
    """The photos are where they were."""
    (disk.parent / "away").rename(photos_of(disk))


def photos_of(disk: Path) -> Path:
    return disk.parent / "photos"


FAULTS = {
    "a full disk": Fault("No space left", options="size=64k", end=remount("size=1g")),
    "no more names": Fault("No space left", options="nr_inodes=4", end=remount("nr_inodes=100000")),
    "a disk that fills": Fault("No space left", options="size=2m", end=remount("size=1g")),
    "a disk that may only be read": Fault("Read-only", begin=remount("ro"), end=remount("rw")),
    "photos that go": Fault("no longer there", during=photos_go, end=photos_return),
    "photos that may no longer be read": Fault(
        "no longer be read",
        during=lambda disk: photos_of(disk).chmod(0),
        end=lambda disk: photos_of(disk).chmod(0o755),
        before=POWERLESS,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="NAME")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        draw_photos(place / "photos", PHOTOS)
        right = [tried(place, *names) for names in cases(given.faults)]
    print(f"{sum(right)} of {len(right)} cases are as they should be")
    sys.exit(not all(right))


def cases(faults: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each fault with each command that meets it."""
    for fault in faults:
        for command in COMMANDS:
            if command != "convert" or not fault.startswith("photos"):
                yield fault, command


def tried(place: Path, fault_name: str, command_name: str) -> bool:
    """Whether a command under a fault ends as it should; tells about it."""
    fault, command = FAULTS[fault_name], COMMANDS[command_name]
    with disk_of(place, "size=1g") as disk:
        whole = finished(disk, command)
    with disk_of(place, fault.options) as disk:
        fault.begin(disk)
        process = subprocess.Popen(
            [*fault.before, *arguments(command)],
            cwd=disk,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        if fault.during:
            wait_for_shard(disk, command[-1] if "-o" in command else "set")
            fault.during(disk)
        message = process.communicate()[1].strip()
        said = process.returncode in (1, 3) and fault.said in message and "Traceback" not in message
        clean = not (disk / "set").exists() and not (disk / "set.npz").exists()
        fault.end(disk)
        again = finished(disk, command) == whole
    print(f"{fault_name}, {command_name}: exit {process.returncode}, {message.splitlines()[-1:]}")
    print(f"  said {said}, destination untouched {clean}, the same bytes afterwards {again}", flush=True)
    return said and clean and again


@contextmanager
def disk_of(place: Path, options: str) -> Iterator[Path]:
    """A disk in memory while the block runs."""
    disk = place / "disk"
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},mode=1777", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def wait_for_shard(disk: Path, destination: str) -> None:
    """Until some photos are done."""
    manifest = disk / f"{destination}.partial" / "manifest.jsonl"
    for _ in range(6000):
        if manifest.exists() and manifest.stat().st_size:
            return
        time.sleep(0.01)


if __name__ == "__main__":
    main()
