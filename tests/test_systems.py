"""What other systems do otherwise than Linux, as far as Linux can tell.

Windows has names of its own for devices, other ends of lines and no locks; there and on macOS capitals make
no other file, and macOS may give an accent back as a letter of its own.
"""

import ast
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from places import PHOTOS, ROOT

import digitprep as dp
from digitprep import formats
from digitprep.dataset import Split
from digitprep.errors import DataError, UsageError
from digitprep.formats.base import check_split_name
from digitprep.labels import find_labels
from digitprep.names import is_device
from digitprep.report.lists import Copies

FILES = sorted((ROOT / "digitprep").rglob("*.py"))


def named_split(*names):
    images = np.arange(len(names) * 16, dtype=np.uint8).reshape(-1, 4, 4)
    return Split(images, np.arange(len(names)), class_names=names)


def in_two_parts(name):
    return unicodedata.normalize("NFD", name)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_text_is_read_and_written_in_an_encoding_and_with_ends_of_lines_that_are_said(file):
    """Without an encoding Windows takes that of the country, and it writes a line's end as two bytes."""
    calls = [
        node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]
    for call in calls:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        said = {keyword.arg for keyword in call.keywords}
        if name in ("read_text", "write_text", "TextIOWrapper"):
            before = 1 if name == "read_text" else 2
            assert "encoding" in said or len(call.args) >= before, ast.unparse(call)
        if name in ("write_text", "TextIOWrapper") or (name == "open" and set(mode(call)) & set("wax")):
            assert "newline" in said or "b" in mode(call) or is_elsewhere(call), ast.unparse(call)
        if name == "open" and mode(call) and "b" not in mode(call):
            assert "encoding" in said or is_elsewhere(call), ast.unparse(call)


def mode(call):
    """How a call opens a file, where it says that."""
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [
        value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]
    return next((text for text in texts if set(text) <= set("rwaxb+t")), "")


def is_elsewhere(call):
    """Whether it opens what is in an archive, which has no text, or goes nowhere."""
    return ast.unparse(call.func).split(".")[0] in (
        "archive",
        "zipfile",
        "tarfile",
    ) or "devnull" in ast.unparse(call)


@pytest.mark.parametrize("name", ["con", "NUL", "Aux.png", "com1", "LPT9.tar.gz", "com¹", "prn .x"])
def test_names_that_windows_keeps_for_devices(name):
    assert is_device(name)
    assert not is_device(f"x{name}")


def test_classes_called_as_devices_have_folders_that_every_system_can_make(tmp_path):
    names = ("con", "NUL.png", "a.", "b:c", "com10")
    formats.write(named_split(*names), tmp_path / "data", format="classfolders")
    made = sorted(folder.name for folder in (tmp_path / "data" / "train").iterdir())
    assert made == ["%4EUL.png", "%63on", "a%2E", "b%3Ac", "com10"]
    assert formats.read(tmp_path / "data")["train"].class_names == names


def test_a_split_called_as_a_device_is_refused_on_windows_alone(monkeypatch):
    check_split_name("aux")
    monkeypatch.setattr("digitprep.formats.base.os.name", "nt")
    with pytest.raises(UsageError, match="Windows lets no file be called aux"):
        check_split_name("aux")


def test_two_classes_in_one_folder_are_refused_where_capitals_do_not_count(tmp_path, monkeypatch):
    make = Path.mkdir

    def without_capitals(folder, *arguments, **options):
        if any(other.name.lower() == folder.name.lower() for other in folder.parent.iterdir()):
            raise FileExistsError(17, "File exists", str(folder))
        make(folder, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", without_capitals)
    split = named_split("A", "b", "a")
    with pytest.raises(UsageError, match=r"two classes have one folder, 'a'.*such as npz"):
        formats.FORMATS["classfolders"]().write(tmp_path / "data", [split])


def test_class_folders_are_found_however_their_accents_are_written(tmp_path):
    formats.write(named_split("ü", "é"), tmp_path / "data", format="classfolders")
    for name in ("ü", "é"):
        folder = tmp_path / "data" / "train" / name
        folder.rename(folder.with_name(in_two_parts(name)))
    found = formats.read(tmp_path / "data")["train"]
    assert (found.labels.tolist(), found.class_names) == ([0, 1], ("ü", "é"))
    (tmp_path / "data" / "train" / "ü").mkdir()
    with pytest.raises(DataError, match="expected one folder a class, found two that are written alike"):
        formats.read(tmp_path / "data")


@pytest.mark.parametrize("names", [("café.png", in_two_parts("café.png")), (in_two_parts("é.png"), "é.png")])
def test_photos_are_labelled_however_their_accents_are_written(names, tmp_path):
    row, file = names
    (tmp_path / "labels.csv").write_text(f"file,label\n{row},7\n", encoding="utf-8")
    photo = tmp_path / file
    photo.write_bytes(b"")
    assert find_labels([photo], str(tmp_path / "labels.csv")) == [7]


def test_of_two_photos_whose_names_are_written_alike_one_is_not_taken_for_the_other(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label\né.png,7\n", encoding="utf-8")
    photos = [tmp_path / "é.png", tmp_path / in_two_parts("é.png")]
    for photo in photos:
        photo.write_bytes(b"")
    label, error = find_labels(photos, str(tmp_path / "labels.csv"))
    assert label == 7
    assert isinstance(error, DataError)


def test_copies_have_names_that_every_system_takes(tmp_path):
    copies = Copies(tmp_path / "aside")
    for name in ('a"b<c>|d?e*.png', "con.png", "A.png", "a.png"):
        (tmp_path / name).write_bytes(b"x")
        copies.add(tmp_path / name)
    made = sorted(file.name for file in (tmp_path / "aside").iterdir())
    assert made == ["A.png", "_con.png", "a-2.png", "a_b_c__d_e_.png"]


# Imported by every Python that is started, also by those that work on photos.
AS_ON_WINDOWS = """
import os, sys
for name in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[name] = None
for name in ("sync", "sched_getaffinity", "O_NOFOLLOW", "posix_fadvise", "posix_fallocate"):
    if hasattr(os, name):
        delattr(os, name)
opened = os.open
def open_no_folder(path, *arguments, **options):
    if not isinstance(path, int) and os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return opened(path, *arguments, **options)
def link(*arguments, **options):
    raise OSError(1, "this disk knows no links")
os.open, os.link = open_no_folder, link
"""


@pytest.fixture
def as_on_windows(tmp_path):
    """Run digitprep without what Windows lacks, in an encoding that has few letters."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(AS_ON_WINDOWS, encoding="ascii")

    def run(*arguments):
        ours = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}
        ours |= {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "default::EncodingWarning"}
        ours |= {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])}
        done = subprocess.run(
            [sys.executable, "-m", "digitprep", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | ours,
            capture_output=True,
            encoding="cp1252",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        warned = [line for line in done.stderr.splitlines() if line.startswith(str(ROOT / "digitprep"))]
        assert warned == [], "a file is opened without an encoding"
        return done.stdout + done.stderr

    return run


def test_datasets_become_others_without_what_windows_lacks(as_on_windows, tmp_path):
    formats.write(named_split("ü", "\u6570"), tmp_path / "a.npz")
    # In the C locale the names of files cannot hold such letters, so they stay in files.
    assert "2 images" in as_on_windows("convert", "a.npz", "b", "--to", "imagefolder")
    assert "2 images" in as_on_windows("convert", "b", "c", "--to", "npypair")
    assert "same: 2 images" in as_on_windows("diff", "a.npz", "c")
    assert formats.read(tmp_path / "c")["train"].class_names == ("ü", "\u6570")
    assert "2 images" in as_on_windows("convert", "b", "c", "--to", "npypair", "--overwrite")
    assert not list(tmp_path.glob(".digitprep-*"))


def test_photos_are_cleaned_by_processes_without_what_windows_lacks(as_on_windows, tmp_path):
    photos = [PHOTOS / f"{number:02}.jpg" for number in (1, 2, 3)]
    as_on_windows("clean", *photos, "-o", "one.npz", "--labels", PHOTOS / "labels.csv")
    as_on_windows("clean", *photos, "-o", "two.npz", "--labels", PHOTOS / "labels.csv", "--jobs", "2")
    one, two = (dp.read(tmp_path / name)["train"] for name in ("one.npz", "two.npz"))
    np.testing.assert_array_equal(one.images, two.images)
    assert not list(tmp_path.glob("*.partial"))


def test_networks_are_trained_and_kept_without_what_windows_lacks(as_on_windows, tmp_path):
    digits = ROOT / "samples" / "digits" / "idx"
    layers = "flatten | dense(width=10)"
    said = as_on_windows("train", digits, "-o", "small.npz", "--layers", layers, "--epochs", "1")
    assert "images are right" in said
    assert (tmp_path / "small.npz").stat().st_size > 7850 * 4
