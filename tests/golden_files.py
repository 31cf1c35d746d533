"""The golden files, small ones in each layout of our own, as the first version wrote them.

Every later version has to read them: `contracts/test_formats.py` the datasets, `test_golden.py` the rest.
Run this file to write those that are missing, look at them, and commit them. One that is there is never
written again: a layout that changes gets a number of its own, and a golden file beside the old one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

import digitprep as dp
from digitprep import formats
from digitprep.batch import Cleaned
from digitprep.dataset import Dataset, Split
from digitprep.formats.base import FORMATS
from digitprep.nn import AUGMENTATIONS, INPUTS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, ZOO, Epoch, Model
from digitprep.nn.log import LOGS, Log
from digitprep.recipes import RECIPES
from digitprep.report.cleaning import CleaningReport
from digitprep.serve.project import Project
from digitprep.shards import to_bytes
from digitprep.steps import STEPS

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"


def ramp(*shape: int, by: int = 7) -> np.ndarray:
    """Pixels that differ, the same on every machine."""
    return (np.arange(np.prod(shape)) * by % 256).astype(np.uint8).reshape(shape)


DATA = Dataset(
    [
        Split(ramp(3, 5, 4), np.array([7, 0, 9])),
        Split(ramp(2, 2, 3, 3, by=11), name="test"),
    ]
)
NAMES = ("T-shirt/top", "a b", "ü")
TOLD = Dataset([Split(ramp(4, 3, 3), np.array([2, 0, 1, 2]), class_names=NAMES)])
ORIGIN = {
    "digitprep": "0.1.0",
    "pipeline": "grayscale | invert",
    "options": {"seed": 3},
    "sources": [{"name": "photos", "files": 2, "sha256": "0" * 64, "provenance": {"sources": []}}],
}

TRAINED_ON = Split(ramp(40, 6, 6, by=37), np.arange(40) % 3)
TRAINING = {"epochs": 2, "batch": 10, "validation": 10, "optimizer": "adam", "seed": 5}
LAYERS_TEXT = (
    "conv(channels=2, kernel=3) | batchnorm | relu | maxpool | flatten | dropout(rate=0.25) | dense(width=3)"
)


def model() -> Model:
    """A network whose parameters follow from no random generator."""
    made = Model.build(LAYERS_TEXT, (6, 6), 3, class_names=NAMES)
    made.metadata["note"] = "a note, ü"
    for params in made.params:
        for array in params.values():
            array[...] = 0.5 + np.arange(array.size, dtype=np.float32).reshape(array.shape) / 64
    return made


EPOCHS = [
    Epoch(1, 2.25, 0.5, None, None, 1.5, 100.0),
    Epoch(2, 1.125, 0.75, 1.5, 0.625, 1.25, 120.5, best=True, steps=20, learning_rate=0.001),
]
FACTS = {"digitprep": "0.1.0", "pipeline": "grayscale", "pillow-heif": None}
DONE = [
    (
        ("photos/a.png", 120, "7"),
        [
            Cleaned(
                Path("photos/a.png"),
                ramp(28, 28),
                (1, 2, 30, 40),
                ramp(8, 6, 3),
                label=4,
                doubt="it may show two digits",
                digit=9,
                confidence=0.5,
                decisions=("otsu: 120",),
                file=("a.png", "0" * 64),
            )
        ],
    ),
    (("photos/b.png", 0, "8"), [Cleaned(Path("photos/b.png"), reason="photos/b.png: it is empty")]),
]
KINDS = {
    "augmentations": AUGMENTATIONS,
    "formats": FORMATS,
    "inputs": INPUTS,
    "layers": LAYERS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "steps": STEPS,
}
WRITABLE = [name for name in FORMATS if FORMATS[name].suffixes or FORMATS[name].folder]


def destination(folder: Path, name: str) -> Path:
    """Where in a folder a dataset of that format goes."""
    ends = () if FORMATS[name].folder else FORMATS[name].suffixes
    return folder / ("data" + (ends or ("",))[0])


def write_dataset(name: str, folder: Path) -> None:
    formats.write(DATA, destination(folder, name), format=name)


def write_told(folder: Path) -> None:
    """Where class names and a provenance are inside, and where they lie in files of their own."""
    formats.write(TOLD, folder / "inside.npz", origin=ORIGIN)
    formats.write(TOLD, folder / "beside", format="idx", origin=ORIGIN)


def write_model(folder: Path) -> None:
    folder.mkdir()
    model().save(folder / "model.npz")


def write_checkpoint(folder: Path) -> None:
    """A run that ended after the first of two epochs."""
    folder.mkdir()
    run = dp.train(model(), TRAINED_ON, checkpoint=folder / "run.checkpoint.npz", **TRAINING)
    list(islice(run, 1))
    run.close()


def write_logs(folder: Path) -> None:
    folder.mkdir()
    for suffix in LOGS:
        log = Log(folder / f"log{suffix}")
        for epoch in EPOCHS:
            log.add(epoch)


def write_partial(folder: Path) -> None:
    """What a run of `clean` keeps until it has ended; as in `spool`, but that the photos lie nowhere."""
    shard = to_bytes(DONE)
    line = {"shard": "000000.npz", "sha256": hashlib.sha256(shard).hexdigest(), "photos": len(DONE)}
    kept = folder / "data.npz.partial"
    kept.mkdir(parents=True)
    (kept / "000000.npz").write_bytes(shard)
    (kept / "manifest.jsonl").write_bytes(json.dumps(line).encode() + b"\n")
    (kept / "run.json").write_bytes(json.dumps(FACTS, indent=2).encode())


def write_lists(folder: Path) -> None:
    """The tables beside a cleaned dataset."""
    folder.mkdir()
    report = CleaningReport(folder / "data.npz", sheet=False)
    for _, found in DONE:
        report.add(found[0])
    report.write()


def write_project(folder: Path) -> None:
    """A project of the workbench: two photos, one of them labelled, boxed and rejected; one thing to undo."""
    project = Project(folder)
    for number in (1, 2):
        png = cv2.imencode(".png", ramp(20, 16, 3, by=number))[1].tobytes()
        project.add(f"photo ü {number}.png", png)
    said = {"samples": {"": {"label": 7, "box": [1, 2, 10, 12], "rejected": True}}}
    project.change(1, project.photo(1).revision, said)
    project.close()
    (folder / ".open").rmdir()


def write_texts(folder: Path) -> None:
    """All that has a name and options, with each option; networks and recipes."""
    texts = {
        kind: {name: registry.template(name).replace("=...", "=3") for name in registry}
        for kind, registry in KINDS.items()
    }
    texts["networks"] = {name: ZOO[name].layers for name in ZOO}
    texts["recipes"] = {name: RECIPES[name].steps for name in RECIPES}
    folder.mkdir()
    text = json.dumps(texts, indent=1, ensure_ascii=False) + "\n"
    (folder / "texts.json").write_bytes(text.encode())


WRITERS: dict[str, Callable[[Path], None]] = {
    **{name: partial(write_dataset, name) for name in WRITABLE},
    "told": write_told,
    "model": write_model,
    "checkpoint": write_checkpoint,
    "logs": write_logs,
    "partial": write_partial,
    "lists": write_lists,
    "project": write_project,
    "texts": write_texts,
}


def main() -> None:
    """Write what is missing, and say so."""
    for name, write in WRITERS.items():
        folder, new = GOLDEN / name, GOLDEN / f"{name}.new"
        if not folder.exists():
            write(new)
            new.rename(folder)
            print(f"{folder.relative_to(TESTS.parent).as_posix()}: written")


if __name__ == "__main__":
    main()
