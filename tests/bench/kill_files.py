"""Kill -9 `clean` and `convert` at random moments, run them again, and compare with an undisturbed run.

    python tests/bench/kill_files.py [--kills 100] [--photos 1000]

The photos are the digits of samples/, some of them broken. After each kill the destination must not be
there or be whole, and after the second run nothing else may be left. Prints a line a kill and exits with 1
where anything was different. Moments are drawn uniformly from the time of the undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

import digitprep as dp

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "samples" / "digits" / "idx"
# Each with its destination last. The third replaces a folder that is there.
COMMANDS = {
    "clean": ["clean", "photos", "-o", "set.npz"],
    "clean with 2 jobs": ["clean", "photos", "--jobs", "2", "--to", "pngjson", "-o", "set"],
    "convert": ["convert", str(DIGITS), "--to", "pngjson", "--overwrite", "set"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    moments = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        draw_photos(Path(name, "photos"), given.photos)
        each = -(-given.kills // len(COMMANDS))
        same = sum(
            count_same(Path(name), title, command, each, moments) for title, command in COMMANDS.items()
        )
    print(f"{same} of {each * len(COMMANDS)} runs ended with the same files, byte for byte, and no others")
    sys.exit(same != each * len(COMMANDS))


def draw_photos(folder: Path, count: int) -> None:
    """Dark digits on light paper, every fiftieth file cut short."""
    folder.mkdir()
    digits = dp.read(DIGITS)["train"].images
    for number in range(count):
        file = folder / f"{number}.png"
        Image.fromarray(255 - digits[number % len(digits)]).resize((84, 84)).save(file)
        if number % 50 == 7:
            file.write_bytes(file.read_bytes()[:100])


def count_same(place: Path, title: str, command: list[str], kills: int, moments: random.Random) -> int:
    """How many killed runs of a command left nothing half-written and ended as an undisturbed one."""
    start = time.monotonic()
    whole = finished(place, command)
    duration = time.monotonic() - start
    print(f"{title}, undisturbed: {duration:.1f} s, {len(whole)} files", flush=True)
    destination = command[-1]
    good = 0
    for number in range(1, kills + 1):
        if "--overwrite" not in command:
            clear(place)
        after = moments.uniform(0, duration)
        process = subprocess.Popen(
            arguments(command),
            cwd=place,
            env=environment(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(after)
        os.killpg(process.pid, 9)
        process.wait()
        left = files(place)
        part = {name: data for name, data in left.items() if name.partition("/")[0] == destination}
        expected = {name: data for name, data in whole.items() if name.partition("/")[0] == destination}
        intact = not part or part == expected
        again = (
            [*command[:-2], "--overwrite", *command[-2:]]
            if part and "--overwrite" not in command
            else command
        )
        alike = finished(place, again) == whole
        good += intact and alike
        verdict = "the same" if intact and alike else "HALF-WRITTEN" if not intact else "OTHER FILES"
        print(f"{title}, kill {number:3} after {after:5.2f} s: {verdict}", flush=True)
    clear(place)
    return good


def finished(place: Path, command: list[str]) -> dict[str, bytes]:
    """The files that a run to the end leaves, by name; 7 says that some photos were rejected."""
    done = subprocess.run(
        arguments(command), cwd=place, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 7):
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return files(place)


def files(place: Path) -> dict[str, bytes]:
    """All that lies beside the photos."""
    found = (path for path in place.rglob("*") if path.is_file())
    return {
        name: path.read_bytes()
        for path in found
        if not (name := path.relative_to(place).as_posix()).startswith("photos/")
    }


def clear(place: Path) -> None:
    for path in place.iterdir():
        if path.name != "photos":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def arguments(command: list[str]) -> list[str]:
    return [sys.executable, "-m", "digitprep", *command]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
