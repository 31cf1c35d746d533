"""Readers of what people and other programs write: pipelines, formats, tables of labels, names, runs kept."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from containers import ZIP

from digitprep.batch import Cleaned
from digitprep.formats import FORMATS
from digitprep.labels import find_labels
from digitprep.names import natural_key, path_inside
from digitprep.nn.augment import AUGMENTATIONS
from digitprep.pipeline import Pipeline
from digitprep.recipes import RECIPES
from digitprep.shards import MANIFEST, from_bytes, to_bytes
from digitprep.spool import Spool
from harnesses import harness, parse_with, scratch, written


def texts(*some: str) -> list[bytes]:
    return [text.encode() for text in some]


@harness(
    seeds=lambda: texts(*(recipe.steps for recipe in RECIPES.values()), "threshold(method='otsu') | crop")
)
def pipeline_text(data):
    pipeline = Pipeline.parse(data.decode("utf-8", "replace"))
    assert Pipeline.parse(str(pipeline)) == pipeline
    assert Pipeline.from_list(json.loads(json.dumps(pipeline.to_list()))) == pipeline


@harness(seeds=lambda: texts(*(recipe.steps for recipe in RECIPES.values()), "resize | center"), share=0.1)
def pipeline_run(data):
    image = np.full((12, 12, 3), 220, np.uint8)
    image[3:9, 6] = 10
    Pipeline.parse(data.decode("utf-8", "replace"))(image)


@harness(
    seeds=lambda: texts(*(FORMATS.template(name) for name in FORMATS), "affine(angle_degrees=12) | thickness")
)
def other_texts(data):
    parse_with((FORMATS, AUGMENTATIONS), data)


@cache
def _photos() -> list[Path]:
    return [written(f"photos/{name}", b"") for name in ("1.png", "a/2.png", "a/3.png")]


@harness(seeds=lambda: texts('{"1.png": 1, "a/2.png": 2, "3.png": "3"}', "[1, 2.0, 3]"))
def labels_json(data):
    _photos()
    found = find_labels(_photos(), str(written("photos/labels.json", data)))
    assert len(found) == len(_photos())


@harness(seeds=lambda: texts("file,label\n1.png,1\na\\2.png,2\n", "1.png;1\n3.png;3\n", '"1.png"\t"1"\n'))
def labels_csv(data):
    found = find_labels(_photos(), str(written("photos/labels.csv", data)))
    assert len(found) == len(_photos())


@harness(seeds=lambda: texts("digit_{label}_*", "{label}.png", "name", "folder", "a*{label}*"))
def labels_how(data):
    find_labels(_photos(), data.decode("utf-8", "replace").replace("/", ""))


@harness(seeds=lambda: texts("train/7/00001.png", "..\\..\\x", "C:\\a", "./a//b", "00012", "٣.png"))
def names(data):
    name = data.decode("utf-8", "replace")
    natural_key(name)
    inside = path_inside(name)
    if inside is not None:
        root = scratch() / "root"
        assert (root / inside).resolve().is_relative_to(root.resolve()), f"{inside!r} leads outside"


def shard_seeds() -> list[bytes]:
    image, photo = np.zeros((4, 4), np.uint8), Path("a.png")
    done = Cleaned(photo, image, (1, 2, 3, 4), image, label=7, decisions=("invert: yes",))
    stamp = (str(photo), 12, "34")
    return [to_bytes([(stamp, [done]), (stamp, [Cleaned(photo, reason="blank", lost=True)])])]


FACTS = {"version": "1"}


@harness(seeds=shard_seeds, container=ZIP)
def spool_shard(data):
    with suppress(ValueError):
        from_bytes(data)


def manifest_seeds() -> list[bytes]:
    line = {"shard": "000000.npz", "sha256": "0" * 64, "photos": 3}
    return [
        f"{json.dumps(line)}\n".encode(),
        f"{json.dumps(line)}\n{json.dumps(line | {'shard': '000001.npz'})}\n".encode(),
    ]


@harness(seeds=manifest_seeds)
def spool_manifest(data):
    _spooled(MANIFEST, data)


@harness(seeds=lambda: [json.dumps(FACTS).encode(), b'{"version": "2", "pipeline": "x"}'])
def spool_facts(data):
    _spooled("run.json", data)


def _spooled(name: str, data: bytes) -> None:
    folder = scratch() / "set.partial"
    for file in folder.glob("*"):
        file.unlink()
    written("set.partial/run.json", json.dumps(FACTS).encode())
    written(f"set.partial/{name}", data)
    with Spool(scratch() / "set", FACTS) as spool:
        list(spool.through(_photos(), lambda photos: ([Cleaned(photo, reason="none")] for photo in photos)))
