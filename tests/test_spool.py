"""A run that was stopped goes on where it was, and ends as if nothing had happened."""

import contextlib
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from forked import Forked
from PIL import Image
from places import DIGITS

import digitprep as dp
from digitprep.batch import Cleaned, clean
from digitprep.errors import UsageError
from digitprep.recipes import recipe
from digitprep.sources import Member
from digitprep.spool import SHARD_RECORDS, Spool

FACTS = {"pipeline": "grayscale | center", "version": "1"}
COUNT = 2 * SHARD_RECORDS + 50


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


def key(one):
    """All that is kept of a photo, to compare."""
    arrays = [None if array is None else array.tolist() for array in (one.image, one.thumbnail)]
    return one.photo, arrays, one.box, one.reason, one.doubt, one.decisions, one.file


def stopped_after(count, worked):
    """Work that notes which photos it is at, and comes to grief at one."""

    def work(photos):
        for photo in photos:
            if len(worked) == count:
                raise KeyboardInterrupt
            worked.append(photo)
            yield [done(photo)]

    return work


def cleaned(tmp_path, photos, work, facts=FACTS, overwrite=False, finish=False):
    """What a run gives, to its end or until it is stopped; what it keeps stays, unless it is to finish."""
    with contextlib.suppress(Stopped), Spool(tmp_path / "set.npz", facts, overwrite) as spool:
        found = [key(one) for (one,) in spool.through(photos, work)]
        if finish:
            return found
        raise Stopped
    return found


class Stopped(Exception):
    """Ends the block of a spool so that it is kept."""


def interrupted(tmp_path, photos, count):
    """A run that is stopped at a photo."""
    with pytest.raises(KeyboardInterrupt):
        cleaned(tmp_path, photos, stopped_after(count, []))


EVERY = [key(done(Path(f"{number}.png")))[1:] for number in range(COUNT)]


@pytest.mark.parametrize("count", [1, SHARD_RECORDS, 2 * SHARD_RECORDS + 20])
def test_a_stopped_run_goes_on_where_it_was_and_gives_the_same(tmp_path, photos, count):
    interrupted(tmp_path, photos, count)
    again = []
    found = cleaned(tmp_path, photos, stopped_after(COUNT, again), finish=True)
    assert [one[0] for one in found] == photos
    assert [one[1:] for one in found] == EVERY
    assert again == photos[count:]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_thumbnails_are_kept_of_as_many_photos_as_are_asked_for(tmp_path, photos):
    with Spool(tmp_path / "set.npz", FACTS) as spool:
        found = list(spool.through(photos, stopped_after(COUNT, []), thumbnails=3))
    assert [one.thumbnail is not None for (one,) in found] == [True] * 3 + [False] * (COUNT - 3)


@pytest.mark.parametrize("name", ["pipeline", "version"])
def test_another_run_is_refused_and_said_in_what_it_differs_or_starts_anew(tmp_path, photos, name):
    interrupted(tmp_path, photos, SHARD_RECORDS)
    other = FACTS | {name: "another"}
    with pytest.raises(UsageError, match=f"its {name} was .*, now another.*--overwrite"):
        cleaned(tmp_path, photos, stopped_after(COUNT, []), other)
    worked = []
    cleaned(tmp_path, photos, stopped_after(COUNT, worked), other, overwrite=True)
    assert worked == photos


def test_what_was_wanting_may_come_and_what_was_there_may_not_become_another(tmp_path, photos):
    lacking, there, newer = ({**FACTS, "heif": version} for version in (None, "1", "2"))
    for number, facts in enumerate((lacking, there, lacking), start=1):
        with contextlib.suppress(KeyboardInterrupt):
            cleaned(tmp_path, photos, stopped_after(5, []), facts)
        assert Spool(tmp_path / "set.npz", facts).was_begun()
        assert (tmp_path / "set.npz.partial" / "manifest.jsonl").read_text().count("\n") == number
    with pytest.raises(UsageError, match="its heif was 1, now 2;"):
        cleaned(tmp_path, photos, stopped_after(COUNT, []), newer)


def change(photos):
    photos[3].write_bytes(b"another photo")


def remove(photos):
    photos.pop(3).unlink()


def add(photos):
    photos.insert(3, photos[0].with_name("0002b.png"))


@pytest.mark.parametrize("act", [change, remove, add])
def test_photos_that_are_not_what_they_were_are_noticed_and_done_again_when_asked(tmp_path, photos, act):
    interrupted(tmp_path, photos, SHARD_RECORDS + 5)
    act(photos)
    with pytest.raises(UsageError, match=r"0003\.png was changed, moved or removed.*--overwrite"):
        cleaned(tmp_path, photos, stopped_after(COUNT, []))
    worked = []

    def work(photos):
        for photo in photos:
            worked.append(photo)
            yield [Cleaned(photo, reason="looked at again")]

    cleaned(tmp_path, photos, work, overwrite=True)
    assert worked == photos[3:]


def test_a_photo_that_changes_while_it_is_worked_on_is_not_kept(tmp_path, photos):
    def work(photos):
        for photo in photos:
            if photo.name == "0250.png":
                photo.write_bytes(b"another by now")
            yield [done(photo)]

    cleaned(tmp_path, photos, work)
    again = []
    cleaned(tmp_path, photos, stopped_after(COUNT, again))
    assert again == photos[SHARD_RECORDS:]


def damage(folder):
    shard = folder / "000001.npz"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)


def lose(folder):
    (folder / "000001.npz").unlink()


def cut_short(folder):
    manifest = folder / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines[:2])[:-9])


def scribble(folder):
    manifest = folder / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(lines[0] + b"[1, 2]\nno JSON\n" + lines[1])


@pytest.mark.parametrize("harm", [damage, lose, cut_short, scribble])
def test_what_is_not_whole_is_done_again(tmp_path, photos, harm):
    interrupted(tmp_path, photos, 2 * SHARD_RECORDS + 20)
    harm(tmp_path / "set.npz.partial")
    worked = []
    found = cleaned(tmp_path, photos, stopped_after(COUNT, worked), finish=True)
    assert [one[1:] for one in found] == EVERY
    assert worked == photos[SHARD_RECORDS:]


def test_a_photo_that_was_lost_with_its_process_is_tried_again(tmp_path, photos):
    def work(photos):
        for photo in photos:
            lost = Cleaned(photo, reason="crashed", lost=True)
            yield [lost if photo.name == "0007.png" else done(photo)]

    cleaned(tmp_path, photos, work)
    again = []
    found = cleaned(tmp_path, photos, stopped_after(COUNT, again))
    assert again == [photos[7]]
    assert [one[1:] for one in found] == EVERY


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_anything_else_is_refused_and_left_as_it_is(tmp_path, photos, overwrite):
    folder = tmp_path / "set.npz.partial"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds thesis\.txt"):
        cleaned(tmp_path, photos, stopped_after(COUNT, []), overwrite=overwrite)
    assert (folder / "thesis.txt").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_a_second_run_at_the_same_time_is_refused_and_the_first_one_goes_on(tmp_path, photos):
    with Spool(tmp_path / "set.npz", FACTS) as spool:
        results = (key(one) for (one,) in spool.through(photos, stopped_after(COUNT, [])))
        first = [next(results) for _ in range(SHARD_RECORDS)]
        for overwrite in (False, True):
            with pytest.raises(UsageError, match="another run is making the same dataset"):
                cleaned(tmp_path, photos, stopped_after(COUNT, []), overwrite=overwrite)
        assert [one[1:] for one in [*first, *results]] == EVERY


def test_what_a_shard_keeps_is_what_cleaning_gave(tmp_path):
    Image.fromarray(np.pad(np.full((60, 12), 30, np.uint8), 30, constant_values=230)).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"no image")
    files = [tmp_path / "1.png", tmp_path / "2.png"]
    straight = [key(one) for one in clean(files, recipe(), thumbnail_px=20, with_decisions=True)]

    def work(left):
        return ([one] for one in clean(left, recipe(), thumbnail_px=20, with_decisions=True))

    cleaned(tmp_path, files, work)
    assert cleaned(tmp_path, files, stopped_after(0, [])) == straight


def test_of_a_page_all_digits_are_kept_by_their_names_and_those_of_an_archive_by_theirs(tmp_path, photos):
    pages = [photos[1], Member("a.zip/b/2.png", tmp_path / "a.zip", 0, 1, 0), *photos[3:]]

    def work(left):
        for page in left:
            digits = [page.with_name(f"{page.stem}-c{place}.png") for place in range(int(page.stem) % 3)]
            yield [replace(done(page), photo=digit, file=(page.name, "0" * 64)) for digit in digits]

    straight = list(map(str, [one.photo for page in work(pages) for one in page]))
    for worked in (work, stopped_after(0, [])):
        with contextlib.suppress(Stopped), Spool(tmp_path / "set.npz", FACTS) as spool:
            found = [one for page in spool.through(pages, worked) for one in page]
            raise Stopped
        assert [str(one.photo) for one in found] == straight
        assert found[1].file == ("2.png", "0" * 64)


def test_shards_and_thumbnails_of_pages_are_counted_by_their_digits(tmp_path, photos):
    def work(left):
        for page in left:
            yield [replace(done(page), photo=page.with_name(f"{page.stem}-{place}")) for place in range(60)]

    with contextlib.suppress(Stopped), Spool(tmp_path / "set.npz", FACTS) as spool:
        found = [one for page in spool.through(photos[:10], work, thumbnails=90) for one in page]
        assert [shard["photos"] for shard in spool.shards.finished] == [4, 4, 2]
        raise Stopped
    assert [one.thumbnail is not None for one in found] == [True] * 90 + [False] * 510
    with Spool(tmp_path / "set.npz", FACTS) as spool:
        again = [one for page in spool.through(photos, work, thumbnails=90) for one in page]
    assert [one.thumbnail is not None for one in again] == [True] * 90 + [False] * (60 * COUNT - 90)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 there")
def test_clean_that_was_killed_ends_with_the_same_bytes_when_it_is_run_again(run, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "digits"
    folder.mkdir()
    digits = dp.read(DIGITS)["train"].images
    for number in range(COUNT):
        Image.fromarray(255 - digits[rng.integers(len(digits))]).save(folder / f"{number}.png")
    (folder / "7.png").write_bytes(b"broken")
    quick = ["--pipeline", "grayscale | invert | resize(size=28)"]  # how they are cleaned is no matter here
    run("clean", "digits", "-o", "whole.npz", *quick, check=7)
    process = Forked(["clean", "digits", "-o", "killed.npz", *quick], tmp_path)
    manifest = tmp_path / "killed.npz.partial" / "manifest.jsonl"
    while process.poll() is None and not (manifest.exists() and manifest.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed.npz").exists()
    assert "going on after" in run("clean", "digits", "-o", "killed.npz", *quick, check=7).stderr
    for name in ("npz", "photos.csv", "rejected.csv", "sheet.png"):
        whole, killed = ((tmp_path / f"{run}.{name}").read_bytes() for run in ("whole", "killed"))
        assert whole == killed
    names = [path.name for path in tmp_path.iterdir()]
    assert not [name for name in names if name.endswith(".partial") or name.startswith(".")]
