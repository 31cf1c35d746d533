"""The workers of a Dask scheduler give what one core gives, and go on when a photo or a worker is lost."""

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from photo_work import CRASH, HANG, PHOTOS, crashes, hangs, lost, named
from PIL import Image
from places import DIGITS

import digitprep as dp
from digitprep import dask
from digitprep.batch import Cleaned, clean
from digitprep.dask import DaskPool, Site
from digitprep.errors import DigitprepError, UsageError
from digitprep.recipes import recipe
from digitprep.sources import Member
from digitprep.workers import ProcessPool, in_order


@pytest.fixture(scope="module")
def pool(cluster):
    with DaskPool(cluster.address, chunk=5) as started:
        yield started


def draw(folder, count):
    """So many photos of digits, one of them broken."""
    digits = dp.read(DIGITS)["train"].images
    folder.mkdir()
    for number in range(count):
        Image.fromarray(255 - np.pad(digits[number % len(digits)], number % 20)).save(
            folder / f"{number}.png"
        )
    (folder / "7.png").write_bytes(b"broken")
    return sorted(folder.iterdir())


def key(cleaned):
    found = {field.name: getattr(cleaned, field.name) for field in fields(Cleaned)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def records(photos, executor=None):
    found = clean(photos, recipe(), executor=executor, thumbnail_px=20, with_decisions=True)
    return [key(cleaned) for cleaned in found]


def test_none_threads_processes_and_dask_give_equal_records(tmp_path, cluster, pool):
    photos = [*draw(tmp_path / "photos", 40), tmp_path / "missing.png"]
    expected = records(photos)
    assert sum(record["image"] is None for record in expected) == 2
    with ThreadPoolExecutor(2) as threads:
        assert records(photos, threads) == expected
    with ProcessPool(2) as processes:
        assert records(photos, processes) == expected
    assert records(photos, pool) == expected
    import distributed

    with distributed.Client(cluster.address, set_as_default=False) as client, client.get_executor() as plain:
        assert records(photos, plain) == expected


def test_names_that_begin_in_the_folder_of_the_run_mean_the_same_to_workers(tmp_path, cluster, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "photos", 8)
    photos = sorted(Path("photos").iterdir())
    with DaskPool(cluster.address) as pool:
        assert records(photos, pool) == records(photos)


def test_a_photo_that_crashes_a_process_or_never_ends_is_one_result_and_costs_no_worker(pool, monkeypatch):
    found = list(in_order(crashes, PHOTOS, pool, lost))
    assert found[3].startswith("3 lost: it crashed the process")
    assert found[:3] + found[4:] == [photo.stem for photo in PHOTOS if photo != CRASH]
    monkeypatch.setattr(pool, "seconds", 1.5)
    found = list(in_order(hangs, PHOTOS, pool, lost))
    assert found[7] == "7 lost: expected to be done in 1.5 seconds, it took longer"
    assert found[:7] + found[8:] == [photo.stem for photo in PHOTOS if photo != HANG]
    monkeypatch.setattr(pool, "seconds", 60)
    assert list(in_order(named, PHOTOS, pool, lost)) == [photo.stem for photo in PHOTOS]
    assert pool.ahead == 4


def test_photos_are_taken_only_as_far_as_two_lists_for_each_worker(pool):
    taken = []
    results = in_order(named, (taken.append(photo) or photo for photo in PHOTOS * 100), pool)
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(taken) == 4 * 5
    results.close()


def test_an_error_of_the_caller_comes_back_as_it_is(tmp_path, pool):
    file = tmp_path / "a.png"
    Image.new("RGB", (30, 30)).save(file)
    with pytest.raises(ValueError, match="put grayscale before it"):
        list(clean([file], dp.Pipeline.parse("threshold"), executor=pool))


@pytest.mark.skipif(sys.platform != "linux", reason="no files that one process alone sees")
def test_a_worker_that_does_not_see_the_photos_is_said_and_no_photo_is_rejected_for_it(tmp_path, pool):
    (photo, *_) = draw(tmp_path / "photos", 8)
    with photo.open("rb") as file:
        here = Path(f"/proc/self/fd/{os.dup2(file.fileno(), 200)}")  # the workers have none of that number
    assert here.exists()
    member = Member("a.zip/7.png", here, 0, 9, here.stat().st_mtime_ns)
    for source in (here, member):
        with pytest.raises(
            DigitprepError, match=rf"the worker tcp://\S+ does not see {here}; put the photos where"
        ):
            list(clean([source], recipe(), executor=pool))
    (brought,) = clean([replace(member, data=photo.read_bytes(), length=1)], recipe(), executor=pool)
    assert brought.image is not None
    os.close(200)


def test_a_worker_of_other_versions_is_refused_whenever_it_comes(cluster, pool, monkeypatch):
    others = {**dask.versions(), "digitprep": "9.9", "Python": "4.0", "pillow-heif": None}
    expected = (
        r"the worker tcp://\S+ has digitprep 0\.\S+, pillow-heif \S+, Python 3\.\d+, and here is "
        r"digitprep 9\.9, pillow-heif none, Python 4"
    )
    with monkeypatch.context() as patched:
        patched.setattr(pool, "_site", replace(pool._site, versions=others))
        with pytest.raises(DigitprepError, match=expected):
            list(in_order(named, PHOTOS, pool, lost))
    monkeypatch.setattr(dask, "Site", lambda folder, _: Site(folder, others))
    with pytest.raises(DigitprepError, match=expected):
        DaskPool(cluster.address)


def test_a_scheduler_that_tells_of_others_while_it_greets_is_asked_again(cluster, monkeypatch):
    """Seen with Dask 2026.8 where two others dropped work all the time: every tenth client failed so."""
    import distributed

    greetings = []

    class Client(distributed.Client):
        def __init__(self, *arguments, **options):
            greetings.append(arguments)
            assert len(greetings) > 1  # as Dask's own does where a greeting does not come alone
            super().__init__(*arguments, **options)

    monkeypatch.setattr(distributed, "Client", Client)
    DaskPool(cluster.address).shutdown()
    assert len(greetings) == 2


@pytest.mark.parametrize("address", ["here", "tcp://here", "no://here:1"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(
        UsageError, match=f"expected a scheduler's address, tcp://HOST:8786, found '{address}'"
    ):
        DaskPool(address)


def test_where_nobody_answers_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setattr(dask, "CONNECT_SECONDS", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DigitprepError, match=rf"no scheduler answers at {address} .*`dask scheduler`"):
            DaskPool(address)
