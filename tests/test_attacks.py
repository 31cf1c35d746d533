"""Attacks, each with its outcome: what somebody may put into a dataset, a photo, a network or a text.

Every attack lies in the folder `here` of a test's own folder, beside a secret. None may change anything
outside of `here`, run code, take long or take memory.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from png_file import png_file, rows_chunk

from digitprep import formats, place
from digitprep.batch import clean_photo
from digitprep.dataset import Split
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.formats.png import decode_png, encode_png
from digitprep.nn.model import Model
from digitprep.nn.open import open_model
from digitprep.photos import load_photo
from digitprep.pipeline import Pipeline
from digitprep.sources import find_photos
from digitprep.spec import Registry

SECONDS, MEGABYTES = 5, 256
BOMB_BYTES = 300_000_000  # more than MEGABYTES, once unpacked
IMAGES = np.zeros((2, 4, 4), np.uint8)
PICTURE = encode_png(IMAGES[0])
LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY a{n + 1} '{f'&a{n or chr(0)};'.replace(chr(0), '') * 10}'>" for n in range(20))
    + "]><svg xmlns='http://www.w3.org/2000/svg'>&a20;</svg>"
)


class Code:
    """What a pickle runs: it writes a file, from which it can be told that it ran."""

    def __reduce__(self):
        return os.system, ("touch ran",)


PICKLED = np.array([Code()], dtype=object)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder for the attack, beside what it must leave alone."""
    folder = tmp_path / "here"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(PICTURE)
    monkeypatch.chdir(folder)
    return folder


def npz(file, **arrays):
    np.savez(file, **arrays)
    return file


def tar(file, *entries, content=PICTURE):
    with tarfile.open(file, "w") as archive:
        for entry in entries:
            entry.size = len(content) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return file


def entry(name, kind=tarfile.REGTYPE, link="../../secret.png"):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link if kind != tarfile.REGTYPE else ""
    return made


def folder(here, kind, file, text):
    """A dataset of two images, in which somebody wrote a text into a file."""
    data = here / "data"
    formats.write(Split(IMAGES, np.array([0, 1]), "train"), data, format=kind)
    (data / file).write_text(text)
    return data


def linked(here, kind, name):
    """A dataset of two images, one of them a link to the secret."""
    data = here / "data"
    formats.write(Split(IMAGES, np.array([0, 1]), "train"), data, format=kind)
    image = next(data.glob(name))
    image.unlink()
    image.symlink_to(here.parent / "secret.png")
    return data


def written(file, *pieces):
    file.write_bytes(b"".join(pieces))
    return file


def npy(shape, type_="|u1"):
    text = repr({"descr": type_, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def zipped(file, **members):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file


def network(file, layers, shape=(4, 4), **arrays):
    told = {"layers": layers, "image_shape": shape, "class_names": ["0", "1"], "metadata": {}}
    return npz(file, digitprep_model=np.array(1), network=np.array(json.dumps(told)), **arrays)


SECRET = '{"file_name": "../../../secret.png", "label": 1}\n'
UP = "name inside the archive, found .*it would lead elsewhere"
TERABYTE = 1 << 40
REFUSED_PICKLE = "refused: .*pickle"
PICKLE = "pickled .*objects, which could run any code"

BMP = b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, 1 << 30, 1 << 30, 1, 24, 0, 0, 0, 0, 0, 0)

# Each: what lies there, what reads it, and the error with which it ends.
REFUSED = {
    "a tar member above the folder": (
        lambda here: tar(here / "train.tar", entry("../../evil.png")), formats.read, DataError, UP),
    "a tar member at an absolute path": (
        lambda here: tar(here / "train.tar", entry("/tmp/evil.png")), formats.read, DataError, UP),
    "a tar member on another drive": (
        lambda here: tar(here / "train.tar", entry("C:\\evil.png")), formats.read, DataError, UP),
    "a tar member that is a symbolic link": (
        lambda here: tar(here / "train.tar", entry("1.png", tarfile.SYMTYPE)), formats.read, DataError,
        "a symbolic link; such members are never unpacked"),
    "a tar member that is a hard link": (
        lambda here: tar(here / "train.tar", entry("1.png", tarfile.LNKTYPE)), formats.read, DataError,
        "a hard link"),
    "a tar member that is a device": (
        lambda here: tar(here / "train.tar", entry("1.png", tarfile.CHRTYPE)), formats.read, DataError,
        "a device"),
    "an npz member above the folder": (
        lambda here: zipped(here / "x.npz", **{"../../x_train": npy((0, 4, 4))}), formats.read, DataError,
        "x.npz"),
    "metadata.jsonl that names a file above": (
        lambda here: folder(here, "imagefolder", "train/metadata.jsonl", SECRET), formats.read, DataError,
        "a path inside the folder, found '../../../secret.png'"),
    "metadata.csv that names a file above": (
        lambda here: folder(
            here, 'imagefolder(metadata="csv")', "train/metadata.csv", "file_name\n/etc/passwd\n"),
        formats.read, DataError, "a path inside the folder, found '/etc/passwd'"),
    "labels of pngjson for a file above": (
        lambda here: folder(here, "pngjson", "train_y.json", '{"../../s.png": 1, "00001": 0, "00002": 1}'),
        formats.read, DataError, "labels of images that are there"),
    "a link to a file outside among pngjson's images": (
        lambda here: linked(here, "pngjson", "train_x/*.png"), formats.read, DataError,
        "found a link; links are not followed"),
    "a link to a file outside among class folders": (
        lambda here: linked(here, "classfolders", "train/*/*.png"), formats.read, DataError, "link"),
    "a link to a file outside among an imagefolder's": (
        lambda here: linked(here, "imagefolder", "train/*.png"), formats.read, DataError, "link"),
    "a pickle in an npz": (
        lambda here: npz(here / "x.npz", x_train=PICKLED, y_train=np.zeros(1, int)), formats.read, DataError,
        PICKLE),
    "a pickle in an npy": (
        lambda here: (np.save(here / "x_train.npy", PICKLED, allow_pickle=True), here)[1], formats.read,
        DataError, PICKLE),
    "a pickle in a model's npz": (
        lambda here: network(here / "m.npz", "flatten | dense(width=2)", evil=PICKLED), open_model,
        ModelError, PICKLE),
    "a pickle that is called a model": (
        lambda here: written(here / "m.npz", pickle.dumps(Code())), open_model, ModelError, REFUSED_PICKLE),
    "a pickle of PyTorch": (
        lambda here: written(here / "m.pt", pickle.dumps(Code())), open_model, ModelError, REFUSED_PICKLE),
    "an idx header of terabytes": (
        lambda here: written(here / "train-images-idx3-ubyte", b"\0\0\x08\3", b"\0\x10\0\0" * 3),
        formats.read, DataError, "1,152,921,504,606,846,976 bytes of values"),
    "a gzip bomb as an idx file": (
        lambda here: written(here / "train-images-idx3-ubyte.gz", gzip.compress(idx_bomb(), 1)), formats.read,
        DataError, "expected 16 bytes of values.*found 299,999,984 more"),
    "an npz header of terabytes": (
        lambda here: zipped(here / "x.npz", x_train=npy((1 << 30, 64, 64))), formats.read, DataError,
        "expected 4,398,046,511,104 bytes"),
    "an npy header of terabytes": (
        lambda here: written(here / "x_train.npy", npy((1 << 30, 64, 64))).parent, formats.read,
        DataError, "expected 4,398,046,511,104 bytes"),
    "a tar member of terabytes": (
        lambda here: written(here / "train.tar", huge_member()), formats.read, DataError,
        "a member of at most 200,000,000 bytes"),
    "a model's array of terabytes": (
        lambda here: zipped(here / "m.npz", digitprep_model=npy((TERABYTE,))), open_model, ModelError,
        "1,099,511,627,776 bytes for"),
    "a model that is a bomb": (
        lambda here: zipped(here / "m.npz", network=npy((BOMB_BYTES,)) + bytes(BOMB_BYTES)), open_model,
        ModelError, "bytes unpacked, of which"),
    "a model of more parameters than are in its file": (
        lambda here: network(here / "m.npz", "flatten | dense(width=9999) | dense(width=9999)"),
        open_model, ModelError, "expected at most 1,048,576 parameters"),
    "a model for images of terabytes": (
        lambda here: network(here / "m.npz", "batchnorm | flatten | dense(width=2)", (1 << 20, 1 << 20)),
        open_model, ModelError, "values of an image, which memory is taken for"),
    "a model whose layers are code": (
        lambda here: network(here / "m.npz", "__import__('os').system('touch ran')"), open_model, ModelError,
        "its network cannot be built"),
    "a safetensors header of terabytes": (
        lambda here: written(here / "m.safetensors", struct.pack("<Q", TERABYTE), b"{}"),
        lambda file: open_model(file, network="mlp"), ModelError, "expected a safetensors file"),
    "a PNG of 2.5 billion pixels as a photo": (
        lambda here: written(here / "p.png", png_file(50_000, 50_000, rows_chunk(bytes(9)))),
        load_photo, DataError, "at most 150000000 pixels"),
    "a PNG of 2.5 billion pixels in a dataset": (
        lambda here: written(here / "p.png", png_file(50_000, 50_000, rows_chunk(bytes(9)))),
        lambda file: decode_png(file.read_bytes(), file), DataError, "1 to 33,554,432 pixels"),
    "a BMP of terabytes": (
        lambda here: written(here / "p.bmp", BMP),
        load_photo, DataError, "at most 150000000 pixels"),
    "an SVG of a billion laughs as a photo": (
        lambda here: written(here / "p.png", LAUGHS.encode()), load_photo, DataError, "expected an image"),
}  # fmt: skip


def idx_bomb():
    """An image of 16 pixels, and many more."""
    return b"\0\0\x08\3" + struct.pack(">3I", 1, 4, 4) + bytes(300_000_000)


def huge_member():
    block = bytearray(entry("1.png").tobuf()[:512])
    block[124:136] = b"\x80" + (TERABYTE).to_bytes(11)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("attack", REFUSED)
def test_an_attack_is_refused_and_leaves_everything_alone(attack, here):
    make, read, error, words = REFUSED[attack]
    made = make(here)
    before = tree(here.parent)
    tracemalloc.start()
    begun = time.process_time()
    try:
        with pytest.raises(error, match=words):
            read(made)
        assert time.process_time() - begun < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()
    assert tree(here.parent) == before


def test_image_data_are_unpacked_no_further_than_there_are_pixels():
    bomb = png_file(4, 4, rows_chunk(bytes(BOMB_BYTES)))
    tracemalloc.start()
    try:
        assert decode_png(bomb, "p.png").shape == (4, 4)
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder, and what is in it."""
    return {
        file.relative_to(root).as_posix(): b"" if file.is_dir() else file.read_bytes()
        for file in sorted(root.rglob("*"))
    }


CODE = (
    "__import__('os').system('touch ran')",
    "grayscale(x=__import__('os').system('touch ran'))",
    "grayscale.__class__",
    "resize(size=().__class__.__bases__[0].__subclasses__())",
    "resize(size=9**9**9)",
    "resize(size=" + "9" * 5000 + ")",
    "resize(size='x'*10**9)",
    "resize(size=[0 for x in range(10**9)])",
    "resize(size=f'{1}')",
    "(lambda: resize)()",
    "resize(**{'size': 20})",
    "resize(size=" + "(" * 5000 + "1" + ")" * 5000 + ")",
    "resize(size=" + "-" * 100_000 + "1)",
    "a" + ".a" * 100_000,
    "resize if open('ran', 'w') else crop",
)


@pytest.mark.parametrize("text", CODE, ids=lambda text: text[:40])
def test_a_text_is_never_run(text, here):
    begun = time.process_time()
    for parse in (Pipeline.parse, Model.build, formats.FORMATS.parse):
        with pytest.raises(UsageError) as caught:
            parse(text)
        assert len(str(caught.value)) < 4000
    assert time.process_time() - begun < SECONDS
    assert not (here / "ran").exists()
    assert isinstance(formats.FORMATS, Registry)


def test_tags_of_a_billion_laughs_are_not_looked_into(here):
    """They are text that nothing here reads; the pictures are as they are without."""
    picture = Image.fromarray(np.full((8, 8), 200, np.uint8))
    tags = Image.Exif()
    tags[0x010E] = LAUGHS
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", LAUGHS, zip=True)
    picture.save(here / "p.png", pnginfo=text, exif=tags)
    picture.save(here / "p.tif", tiffinfo={0x010E: LAUGHS, 700: LAUGHS.encode()})
    picture.save(here / "p.jpg", exif=tags, quality=100)
    begun = time.process_time()
    for name in ("p.png", "p.tif", "p.jpg"):
        assert (load_photo(here / name) == 200).all()
    assert time.process_time() - begun < SECONDS


def test_photos_of_an_archive_are_written_nowhere_but_where_they_are_asked_for(here, run):
    """A broken photo whose name leads up is copied aside under a name that does not."""
    with zipfile.ZipFile(here / "p.zip", "w") as archive:
        archive.writestr("../../../evil.png", b"broken")
        archive.writestr("/tmp/evil.png", b"broken, too")
    before = set(tree(here.parent))
    run("clean", here / "p.zip", "-o", here / "set.npz", "--copy-rejected", here / "aside", check=7)
    new = set(tree(here.parent)) - before
    assert sum(name.startswith("here/aside/evil") for name in new) == 2
    assert all(name.startswith(("here/set.", "here/aside")) for name in new)
    assert not Path("/tmp/evil.png").exists()


def test_class_names_that_lead_up_are_folders_inside(here):
    split = Split(IMAGES, np.array([0, 1]), "train", class_names=("../../evil", ".."))
    formats.write(split, here / "data", format="classfolders")
    assert {file.name for file in here.parent.iterdir()} == {"here", "secret.png"}
    assert formats.read(here / "data")["train"].class_names == ("../../evil", "..")


def test_links_are_neither_followed_out_of_a_folder_nor_in_circles(here):
    (here / "p").mkdir()
    (here / "p" / "1.png").write_bytes(PICTURE)
    (here / "p" / "circle").symlink_to(here / "p")
    (here / "p" / "itself.png").symlink_to("itself.png")
    (here / "p" / "out.png").symlink_to("../../secret.png")
    (here / "p" / "up").symlink_to("../..")
    found = {Path(str(photo)).name: photo for photo in find_photos([here / "p"])}
    assert found.keys() == {"1.png", "circle", "itself.png", "out.png", "up"}
    pipeline = Pipeline.parse("grayscale")
    reasons = {name: clean_photo(photo, pipeline).reason for name, photo in found.items()}
    assert reasons.pop("1.png") is None
    assert all("link" in reason for reason in reasons.values())


def test_html_in_names_is_text_on_a_page(here, run):
    name = "<img src=x onerror=alert(1)>.png"
    (here / "p").mkdir()
    (here / "p" / name).write_bytes(PICTURE)
    run("clean", here / "p", "-o", here / "set.npz", "--report", here / "r.html", check=7)
    page = (here / "r.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in page


def test_temporary_files_are_private_and_removed(here):
    seen = []

    def write(result):
        seen.append(stat.S_IMODE(result.parent.stat().st_mode))
        result.write_bytes(b"x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.place(here / "new.bin", write)
    assert seen == [0o700]
    assert list(here.iterdir()) == []


def test_what_a_run_keeps_is_private(here):
    from digitprep.spool import Spool

    with Spool(here / "set.npz", {}) as spool:
        assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert list(here.iterdir()) == []
