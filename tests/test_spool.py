"""A run that was stopped goes on where it was, and ends as if nothing had happened."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import digitprep as dp
from digitprep.batch import Cleaned, clean
from digitprep.errors import DataError, UsageError
from digitprep.recipes import recipe
from digitprep.spool import SHARD_PHOTOS, Spool

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "digits" / "idx"

FACTS = {"pipeline": "grayscale | center", "version": "1"}
COUNT = 2 * SHARD_PHOTOS + 50


@pytest.fixture
def photos(tmp_path):
    """Files that stand for photos; nothing here looks into them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number:04d}.png").write_bytes(bytes([number % 256]))
    return sorted(folder.iterdir())


def done(photo):
    """What becomes of one: every tenth is rejected."""
    number = int(photo.stem)
    if number % 10 == 0:
        return Cleaned(photo, reason=f"{number} is blank", thumbnail=np.full((4, 4), 9, np.uint8))
    image = np.full((28, 28), number % 256, np.uint8)
    return Cleaned(photo, image, (1, 2, 3, number + 1), image[:4], doubt="?", decisions=("a", "b"))


def key(cleaned):
    arrays = [None if array is None else array.tolist() for array in (cleaned.image, cleaned.thumbnail)]
    return cleaned.photo, arrays, cleaned.box, cleaned.reason, cleaned.doubt, cleaned.decisions


def stopped_after(count, worked):
    """Work that notes which photos it is at, and comes to grief at one."""

    def work(photos):
        for photo in photos:
            if len(worked) == count:
                raise KeyboardInterrupt
            worked.append(photo)
            yield done(photo)

    return work


def started(tmp_path, photos, work, facts=FACTS, **options):
    spool = Spool(tmp_path / "set.npz", facts)
    spool.open(**options)
    return spool, spool.through(photos, work)


def test_a_stopped_run_goes_on_after_the_last_finished_shard_and_gives_the_same(tmp_path, photos):
    worked = []
    with pytest.raises(KeyboardInterrupt):
        list(started(tmp_path, photos, stopped_after(2 * SHARD_PHOTOS + 20, worked))[1])
    again = []
    spool, results = started(tmp_path, photos, stopped_after(COUNT, again))
    assert spool.photos == 2 * SHARD_PHOTOS
    assert [key(cleaned) for cleaned in results] == [key(done(photo)) for photo in photos]
    assert again == photos[2 * SHARD_PHOTOS :]
    spool.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_thumbnails_are_kept_of_as_many_photos_as_are_asked_for(tmp_path, photos):
    spool = Spool(tmp_path / "set.npz", FACTS)
    spool.open()
    found = list(spool.through(photos, lambda photos: map(done, photos), thumbnails=3))
    assert [cleaned.thumbnail is not None for cleaned in found] == [True] * 3 + [False] * (COUNT - 3)


@pytest.mark.parametrize("name", ["pipeline", "version"])
def test_another_run_is_refused_and_said_in_what_it_differs_or_starts_anew(tmp_path, photos, name):
    with pytest.raises(KeyboardInterrupt):
        list(started(tmp_path, photos, stopped_after(SHARD_PHOTOS, []))[1])
    other = FACTS | {name: "another"}
    with pytest.raises(UsageError, match=f"its {name} was .*, now another.*--overwrite"):
        started(tmp_path, photos, stopped_after(COUNT, []), other)
    worked = []
    list(started(tmp_path, photos, stopped_after(COUNT, worked), other, overwrite=True)[1])
    assert worked == photos


def change(photos):
    photos[3].write_bytes(b"another photo")


def remove(photos):
    photos.pop(3).unlink()


def add(photos):
    photos.insert(3, photos[0].with_name("0002b.png"))


@pytest.mark.parametrize("act", [change, remove, add])
def test_photos_that_are_not_what_they_were_are_noticed(tmp_path, photos, act):
    with pytest.raises(KeyboardInterrupt):
        list(started(tmp_path, photos, stopped_after(SHARD_PHOTOS, []))[1])
    act(photos)
    with pytest.raises(UsageError, match=r"0003\.png was changed, moved or removed"):
        list(started(tmp_path, photos, stopped_after(COUNT, []))[1])


def test_a_shard_that_was_damaged_is_noticed(tmp_path, photos):
    with pytest.raises(KeyboardInterrupt):
        list(started(tmp_path, photos, stopped_after(SHARD_PHOTOS, []))[1])
    shard = tmp_path / "set.npz.partial" / "000000.npz"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DataError, match=r"000000\.npz: expected SHA-256"):
        list(started(tmp_path, photos, stopped_after(COUNT, []))[1])


def test_a_line_of_the_manifest_that_was_cut_short_is_of_a_shard_that_is_not_finished(tmp_path, photos):
    with pytest.raises(KeyboardInterrupt):
        list(started(tmp_path, photos, stopped_after(2 * SHARD_PHOTOS, []))[1])
    manifest = tmp_path / "set.npz.partial" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    worked = []
    results = started(tmp_path, photos, stopped_after(COUNT, worked))[1]
    assert len(list(results)) == COUNT
    assert worked == photos[SHARD_PHOTOS:]
    assert [json.loads(line)["shard"] for line in manifest.read_text().splitlines()] == [
        f"00000{number}.npz" for number in range(3)
    ]


def test_what_a_shard_keeps_is_what_cleaning_gave(tmp_path):
    Image.fromarray(np.pad(np.full((60, 12), 30, np.uint8), 30, constant_values=230)).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"no image")
    files = [tmp_path / "1.png", tmp_path / "2.png", tmp_path / "missing.png"]
    straight = [key(cleaned) for cleaned in clean(files, recipe(), thumbnail_px=20, with_decisions=True)]
    spool = Spool(tmp_path / "set.npz", FACTS)
    spool.open()
    list(spool.through(files, lambda left: clean(left, recipe(), thumbnail_px=20, with_decisions=True)))
    again = Spool(tmp_path / "set.npz", FACTS)
    assert again.open() == 3
    assert [key(cleaned) for cleaned in again.through(files, iter)] == straight


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 there")
def test_clean_that_was_killed_ends_with_the_same_bytes_when_it_is_run_again(run, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "digits"
    folder.mkdir()
    digits = dp.read(SAMPLES)["train"].images
    for number in range(COUNT):
        Image.fromarray(255 - digits[rng.integers(len(digits))]).save(folder / f"{number}.png")
    (folder / "7.png").write_bytes(b"broken")
    run("clean", "digits", "-o", "whole.npz", check=7)
    command = [sys.executable, "-m", "digitprep", "clean", "digits", "-o", "killed.npz"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    manifest = tmp_path / "killed.npz.partial" / "manifest.jsonl"
    while process.poll() is None and not (manifest.exists() and manifest.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed.npz").exists()
    assert "going on after" in run("clean", "digits", "-o", "killed.npz", check=7).stderr
    for name in ("npz", "photos.csv", "rejected.csv", "sheet.png"):
        whole, killed = ((tmp_path / f"{run}.{name}").read_bytes() for run in ("whole", "killed"))
        assert whole == killed
    names = [path.name for path in tmp_path.iterdir()]
    assert not [name for name in names if name.endswith(".partial") or name.startswith(".")]
