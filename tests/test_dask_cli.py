"""`clean` and `predict` with --scheduler end with the same bytes, whatever is killed meanwhile."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from places import PHOTOS, ROOT

import digitprep as dp

MADE = ("npz", "photos.csv", "rejected.csv", "sheet.png")
COUNT = 600
QUICK = ["--pipeline", "grayscale | invert | resize(size=28)"]  # how photos are cleaned is no matter here


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of photos, a broken one among them, and what one process makes of them: whole.npz."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "digits").mkdir()
    digits = dp.read(ROOT / "samples" / "digits" / "idx")["train"].images
    for number in range(COUNT):
        image = 255 - np.pad(digits[number % len(digits)], number % 9)
        Image.fromarray(image).save(folder / "digits" / f"{number}.png")
    (folder / "digits" / "7.png").write_bytes(b"broken")
    ended(started(folder, "whole"), 7)
    return folder


def started(folder, name, *arguments):
    """`digitprep clean digits -o NAME.npz`, in a process of its own."""
    command = [sys.executable, "-m", "digitprep", "clean", "digits", "-o", f"{name}.npz", *QUICK, *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def begun(folder, name, *arguments):
    """The same, once the first shard of it is kept and before the last one is."""
    process = started(folder, name, *arguments)
    manifest = folder / f"{name}.npz.partial" / "manifest.jsonl"
    until = time.monotonic() + 300
    while process.poll() is None and not (manifest.exists() and manifest.stat().st_size):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()[1]
    return process


def ended(process, code):
    """What it said until it ended with that exit code."""
    _, said = process.communicate(timeout=300)
    assert process.returncode == code, said
    assert "Traceback" not in said
    return said


def check_same(folder, name):
    for suffix in MADE:
        whole, parts = ((folder / f"{made}.{suffix}").read_bytes() for made in ("whole", name))
        assert whole == parts
    assert not list(folder.glob("*.partial"))


def test_a_worker_that_is_killed_changes_nothing(folder, cluster):
    process = begun(folder, "worker", "--scheduler", cluster.address)
    cluster.kill_worker()
    said = ended(process, 7)
    assert said.count("\n") == 2
    check_same(folder, "worker")


def test_predict_reads_the_same_photos_and_pages(run, cluster):
    for arguments in (("--json", PHOTOS), ("--many", PHOTOS / "03.jpg", PHOTOS / "07.jpg")):
        expected = run("predict", *arguments).stdout
        assert run("predict", *arguments, "--scheduler", cluster.address).stdout == expected


def test_jobs_are_no_business_of_a_scheduler(run):
    said = run(
        "predict", PHOTOS / "03.jpg", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1", check=2
    ).stderr
    assert "give one" in said


def test_without_dask_it_is_said_how_to_get_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("dask", "dask_worker"):
        monkeypatch.delitem(sys.modules, f"digitprep.{name}", raising=False)
    said = run("predict", PHOTOS / "03.jpg", "--scheduler", "tcp://127.0.0.1:1", check=6).stderr
    assert 'pip install "digitprep[dask]"' in said


def test_a_scheduler_that_is_killed_ends_the_run_and_the_same_command_goes_on_when_it_is_back(
    folder, cluster
):
    process = begun(folder, "scheduler", "--scheduler", cluster.address)
    cluster.kill_scheduler()
    said = ended(process, 1)
    assert f"digitprep: the scheduler {cluster.address} was lost; start it and its workers again" in said
    cluster.start_scheduler(port=int(cluster.address.rpartition(":")[2]))
    cluster.start_worker()
    again = started(folder, "scheduler", "--scheduler", cluster.address)
    assert "going on after" in ended(again, 7)
    check_same(folder, "scheduler")
