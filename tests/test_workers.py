"""Work on many photos goes on when one of them kills its process, or has no end."""

import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from photo_work import CRASH, HANG, PHOTOS, crashes, hangs, lost, named
from PIL import Image

from digitprep import workers
from digitprep.batch import clean
from digitprep.errors import DigitprepError
from digitprep.recipes import recipe
from digitprep.workers import ProcessPool, in_order

FAST = {"avif": {"speed": 10}, "webp": {"method": 0}}  # to write


@pytest.fixture(autouse=True, scope="module")
def spawned(forked):
    """Processes start as users have them start."""
    assert forked.get_start_method() == "spawn"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workers, "CONTEXT", forked)
        yield


def test_a_photo_that_crashes_its_process_is_one_result_and_the_others_are_right():
    with ProcessPool(2) as pool:
        found = list(in_order(crashes, PHOTOS, pool, lost))
        assert found[3].startswith("3 lost: it crashed the process")
        assert found[:3] + found[4:] == [photo.stem for photo in PHOTOS if photo != CRASH]
        assert list(in_order(named, PHOTOS, pool, lost)) == [photo.stem for photo in PHOTOS]


def test_a_photo_that_never_ends_is_given_up_and_the_others_are_right():
    with ProcessPool(2, seconds=1.5) as pool:
        found = list(in_order(hangs, PHOTOS, pool, lost))
    assert found[7] == "7 lost: expected to be done in 1.5 seconds, it took longer"
    assert found[:7] + found[8:] == [photo.stem for photo in PHOTOS if photo != HANG]


def test_an_executor_that_cannot_start_again_ends_with_what_to_do():
    with ProcessPoolExecutor(2) as pool, pytest.raises(DigitprepError, match="try fewer --jobs"):
        list(in_order(crashes, PHOTOS, pool, lost))


def test_lists_of_photos_go_to_an_executor_that_asks_for_them():
    sent = []

    class InLists(ProcessPool):
        chunk = 5

        def submit(self, function, /, *args, **options):
            sent.extend(len(photos) for photos in args)
            return super().submit(function, *args, **options)

    with InLists(1) as pool:
        assert list(in_order(named, PHOTOS, pool, lost)) == [photo.stem for photo in PHOTOS]
        assert sent == [5, 5, 2]
        found = list(in_order(crashes, PHOTOS, pool, lost))
    assert [result.partition(" ")[0] for result in found] == [photo.stem for photo in PHOTOS]
    assert "lost" in found[3]


def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path):
    code = (
        "import os, pathlib, signal, sys; from digitprep.workers import ProcessPool\n"
        "if __name__ == '__main__':\n"
        "    worker = ProcessPool(1).submit(os.getpid).result()\n"
        "    pathlib.Path('worker').write_text(str(worker))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "parent.py").write_text(code)
    subprocess.run([sys.executable, "parent.py"], cwd=tmp_path, check=False)
    worker = int((tmp_path / "worker").read_text())
    until = time.monotonic() + 20
    while is_running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(worker)


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_list_of_photos_that_bring_their_bytes_along_ends_before_they_are_too_many(monkeypatch):
    monkeypatch.setattr(workers, "LIST_BYTES", 10)
    photos = [SimpleNamespace(stem=str(number), data=bytes(number)) for number in range(9)]
    sent = []

    class InLists(ThreadPoolExecutor):
        chunk = 100

        def submit(self, function, photos):
            sent.append([photo.stem for photo in photos])
            return super().submit(function, photos)

    with InLists(1) as pool:
        assert list(in_order(named, photos, pool)) == [photo.stem for photo in photos]
    assert sent == [["0", "1", "2", "3", "4"], ["5", "6"], ["7", "8"]]


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux")
def test_a_photo_that_takes_more_memory_than_a_process_may_is_rejected_for_it(tmp_path):
    Image.new("RGB", (12_000, 12_000)).save(tmp_path / "huge.png", compress_level=1)
    digit = np.full((90, 60), 255, np.uint8)
    digit[20:70, 27:33] = 0
    Image.fromarray(digit).save(tmp_path / "small.png")
    files = [tmp_path / "small.png", tmp_path / "huge.png", tmp_path / "small.png"]
    with ProcessPool(1, memory_bytes=400_000_000) as pool:
        small, huge, again = clean(files, recipe(), executor=pool)
    assert small.image is not None
    assert again.image is not None
    assert "expected a photo that can be worked on in the memory there is" in huge.reason
    assert "--max-memory" in huge.reason
    assert huge.lost


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux")
def test_processes_that_may_take_too_little_memory_to_start_are_told_of():
    with (
        ProcessPool(1, memory_bytes=10_000_000) as pool,
        pytest.raises(DigitprepError, match=r"ends as it starts.*larger --max-memory"),
    ):
        list(in_order(named, PHOTOS, pool, lost))


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux")
@pytest.mark.parametrize("kind", FAST)
def test_a_decoder_that_is_short_of_memory_and_calls_it_damage_is_seen_through(tmp_path, kind):
    image, file = Image.new("RGB", (8000, 5000)), tmp_path / f"huge.{kind}"
    image.save(file, **FAST[kind])
    (tmp_path / f"cut.{kind}").write_bytes(file.read_bytes()[:-40])
    with ProcessPool(1, memory_bytes=270_000_000) as pool:
        (huge,) = clean([file], recipe(), executor=pool)
    (cut,) = clean([tmp_path / f"cut.{kind}"], recipe())
    assert "in the memory there is" in huge.reason
    assert "whole image" in cut.reason
    assert (huge.lost, cut.lost) == (True, False)
