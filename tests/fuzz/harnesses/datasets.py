"""Readers of datasets: each file of each format, with the others of its folder as they should be."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from containers import GZIP, MAT, PARQUET, PNG, TAR, ZIP

from digitprep import formats
from digitprep.dataset import Split
from digitprep.formats.png import decode_png, encode_png
from digitprep.formats.png_batch import decode_alike
from harnesses import harness, scratch, written

COUNT = 3
NAMES = ("zero", "one", "two")


@cache
def split(channels: int = 1, side: int = 4, names: tuple[str, ...] | None = None) -> Split:
    shape = (COUNT, side, side) if channels == 1 else (COUNT, side, side, channels)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return Split(images, np.arange(COUNT), "train", class_names=names)


def folder(kind: str, data: Split | None = None) -> Path:
    """A dataset in that format in the scratch folder, whose files the harnesses replace."""
    path = scratch() / f"{kind.partition('(')[0]}-{len(list(scratch().iterdir()))}"
    formats.write(data or split(), path, format=kind)
    return path


def idx(code: int, shape: tuple[int, ...], size: int = 1) -> bytes:
    values = bytes(index % 3 for index in range(math.prod(shape) * size))
    return struct.pack(f">2xBB{len(shape)}I", code, len(shape), *shape) + values


def idx_seeds(*plain: bytes) -> list[bytes]:
    return [*plain, *(gzip.compress(one, 1, mtime=0) for one in plain)]


SIZES = {8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8}  # of IDX's types


@cache
def _idx() -> Path:
    return folder("idx(compress=False)")


@harness(seeds=lambda: idx_seeds(idx(8, (3, 4, 4)), idx(8, (3, 2, 2, 3)), idx(8, (0, 4, 4))), container=GZIP)
def idx_images(data):
    (_idx() / "train-images-idx3-ubyte").write_bytes(data)
    formats.read(_idx())


@harness(seeds=lambda: idx_seeds(idx(8, (3,)), idx(0x0C, (3,), 4), idx(0x0C, (3, 8), 4)), container=GZIP)
def idx_labels(data):
    (_idx() / "train-images-idx3-ubyte").write_bytes(idx(8, (3, 4, 4)))
    (_idx() / "train-labels-idx1-ubyte").write_bytes(data)
    formats.read(_idx(), classes=None)


@harness(seeds=lambda: idx_seeds(*(idx(code, (3, 2), size) for code, size in SIZES.items())), container=GZIP)
def idx_array(data):
    formats.read_idx(written("array", data))


def saved(save, *arrays, **named) -> bytes:
    made = io.BytesIO()
    save(made, *arrays, **named)
    return made.getvalue()


def npz_seeds() -> list[bytes]:
    images, labels = split().images, split().labels
    file = scratch() / "seed.npz"
    formats.write(split(names=NAMES), file, overwrite=True)
    return [
        file.read_bytes(),
        saved(np.savez, x_train=images, y_train=labels, x_test=images[:1], y_test=labels[:1]),
        saved(np.savez, train_images=images / 255.0, train_labels=np.eye(3)[labels]),
        saved(np.savez, x_train=np.asfortranarray(images), y_train=labels[:, None].astype(np.int16)),
        saved(np.savez_compressed, x_train=images > 100, y_train=labels.astype(float)),
        saved(
            np.savez, x_train=images.reshape(3, 16).astype(">f4"), y_train=labels, class_names=np.array(NAMES)
        ),
    ]


@harness(seeds=npz_seeds, container=ZIP)
def npz(data):
    formats.read(written("data.npz", data), format="npz(round_floats=True)")


@harness(seeds=npz_seeds, container=ZIP)
def npz_provenance(data):
    formats.origin(written("told.npz", data), "npz")


def npy_seeds() -> list[bytes]:
    images = split().images
    return [
        saved(np.save, array) for array in (images, np.asfortranarray(images), images / 255.0, images > 9)
    ]


@cache
def _npypair() -> Path:
    return folder("npypair")


@harness(seeds=npy_seeds)
def npy_images(data):
    (_npypair() / "x_train.npy").write_bytes(data)
    formats.read(_npypair(), format="npypair(round_floats=True)")


@harness(
    seeds=lambda: [saved(np.save, array) for array in (np.arange(3), np.eye(3), np.arange(3.0)[:, None])]
)
def npy_labels(data):
    (_npypair() / "x_train.npy").write_bytes(npy_seeds()[0])
    (_npypair() / "y_train.npy").write_bytes(data)
    formats.read(_npypair())


def png_seeds() -> list[bytes]:
    from PIL import Image

    grey, colour = split().images[0], split(3).images[0]
    made = [encode_png(grey), encode_png(colour), filtered(grey)]
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = Image.fromarray(colour).convert("L" if mode == "I;16" else mode).convert(mode)
        text = io.BytesIO()
        image.save(text, "PNG", icc_profile=b"icc" * 9, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
        made.append(text.getvalue())
    return made


def filtered(grey: np.ndarray) -> bytes:
    """A PNG file with another filter for each row."""
    rows = b"".join(bytes([1 + index % 4]) + row.tobytes() for index, row in enumerate(grey))
    plain = encode_png(grey)
    body = zlib.compress(rows)
    chunk = len(body).to_bytes(4) + b"IDAT" + body + zlib.crc32(b"IDAT" + body).to_bytes(4)
    return plain[:33] + chunk + plain[-12:]


@harness(seeds=png_seeds, container=PNG)
def png(data):
    alike = decode_alike([data])
    image = decode_png(data, "data.png")
    assert alike is None or (alike[0] == image).all(), "the fast reader and the plain one differ"


def csv_seeds() -> list[bytes]:
    head = ",".join(["label", *(f"pixel{index}" for index in range(4))])
    placed = "label," + ",".join(f"{row}x{column}" for row in (1, 2) for column in (1, 2))
    rows = "7,0,255,3,0\n1,0,0,12,0\n"
    return [
        text.encode()
        for text in (
            *(f"{head}\n{rows}", rows, f"{placed}\n{rows}", f"{head}\r\n" + rows.replace("\n", "\r\n")),
            *('"7","0",255.0,3e0,0\n', rows.replace(",", ", "), f"\ufeff{head}\n{rows}", head + "\n"),
        )
    ]


@harness(seeds=csv_seeds)
def csv(data):
    formats.read(written("train.csv", data), format="csv", classes=None)


@harness(seeds=csv_seeds)
def csv_columns(data):
    options = random.Random(data).choice(
        ('label="first"', 'label="last"', 'label="none"', "height=1", 'color="planar"')
    )
    formats.read(written("columns.csv", data), format=f"csv({options})")


def parquet_seeds() -> list[bytes]:
    made = []
    for data in (split(), split(names=NAMES), Split(split().images, None, "train")):
        file = scratch() / "train.parquet"
        formats.write(data, file, overwrite=True)
        made.append(file.read_bytes())
    return made


@harness(seeds=parquet_seeds, container=PARQUET)
def parquet(data):
    formats.read(written("train.parquet", data), format="parquet")


@cache
def _pngjson() -> Path:
    return folder("pngjson")


LABELS = [b"[0, 1, 2]\n", b'{"00001": 0, "00002.png": 1, "00003.PNG": 2.0}', b'\xef\xbb\xbf{"1.png": 3}']


@harness(seeds=lambda: LABELS)
def pngjson_labels(data):
    (_pngjson() / "train_y.json").write_bytes(data)
    formats.read(_pngjson(), format="pngjson", classes=None)


def tar_seeds() -> list[bytes]:
    import tarfile

    made = [next(folder("webdataset").glob("*.tar")).read_bytes()]
    picture = encode_png(split().images[0])
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
            for end, content in {"png": picture, "cls": b"3", "json": b"{}"}.items():
                entry = tarfile.TarInfo(f"a{'é' * 60}/1.{end}")
                entry.size, entry.mtime = len(content), 0.5
                archive.addfile(entry, io.BytesIO(content))
        made.append(stream.getvalue())
    return [*made, *(gzip.compress(one, 1, mtime=0) for one in made)]


@harness(seeds=tar_seeds, container=TAR)
def webdataset(data):
    formats.read(written("train-000000.tar", data), format="webdataset")


@harness(seeds=tar_seeds, container=GZIP)
def webdataset_gzipped(data):
    formats.read(written("train-000000.tar.gz", data), format="webdataset")


def jsonl_seeds() -> list[bytes]:
    rows = [{"file_name": f"{index:05}.png", "label": index} for index in (1, 2, 3)]
    words = [row | {"label": name} for row, name in zip(rows, NAMES, strict=True)]
    return ["".join(json.dumps(row) + "\n" for row in some).encode() for some in (rows, words)]


@cache
def _imagefolder(kind: str) -> Path:
    return folder(f'imagefolder(metadata="{kind}")', split(names=NAMES))


@harness(seeds=jsonl_seeds)
def imagefolder_jsonl(data):
    (_imagefolder("jsonl") / "train" / "metadata.jsonl").write_bytes(data)
    formats.read(_imagefolder("jsonl"), classes=None)


@harness(
    seeds=lambda: [b"file_name,label\n00001.png,0\n00002.png,1\n00003.png,2\n", b'file_name\n"00001.png"\n']
)
def imagefolder_csv(data):
    (_imagefolder("csv") / "train" / "metadata.csv").write_bytes(data)
    formats.read(_imagefolder("csv"), classes=None)


@cache
def _cards() -> Path:
    return folder("imagefolder", split(names=NAMES))


@harness(seeds=lambda: [(folder("imagefolder", split(names=NAMES)) / "README.md").read_bytes()])
def imagefolder_card(data):
    (_cards() / "README.md").write_bytes(data)
    formats.read(_cards())


@cache
def _classes() -> Path:
    return folder("classfolders", split(names=NAMES))


@harness(seeds=lambda: [b"zero\none\ntwo\n", b"zero\r\n%2E%2E\ntwo", "ä\u2028b\n1\n2\n".encode()])
def class_names(data):
    (_classes() / "classes.txt").write_bytes(data)
    formats.read(_classes())


@harness(seeds=lambda: [b'{"digitprep": "1", "sources": [{"name": "x", "sha256": "0"}], "options": {}}'])
def provenance(data):
    written("told.csv", csv_seeds()[0])
    written("told.csv.provenance.json", data)
    formats.origin(scratch() / "told.csv", "csv")


def text_seeds() -> list[bytes]:
    """Rows as in optdigits, semeion and zip.train, of the whole range of values and an empty corner."""
    made = []
    for separator, pixels, values in (
        (",", 64, "0 16"),
        (" ", 256, "0.0000 1.0000"),
        (" ", 256, "-1.0000 1.0000"),
    ):
        low, high = values.split()
        rows = [[low] * (digit + 1) + [high] * (pixels - digit - 1) for digit in range(3)]
        for digit, row in enumerate(rows):
            if low == "0.0000":
                row += ["1" if digit == column else "0" for column in range(10)]
            else:
                row.insert(0 if low == "-1.0000" else pixels, str(digit))
        made.append("".join(separator.join(row) + "\n" for row in rows).encode())
    return made


@harness(seeds=lambda: idx_seeds(*text_seeds()), container=GZIP)
def text(data):
    formats.read(written("digits.txt", data), format="text")


def mat_seeds() -> list[bytes]:
    from scipy.io import savemat

    images, labels = split().images, split().labels[:, None]
    one = {"images": split(side=28).images.reshape(3, 784), "labels": labels}
    emnist = {"dataset": {"train": one, "test": one, "mapping": np.array([[0, 48], [1, 49], [2, 50]])}}
    svhn = {"X": split(3, 32).images.transpose(1, 2, 3, 0), "y": labels + 1}
    plain = {"X": images.reshape(3, 16) / 255.0, "y": labels}
    made = []
    for content in (emnist, svhn, plain):
        for packed in (False, True):
            stream = io.BytesIO()
            savemat(stream, content, do_compression=packed)
            made.append(stream.getvalue())
    return made


@harness(seeds=lambda: [b"1 0 0 1 0\n2 1 1 0 0\n", b"1,0,0,.5,1e-1\n"])
def text_told(data):
    formats.read(written("told.txt", data), format='text(values="0..1", label="first")')


@harness(seeds=mat_seeds, container=MAT)
def mat(data):
    formats.read(written("data.mat", data), format="mat", classes=None)


@harness(seeds=mat_seeds, container=MAT)
def mat_matrices(data):
    formats.read(
        written("data.mat", data), format='mat(order="rows", labels="from_0", values="0..1", clip=True)'
    )


def usps_seeds() -> list[bytes]:
    import h5py

    made = []
    for options in ({}, {"chunks": True, "compression": "gzip"}):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            for name in ("train", "test"):
                file.create_dataset(f"{name}/data", data=np.full((3, 256), 0.5, "f4"), **options)
                file.create_dataset(f"{name}/target", data=np.arange(3), **options)
        made.append(stream.getvalue())
    return made


@harness(seeds=usps_seeds)
def usps(data):
    formats.read(written("usps.h5", data), format="usps")


@harness(
    seeds=lambda: [
        *npz_seeds()[:2],
        *idx_seeds(idx(8, (3, 4, 4))),
        *csv_seeds(),
        *text_seeds(),
        *mat_seeds()[:2],
    ]
)
def any_dataset(data):
    formats.read(written("unnamed", data))
