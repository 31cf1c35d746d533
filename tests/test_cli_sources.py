"""The commands on photos take them from wherever they are, and put aside what cannot be used."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image
from places import PHOTOS

from digitprep.cli.cleaning import watched
from digitprep.cli.pages import page_samples
from digitprep.cli.photos import clean
from digitprep.cli.sources import Places
from digitprep.errors import DataError, PartialSuccess, UsageError
from digitprep.limits import Limits
from digitprep.report.lists import Copies
from digitprep.sources import find_photos
from digitprep.spool import Spool

NAMES = ("01.jpg", "05.png", "12.jpg")


@pytest.fixture
def photos(tmp_path):
    """The folder `p` with three photos, one of them deeper, and two files that are none."""
    for name in NAMES:
        place = tmp_path / "p" / ("deep" if name == NAMES[-1] else "") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PHOTOS / name, place)
    (tmp_path / "p" / "03.png").write_bytes(b"broken")
    (tmp_path / "p" / "deep" / "03.png").write_bytes(b"broken, too")
    return tmp_path / "p"


def packed(photos, name):
    """An archive of the folder, in the order in which it is walked."""
    files = [*sorted(photos.glob("*.*")), *sorted((photos / "deep").iterdir())]
    target = photos.parent / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(target, "w") as zipped:
            for file in files:
                zipped.write(file, file.relative_to(photos))
    else:
        with tarfile.open(target, "w:gz" if name.endswith("gz") else "w") as tar:
            for file in files:
                tar.add(file, file.relative_to(photos))
    return target


def made(folder, name):
    """What a dataset holds, and what is said of the photos, their folder or archive left out."""
    with np.load(folder / f"{name}.npz") as arrays:
        images = arrays["x_train"]
        provenance = json.loads(arrays["provenance"].tobytes())["sources"]
    lists = [(folder / f"{name}.{kind}.csv").read_text() for kind in ("photos", "rejected")]
    for place in ("p/", "p.zip/", "p.tar/", "p.tgz/", f"{folder}/"):
        lists = [text.replace(f",{place}", ",").replace(f"\n{place}", "\n") for text in lists]
    return images.tobytes(), provenance, lists


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_archive_gives_the_dataset_of_its_folder(run, tmp_path, photos, jobs):
    run("clean", "p", "-o", "folder.npz", check=7)
    for name in ("p.zip", "p.tar", "p.tgz"):
        packed(photos, name)
        run("clean", name, "-o", "archive.npz", "--overwrite", "--jobs", jobs, check=7)
        assert made(tmp_path, "archive") == made(tmp_path, "folder")


def test_a_list_on_stdin_gives_the_dataset_of_its_photos(run, tmp_path, photos):
    run("clean", "p", "-o", "folder.npz", check=7)
    found = [
        path.relative_to(tmp_path) for path in (*sorted(photos.glob("*.*")), *(photos / "deep").iterdir())
    ]
    found = sorted(found, key=lambda path: ("deep" in path.parts, path.name))
    for end in ("\n", "\0"):
        text = "".join(f"{path}{end}" for path in found).encode()
        run("clean", "-", "-o", "listed.npz", "--overwrite", check=7, given=text)
        assert made(tmp_path, "listed") == made(tmp_path, "folder")
    empty = run("clean", "-", "-o", "listed.npz", "--overwrite", check=3, given=b"")
    assert "the list: expected photos" in empty.stderr


@pytest.mark.usefixtures("photos")
def test_a_list_is_read_while_it_is_still_being_written(tmp_path):
    command = [sys.executable, "-m", "digitprep", "predict", "-", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for name in ("p/01.jpg", "p/05.png"):
            process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["file"] == name
        process.stdin.close()
    assert process.returncode == 0


def test_labels_are_found_for_photos_of_an_archive(run, tmp_path, photos):
    packed(photos, "p.zip")
    (tmp_path / "labels.csv").write_text("file,label\n01.jpg,1\n05.png,5\n12.jpg,2\n")
    for how in ("labels.csv", "{label}*"):
        run("clean", "p.zip", "-o", "set.npz", "--overwrite", "--labels", how, "--classes", 99, check=7)
        with np.load(tmp_path / "set.npz") as arrays:
            assert arrays["y_train"].tolist() == ([1, 5, 2] if how == "labels.csv" else [1, 5, 12])


def test_rejected_photos_are_copied_aside_under_names_of_their_own(run, tmp_path, photos):
    packed(photos, "p.zip")
    packed(photos, "p.tgz")
    for place in ("p", "p.zip", "p.tgz"):
        shutil.rmtree(tmp_path / "aside", ignore_errors=True)
        run("clean", place, "-o", "set.npz", "--copy-rejected", "aside", "--overwrite", check=7)
        copies = {path.name: path.read_bytes() for path in (tmp_path / "aside").iterdir()}
        assert copies == {"03.png": b"broken", "03-2.png": b"broken, too"}
    refused = run("clean", place, "-o", "new.npz", "--copy-rejected", "aside", check=2)
    assert "aside is not empty; pass --overwrite" in refused.stderr
    assert not (tmp_path / "new.npz").exists()


def test_the_limits_of_a_photo_can_be_lowered_and_raised(run, tmp_path):
    for name, side in (("small.png", 100), ("large.png", 300)):
        pixels = np.full((side, side), 255, np.uint8)
        pixels[side // 5 : -side // 5, side // 2 - 8 : side // 2 + 8] = 0
        Image.fromarray(pixels).save(tmp_path / name)
    low = run("predict", "small.png", "large.png", "--max-pixels", 20_000, check=7).stdout.splitlines()
    assert low[0].startswith("small.png\t1")
    assert low[1] == "large.png\t-\texpected at most 20000 pixels, found 300 x 300"
    most = (tmp_path / "small.png").stat().st_size
    assert "expected at most" in run("predict", "large.png", "--max-bytes", most, check=7).stdout
    with Image.open(tmp_path / "large.png") as image:
        wide = image.resize((20_000, 8000))
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    (tmp_path / "huge.png").write_bytes(buffer.getvalue())
    assert "at most 150000000 pixels" in run("predict", "huge.png", check=7).stdout
    assert "at most" not in run("predict", "huge.png", "--max-pixels", 160_000_000, check=0).stdout


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="there are no links here")
def test_a_link_out_of_the_folder_is_rejected_aloud(run, tmp_path, photos):
    (photos / "99.png").symlink_to(PHOTOS / "05.png")
    run("clean", "p", "-o", "set.npz", check=7)
    assert "a link that leads out of" in (tmp_path / "set.rejected.csv").read_text()
    run("clean", "p/99.png", "-o", "named.npz", "--no-sheet")


def test_a_folder_that_has_gone_is_what_is_at_fault_and_not_its_photos(tmp_path, photos):
    places = Places([str(photos), str(tmp_path / "missing.png"), "-"])
    places.check()
    photos.rename(tmp_path / "away")
    with pytest.raises(DataError, match=r"p: it is no longer there; see to it, then the same command"):
        places.check()


def test_a_page_is_tried_again_where_it_could_not_be_read_and_not_where_it_is_none(tmp_path, photos):
    files = [photos / "03.png", photos / "away.png"]
    work = partial(page_samples, net=None, text=None, executor=None, limits=Limits(), thumbnail_px=0)
    (broken,), (missing,) = work(files)
    assert (broken.lost, missing.lost) == (False, True)
    assert broken.file == ("03.png", hashlib.sha256(b"broken").hexdigest())
    assert missing.file is None
    places = Places([str(photos)])
    photos.rename(tmp_path / "away")
    with pytest.raises(DataError, match=r"p: it is no longer there"):
        list(watched(work, "reject", places, files))


def test_copies_take_names_that_are_free_and_not_too_long(tmp_path):
    copies = Copies(tmp_path / "aside")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for number, name in enumerate(["a/x.png", "b/X.png", "c/x-2.png", f"{'long' * 90}.png"]):
            zipped.writestr(name, str(number))
    for photo in find_photos([tmp_path / "a.zip"]):
        copies.add(photo)
    found = {path.name: path.read_text() for path in (tmp_path / "aside").iterdir()}
    assert found == {"x.png": "0", "X-2.png": "1", "x-2-2.png": "2", f"{'long' * 50}.png": "3"}


@pytest.mark.usefixtures("photos")
def test_a_stopped_run_gives_no_leave_to_write_over_what_it_did_not_make(run, tmp_path):
    run("clean", "p", "-o", "set.npz", "--on-error", "fail", check=3)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "03.png").write_text("precious")
    refused = run("clean", "p", "-o", "set.npz", "--copy-rejected", "mine", check=2)
    assert "mine" in refused.stderr
    assert (tmp_path / "mine" / "03.png").read_text() == "precious"


def test_a_dataset_that_came_while_photos_were_cleaned_is_never_replaced(
    tmp_path, photos, monkeypatch, capsys
):
    begins, theirs = Spool.write_begins, tmp_path / "set.npz"
    with monkeypatch.context() as patched:
        patched.setattr(Spool, "write_begins", lambda *told: theirs.write_text("theirs") and begins(*told))
        with pytest.raises(UsageError, match=r"set\.npz exists; pass --overwrite"):
            clean([str(photos)], theirs)
    with pytest.raises(UsageError, match=r"set\.npz exists; pass --overwrite"):
        clean([str(photos)], theirs)
    assert theirs.read_text() == "theirs"
    theirs.unlink()
    with pytest.raises(PartialSuccess):
        clean([str(photos)], theirs)
    told = capsys.readouterr().err
    assert "going on after 5 photos" in told
    assert "the same command" not in told


def test_a_photo_that_is_rejected_for_its_shape_ends_a_run_that_is_to_fail(run, photos):
    pipeline = "grayscale | invert(when='auto') | threshold | crop"
    for name in ("03.png", "deep/03.png"):
        (photos / name).unlink()
    failed = run("clean", "p", "-o", "s.npz", "--pipeline", pipeline, "--on-error", "fail", check=3)
    assert "expected an image of" in failed.stderr
