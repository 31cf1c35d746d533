"""What libraries that keep datasets of images take for the work of the formats, where they are installed."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from format_peers import IMAGES, LABELS, Comparison, fresh
from PIL import Image

from digitprep import formats
from digitprep.dataset import Split

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing that is compared may ask a server
FEW = 1000  # for what takes time that grows with the square of the count


def library_comparisons(split: Split, folder: Path) -> Iterator[Comparison]:
    """Those of the libraries that are installed; what is not, or does not load, is said."""
    libraries: dict[str, Callable[[Split, Path], Iterator[Comparison]]] = {
        "datasets": hugging_face,
        "webdataset": web_dataset,
        "torchvision": torch_vision,
        "datumaro": datumaro,
    }
    for name, compared in libraries.items():
        try:
            importlib.import_module(name)
        except (ImportError, RuntimeError) as error:
            print(f"{name}: not compared ({error})")
            continue
        inside = folder / name
        inside.mkdir()
        yield from compared(split, inside)


def hugging_face(split: Split, folder: Path) -> Iterator[Comparison]:
    import datasets

    datasets.disable_progress_bars()
    images, table, made = folder / "imagefolder", folder / "train.parquet", folder / "made.parquet"
    formats.write(split, images, format="imagefolder")
    formats.write(split, table)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})

    def loaded(kind: str, **where: Any) -> None:
        fresh(folder / "cache", lambda cache: arrays(kind, cache, where))

    def arrays(kind: str, cache: Path, where: dict[str, Any]) -> None:
        rows = datasets.load_dataset(kind, split="train", cache_dir=str(cache), **where)
        np.stack([np.asarray(image) for image in rows["image"]])
        np.array(rows["label"])

    def write(path: Path) -> None:
        rows = {"image": [Image.fromarray(image) for image in split.images], "label": split.labels}
        datasets.Dataset.from_dict(rows, features=features).to_parquet(path)

    yield Comparison(
        "imagefolder, read",
        lambda: formats.read(images),
        "datasets",
        lambda: loaded("imagefolder", data_dir=str(images)),
    )
    yield Comparison(
        "Parquet, read",
        lambda: formats.read(table),
        "datasets",
        lambda: loaded("parquet", data_files=str(table)),
    )
    yield Comparison(
        "Parquet, write",
        lambda: fresh(made, lambda path: formats.write(split, path)),
        "datasets",
        lambda: fresh(made, write),
    )


def web_dataset(split: Split, folder: Path) -> Iterator[Comparison]:
    import webdataset

    shards, made = folder / "shards", folder / "made"
    formats.write(split, shards, format="webdataset")
    names = sorted(str(path) for path in shards.glob("*.tar"))

    def read() -> None:
        rows = webdataset.WebDataset(names, shardshuffle=False).decode("l8").to_tuple("png", "cls")
        images, labels = zip(*rows, strict=True)
        np.stack(images), np.array(labels)

    def write(path: Path) -> None:
        path.mkdir()
        with webdataset.TarWriter(str(path / "train-000000.tar")) as archive:
            for index, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
                archive.write({"__key__": f"{index:06}", "png": image, "cls": int(label)})

    yield Comparison("WebDataset, read", lambda: formats.read(shards), "webdataset", read)
    yield Comparison(
        "WebDataset, write",
        lambda: fresh(made, lambda path: formats.write(split, path, format="webdataset")),
        "webdataset",
        lambda: fresh(made, write),
    )


def torch_vision(split: Split, folder: Path) -> Iterator[Comparison]:
    from torchvision.datasets import ImageFolder
    from torchvision.datasets.mnist import read_image_file, read_label_file

    plain, classes = folder / "plain", folder / "classes"
    formats.write(split, plain, format="idx(compress=False)")
    formats.write(split, classes, format="classfolders")

    def read() -> None:
        rows = ImageFolder(str(classes / "train"), lambda image: np.asarray(image.convert("L")))
        images, labels = zip(*rows, strict=True)
        np.stack(images), np.array(labels)

    yield Comparison(
        "IDX, read",
        lambda: formats.read(plain),
        "torchvision",
        lambda: (read_image_file(str(plain / IMAGES)), read_label_file(str(plain / LABELS))),
    )
    yield Comparison("class folders, read", lambda: formats.read(classes), "torchvision", read)


def datumaro(split: Split, folder: Path) -> Iterator[Comparison]:
    from datumaro import Dataset

    few, packed, made = split[:FEW], folder / "packed", folder / "made"
    formats.write(few, packed, format="idx")

    def loaded() -> Any:
        return Dataset.import_from(str(packed), "mnist")

    def read() -> None:
        np.stack([item.media.data for item in quietly(loaded)])

    def write(format_: str) -> Callable[[Path], Any]:
        rows = quietly(loaded)
        return lambda path: quietly(lambda: rows.export(str(path), format_, save_media=True))

    yield Comparison(f"IDX gz, read {FEW:,}", lambda: formats.read(packed), "datumaro", read)
    for ours, theirs in (("idx", "mnist"), ("classfolders", "imagenet")):
        export = write(theirs)
        yield Comparison(
            f"{ours}, write {FEW:,}",
            lambda ours=ours: fresh(made, lambda path: formats.write(few, path, format=ours)),
            "datumaro",
            lambda export=export: fresh(made, export),
        )


def quietly(work: Callable[[], Any]) -> Any:
    """What the work gives, without its bars of progress."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        return work()
