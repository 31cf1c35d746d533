"""What the formats hold, hold on to and cost: `python tests/bench/bench_formats.py --pairs MNIST`.

--pairs MNIST    every format that is written into every other: the table, and whether nothing was lost
--memory         a million images from idx to webdataset and back: the peak of each process
--speed MNIST    CPU time beside what others use, taken in turns, and beside what zlib or the disk alone takes

MNIST is a folder with MNIST's four files. Files go to --folder, which may be a RAM disk. What --speed
compares with is in the extras interop, isal and parquet, and in python-mnist, torchvision and datumaro.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from format_libraries import library_comparisons
from format_peers import comparisons, ratios
from readme_table import NOTHING, print_table, times

from digitprep import formats
from digitprep.contents import difference
from digitprep.dataset import Split, concatenate
from digitprep.formats import FORMATS

WRITABLE = [name for name in sorted(FORMATS) if FORMATS[name].suffixes or FORMATS[name].folder]
# The README's rows: in braces, which comparison the figure is from.
README_ROWS = {
    "`idx`, gzip: read": "zlib alone {IDX gz, read: zlib alone},"
    " in parts {IDX gz, read in parts: zlib alone},"
    " with the extra `isal` {IDX gz, read with isal: zlib alone}; `gzip.open` {IDX gz, read: gzip.open}",
    "`idx`, gzip: write": "Python's `gzip` {IDX gz, write: gzip.compress},"
    " zlib alone at the same level {IDX gz, write: zlib alone, level 6}",
    "`idx`, plain: read": "idx2numpy {IDX, read: idx2numpy}, torchvision {IDX, read: torchvision},"
    " python-mnist {IDX, read: python-mnist}",
    "`idx`, 1,000 images: read, write": "datumaro {IDX gz, read 1,000: datumaro},"
    " {idx, write 1,000: datumaro}",
    "`pngjson`: read": "the tutorials' loop with Pillow {PNG folder, read: the tutorial's loop},"
    " reading the files alone {PNG folder, read: reading the files alone}",
    "`pngjson`: write": "the tutorials' loop with Pillow {PNG folder, write: the tutorial's loop},"
    " creating empty files {PNG folder, write: empty files alone}",
    "`csv`: read, write": "`csv` {CSV, read: csv}, {CSV, write: csv};"
    " polars {CSV, read: polars}, {CSV, write: polars}",
    "`classfolders`: read": "torchvision's ImageFolder {class folders, read: torchvision}",
    "`imagefolder`: read": "Hugging Face's `datasets` {imagefolder, read: datasets}",
    "`parquet`: read, write": "Hugging Face's `datasets` {Parquet, read: datasets},"
    " {Parquet, write: datasets}",
    "`webdataset`: read, write": "`webdataset` {WebDataset, read: webdataset},"
    " {WebDataset, write: webdataset}",
}
MILLION, BATCH = 1_000_000, 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=Path, metavar="MNIST")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--speed", type=Path, metavar="MNIST")
    parser.add_argument("--images", type=int, help="how many instead of 60,000, or of a million")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where files go; a temporary folder if not given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        if options.pairs:
            print_pairs(options.pairs, options.images or 60_000, folder)
        if options.memory:
            print_memory(options.images or MILLION, folder)
        if options.speed:
            print_speed(options.speed, options.images or 60_000, options.turns, folder)


def print_pairs(mnist: Path, count: int, folder: Path) -> None:
    """A row a source, a column a destination. Ends with exit code 1 where a pair differs."""
    first = {name: folder / f"first-{name}{ending(name)}" for name in WRITABLE}
    for name, path in first.items():
        formats.write(training_images(mnist, count), path, format=name)
    print(f"{count:,} images of {mnist.name}", flush=True)
    print("| from \\ to |", " | ".join(WRITABLE), "|", "\n|" + "---|" * (len(WRITABLE) + 1), flush=True)
    differing = 0
    for source in WRITABLE:
        print(f"| {source} |", end="", flush=True)
        for target in WRITABLE:
            path = folder / f"next{ending(target)}"
            formats.write(formats.stream(first[source]), path, format=target, overwrite=True)
            found = difference(training_images(mnist, count), formats.stream(path))
            differing += found is not None
            print(f" {found or 'same'} |", end="", flush=True)
            move_away(path)
        print(flush=True)
    print(f"{len(WRITABLE) ** 2} pairs, {differing} of them differ")
    if differing:
        sys.exit(1)


def training_images(mnist: Path, count: int) -> Iterator[Split]:
    """The first `count` training images, in full batches."""
    batches = (part for part in formats.stream(mnist, batch=BATCH) if part.name == "train")
    for index, part in enumerate(islice(batches, -(-count // BATCH))):
        yield part[: count - index * BATCH]


def ending(name: str) -> str:
    return "" if FORMATS[name].folder else FORMATS[name].suffixes[0]


def move_away(path: Path) -> None:
    """Remove what was written, file by file."""
    if path.is_file():
        path.unlink()
        return
    for file in sorted(path.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    path.rmdir()


CONVERSION = "import sys; from digitprep import formats; a, b, to = sys.argv[1:]; "
CONVERSION += "formats.write(formats.stream(a), b, format=to)"


def print_memory(count: int, folder: Path) -> None:
    """The peak resident memory of each conversion, in a process of its own."""
    first, shards, again = folder / "first", folder / "shards", folder / "again"
    formats.write(random_digits(count), first, format="idx")
    print(f"{count:,} images of 28 x 28, peak resident memory of the process:")
    for source, target, name in ((first, shards, "webdataset"), (shards, again, "idx")):
        start = time.monotonic()
        peak_mb = peak_memory_mb([sys.executable, "-c", CONVERSION, str(source), str(target), name])
        print(f"  to {name}: {peak_mb:.0f} MB, {time.monotonic() - start:.0f} s", flush=True)
    files = sorted(file.name for file in first.iterdir())
    same = all((first / name).read_bytes() == (again / name).read_bytes() for name in files)
    print(f"  {', '.join(files)}: {'the same bytes' if same else 'DIFFERENT bytes'}")
    if not same:
        sys.exit(1)


def peak_memory_mb(command: list[str]) -> float:
    """Run a command; the largest resident set of its process. Raises where it fails."""
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_maxrss / 1024


def random_digits(count: int) -> Iterator[Split]:
    """Images with as much ink as MNIST's, and labels; the same each time."""
    rng = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        images = np.zeros((min(BATCH, count - start), 28, 28), np.uint8)
        images[:, 6:22, 10:18] = rng.integers(0, 256, (len(images), 16, 8), np.uint8)
        yield Split(images, rng.integers(0, 10, len(images)))


def print_speed(mnist: Path, count: int, turns: int, folder: Path) -> None:
    """A row a comparison: the CPU seconds of ours and of the other, and how many times ours is as fast.

    Then the README's table, in which a dash stands for what is not installed.
    """
    print(f"{count:,} images, CPU seconds, median of {turns} turns taken alternately")
    print("| what | digitprep | other | CPU s | times as fast | goal |", "\n|---|---|---|---|---|---|")
    whole = concatenate(training_images(mnist, count))
    found = {}
    for one in chain(comparisons(whole, folder), library_comparisons(whole, folder)):
        ours, theirs = ratios(one, turns)
        found[f"{one.what}: {one.other}"] = times(theirs / ours)
        goal = "" if one.goal is None else f"{one.goal:g}"
        print(
            f"| {one.what} | {ours:.2f} | {one.other} | {theirs:.2f} | {theirs / ours:.2f} | {goal} |",
            flush=True,
        )
    cells = (re.sub("{(.+?)}", lambda key: found.get(key[1], NOTHING), cell) for cell in README_ROWS.values())
    print_table("formats", ["", "times as fast as"], zip(README_ROWS, cells, strict=True))


if __name__ == "__main__":
    main()
