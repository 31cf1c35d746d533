"""Clean many photos, one in twenty broken, in one run: what is made, what is told, memory and throughput.

    python tests/bench/bench_batch.py MNIST FOLDER [--photos 100000] [--jobs 2]

FOLDER gets the photos, once: drawings of MNIST's test digits with difficulties of bench_photos.py, each at
twenty sizes, and one in twenty files broken in one of the ways of broken.py. One `clean` of all is
watched: every good photo has to be in the dataset, in order, every broken one in the list of those that
were rejected, with its reason; the memory of its processes is read when a tenth of the photos is done and
when all are. Then a part of them is cleaned by one process and by two, in turns.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: a process a core

import numpy as np
from broken import WAYS
from difficulties import DIFFICULTIES, draw
from PIL import Image

import digitprep as dp

SIZES = 20
SMALLEST_PX = 120
A_FOLDER = 1000  # photos
# What is lost in so small a photo, or without transparency.
UNUSED = ("none", "tiny", "thin-pen", "faint-pencil", "transparent")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist", type=Path, help="MNIST in any format")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3, help="of one process and two")
    given = parser.parse_args()
    photos = given.folder / f"photos-{given.photos}"
    if not photos.exists():
        make_photos(given.mnist, photos, given.photos, given.jobs)
    watched = Watched(photos, given.folder / "set", given.jobs)
    print(f"{given.photos:,} photos by {given.jobs} processes: {watched.seconds:.0f} s, exit {watched.code}")
    good = judged(given.folder / "set", given.photos)
    watched.print_memory(given.photos)
    print_throughput(photos, given.folder, given.turns)
    sys.exit(not good)


def make_photos(mnist: Path, folder: Path, count: int, jobs: int) -> None:
    """Draw the photos into a folder that appears when it is whole."""
    partial_folder = folder.with_name(f"{folder.name}.drawing")
    shutil.rmtree(partial_folder, ignore_errors=True)
    for number in range(0, count, A_FOLDER):
        (partial_folder / f"{number // A_FOLDER:05}").mkdir(parents=True)
    drawn = partial(_draw, mnist, partial_folder, count)
    with ProcessPoolExecutor(jobs) as executor:
        list(executor.map(drawn, range(-(-count // SIZES)), chunksize=50))
    partial_folder.rename(folder)


def _draw(mnist: Path, folder: Path, count: int, drawing: int) -> None:
    """One drawing at all its sizes, one of them broken."""
    digits = _digits(mnist)
    rng = random.Random(drawing)
    names = [name for name in DIFFICULTIES if name not in UNUSED]
    picture = Image.open(io.BytesIO(draw(rng.choice(names), 1, digits, drawing % len(digits), drawing)))
    picture = picture.convert("RGB")
    for size in range(SIZES):
        number = drawing * SIZES + size
        if number >= count:
            return
        small = picture.copy()
        small.thumbnail((SMALLEST_PX + 4 * size, SMALLEST_PX + 4 * size))
        place = folder / f"{number // A_FOLDER:05}" / f"{number:07}"
        if broken := way_of(number):
            way = WAYS[broken]
            place.with_suffix(way.suffix).write_bytes(way.make(np.asarray(small), rng))
        else:
            small.save(place.with_suffix(".jpg"), quality=85)


_known: dict[Path, np.ndarray] = {}


def _digits(mnist: Path) -> np.ndarray:
    """The test digits, read once a process."""
    if mnist not in _known:
        _known[mnist] = dp.read(mnist)["test"].images
    return _known[mnist]


def way_of(number: int) -> str | None:
    """How the photo of that number is broken, None where it is whole."""
    drawing, size = divmod(number, SIZES)
    return list(WAYS)[drawing % len(WAYS)] if size == drawing // len(WAYS) % SIZES else None


class Watched:
    """One `clean`, and the memory of its processes while it ran."""

    def __init__(self, photos: Path, destination: Path, jobs: int) -> None:
        command = [*CLEAN, str(photos), "-o", str(destination), "--to", "webdataset", "--jobs", str(jobs)]
        self.samples: list[tuple[int, int, int]] = []
        start = time.monotonic()
        process = subprocess.Popen([*command, "--overwrite", "--no-sheet"], stderr=subprocess.DEVNULL)
        watcher = threading.Thread(target=self._watch, args=(process, destination), daemon=True)
        watcher.start()
        self.code = process.wait()
        watcher.join()
        self.seconds = time.monotonic() - start

    def _watch(self, process: subprocess.Popen[bytes], destination: Path) -> None:
        """Note how many photos are done, and the bytes of the first process and of its children."""
        manifest = destination.with_name(f"{destination.name}.partial") / "manifest.jsonl"
        while process.poll() is None:
            try:
                done = 200 * manifest.read_bytes().count(b"\n")
            except OSError:
                done = 0
            self.samples.append((done, resident(process.pid), sum(map(resident, children(process.pid)))))
            time.sleep(0.5)

    def print_memory(self, photos: int) -> None:
        """The largest figures around a tenth of the way and at its end."""
        for title, low, high in (("a tenth", 0.08, 0.12), ("all", 0.9, 1.1)):
            here = [sample for sample in self.samples if low <= sample[0] / photos <= high]
            if here:
                first, others = max(one for _, one, _ in here), max(many for _, _, many in here)
                print(f"resident at {title}: {first / 1e6:.0f} MB, its workers {others / 1e6:.0f} MB in all")


def resident(pid: int) -> int:
    """Resident bytes of a process, 0 when it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return []


CLEAN = [sys.executable, "-m", "digitprep", "clean", "--quiet"]


def judged(destination: Path, count: int) -> bool:
    """Whether every whole photo gave an image and every broken one its reason; what did not is printed."""
    accepted = [int(Path(row["file"]).stem) for row in rows(destination, "photos")]
    rejected = {int(Path(row["file"]).stem): row["reason"] for row in rows(destination, "rejected")}
    whole = [number for number in range(count) if way_of(number) is None]
    missing = sorted(set(whole) - set(accepted))
    told = Counter(way_of(number) for number, reason in rejected.items() if right_reason(number, reason))
    broken = Counter(way_of(number) for number in range(count) if way_of(number))
    print(f"{len(accepted):,} images, {len(rejected):,} rejected; in order: {accepted == sorted(accepted)}")
    print(f"whole photos without an image: {len(missing)}" + f", such as {missing[:5]}" * bool(missing))
    for number in missing[:5]:
        print(f"  {number:07}: {rejected.get(number)}")
    for way, number in broken.items():
        print(f"  {way}: {told[way]} of {number} told")
    images = sum(len(part) for part in dp.stream(destination))
    print(f"{images:,} images in the dataset")
    return not missing and told == broken and images == len(accepted) == len(whole)


def rows(destination: Path, kind: str) -> list[dict[str, str]]:
    """The rows of a list beside the dataset."""
    with destination.with_name(f"{destination.name}.{kind}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def right_reason(number: int, reason: str) -> bool:
    """Whether a broken photo was rejected, and for what it is."""
    way = way_of(number)
    return way is not None and WAYS[way].reason in reason and bool(reason)


def print_throughput(photos: Path, folder: Path, turns: int) -> None:
    """How many photos a second one process cleans, and two, in turns."""
    parts = sorted(photos.iterdir())[:3]
    figures: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(turns):
        for jobs, seconds in figures.items():
            start = time.monotonic()
            options = ["-o", str(folder / "part.npz"), "--overwrite", "--no-sheet", "--jobs", str(jobs)]
            subprocess.run([*CLEAN, *map(str, parts), *options], stderr=subprocess.DEVNULL, check=False)
            seconds.append(time.monotonic() - start)
    one, two = (statistics.median(seconds) for seconds in figures.values())
    count = len(parts) * A_FOLDER
    print(f"{count:,} photos: 1 process {one:.1f} s, 2 processes {two:.1f} s, {one / two:.2f} times as fast")


if __name__ == "__main__":
    main()
