"""What other people use for the work of the formats, as pairs of functions to take the time of."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
import shutil
import statistics
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digitprep import formats
from digitprep.dataset import Split
from digitprep.formats import gz

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@dataclass(frozen=True)
class Comparison:
    """Two ways to do the same; `goal` says how many times as fast ours should be."""

    what: str
    ours: Callable[[], Any]
    other: str
    theirs: Callable[[], Any]
    goal: float | None = None


def ratios(one: Comparison, turns: int) -> tuple[float, float]:
    """The median CPU seconds of ours and of theirs, each in turn."""
    costs: tuple[list[float], list[float]] = [], []
    for _ in range(turns):
        for work, seconds in zip((one.ours, one.theirs), costs, strict=True):
            start = time.process_time()
            work()
            seconds.append(time.process_time() - start)
    return statistics.median(costs[0]), statistics.median(costs[1])


def comparisons(split: Split, folder: Path) -> Iterator[Comparison]:
    """All that can be compared with what is installed; what is not is said."""
    yield from idx_comparisons(split, folder)
    yield from png_comparisons(split, folder)
    yield from csv_comparisons(split, folder)


def idx_comparisons(split: Split, folder: Path) -> Iterator[Comparison]:
    packed, plain = folder / "idx", folder / "plain"
    formats.write(split, packed, format="idx")
    formats.write(split, plain, format="idx(compress=False)")
    yield from packed_idx_reads(split, packed)
    header = (plain / IMAGES).read_bytes()[:16]

    def write() -> None:
        fresh(folder / "out", lambda path: formats.write(split, path, format="idx"))

    yield Comparison(
        "IDX gz, write", write, "gzip.compress", lambda: gzip.compress(header + split.images.tobytes()), 15
    )
    yield Comparison("IDX gz, write", write, "zlib alone, level 6", lambda: zlib.compress(split.images, 6))
    yield from plain_idx_reads(plain)


def packed_idx_reads(split: Split, folder: Path) -> Iterator[Comparison]:
    """With zlib at first, as it comes with Python; with isal where it is installed."""
    images = folder / f"{IMAGES}.gz"
    packed = images.read_bytes()

    def inflate() -> None:
        zlib.decompress(packed, 31, split.images.nbytes + 16)

    def read() -> None:
        formats.read(folder)

    installed, gz.inflater = gz.inflater, zlib
    yield Comparison("IDX gz, read", read, "zlib alone", inflate, 1 / 1.1)
    yield Comparison(
        "IDX gz, read in parts", lambda: deque(formats.stream(folder), 0), "zlib alone", inflate, 1 / 1.1
    )
    yield Comparison("IDX gz, read", read, "gzip.open", lambda: gzip_array(images))
    gz.inflater = installed
    if installed is zlib:
        print("isal is not installed: not compared")
    else:
        yield Comparison("IDX gz, read with isal", read, "zlib alone", inflate)


def plain_idx_reads(folder: Path) -> Iterator[Comparison]:
    for name in ("idx2numpy", "mnist"):
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed: not compared")

    def read() -> None:
        formats.read(folder)

    if importlib.util.find_spec("idx2numpy"):
        import idx2numpy

        files = [str(folder / name) for name in (IMAGES, LABELS)]
        yield Comparison(
            "IDX, read", read, "idx2numpy", lambda: list(map(idx2numpy.convert_from_file, files))
        )
    if importlib.util.find_spec("mnist"):
        import mnist

        yield Comparison("IDX, read", read, "python-mnist", lambda: mnist.MNIST(str(folder)).load_training())


def gzip_array(file: Path) -> np.ndarray:
    with gzip.open(file) as opened:
        return np.frombuffer(opened.read(), np.uint8, offset=16)


def png_comparisons(split: Split, folder: Path) -> Iterator[Comparison]:
    ours = folder / "png"
    formats.write(split, ours, format="pngjson")
    yield Comparison(
        "PNG folder, read", lambda: formats.read(ours), "the tutorial's loop", lambda: tutorial_read(ours), 4
    )
    files = sorted((ours / "train_x").iterdir())
    yield Comparison(
        "PNG folder, read",
        lambda: formats.read(ours),
        "reading the files alone",
        lambda: [file.read_bytes() for file in files],
    )
    made = folder / "made"

    def write() -> None:
        fresh(made, lambda path: formats.write(split, path, format="pngjson"))

    yield Comparison(
        "PNG folder, write",
        write,
        "the tutorial's loop",
        lambda: fresh(made, lambda path: tutorial_write(split, path)),
        3,
    )
    yield Comparison(
        "PNG folder, write", write, "empty files alone", lambda: fresh(made, lambda path: empty(split, path))
    )


def tutorial_read(folder: Path) -> tuple[np.ndarray, list[int]]:
    images = [
        np.array(Image.open(os.path.join(place, name)))  # noqa: PTH118 - as tutorials have it
        for place, _, names in os.walk(folder / "train_x")
        for name in sorted(names)
    ]
    return np.array(images), json.loads((folder / "train_y.json").read_text())


def tutorial_write(split: Split, folder: Path) -> None:
    (folder / "train_x").mkdir(parents=True)
    for index, image in enumerate(split.images):
        Image.fromarray(image).save(folder / "train_x" / f"{index + 1:05}.png")
    (folder / "train_y.json").write_text(json.dumps(split.labels.tolist()))


def empty(split: Split, folder: Path) -> None:
    folder.mkdir()
    for index in range(len(split)):
        (folder / f"{index + 1:05}.png").touch()


def csv_comparisons(split: Split, folder: Path) -> Iterator[Comparison]:
    file, made = folder / "train.csv", folder / "made.csv"
    formats.write(split, file)

    def write() -> None:
        fresh(made, lambda path: formats.write(split, path))

    yield Comparison("CSV, read", lambda: formats.read(file), "csv", lambda: csv_read(file), 5)
    yield Comparison("CSV, write", write, "csv", lambda: fresh(made, lambda path: csv_write(split, path)), 5)
    if importlib.util.find_spec("polars") is None:
        print("polars is not installed: not compared")
        return
    import polars

    columns = ["label", *(f"pixel{index}" for index in range(split.images[0].size))]
    table = np.column_stack([split.labels.astype(np.uint8), split.images.reshape(len(split), -1)])
    types = dict.fromkeys(columns, polars.UInt8)
    yield Comparison(
        "CSV, read",
        lambda: formats.read(file),
        "polars",
        lambda: polars.read_csv(file, schema=types).to_numpy(),
        1,
    )
    yield Comparison(
        "CSV, write",
        write,
        "polars",
        lambda: fresh(made, lambda path: polars.DataFrame(table, schema=types).write_csv(path)),
        1,
    )


def csv_read(file: Path) -> np.ndarray:
    with file.open(newline="") as opened:
        rows = csv.reader(opened)
        next(rows)
        return np.array([list(map(int, row)) for row in rows], np.uint8)


def csv_write(split: Split, file: Path) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["label", *(f"pixel{index}" for index in range(split.images[0].size))])
        pixels = split.images.reshape(len(split), -1).tolist()
        writer.writerows([label, *row] for label, row in zip(split.labels.tolist(), pixels, strict=True))


def fresh(path: Path, write: Callable[[Path], Any]) -> None:
    """Write to a path that holds nothing."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    write(path)
