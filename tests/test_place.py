"""Putting files in place: what is refused, when, and in which words."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from digitprep.errors import DigitprepError, UsageError
from digitprep.place import check_destination, check_writable, place
from digitprep.sync import FILES_ONE_BY_ONE


def test_a_file_that_exists_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(UsageError, match="--overwrite"):
        place(file, lambda result: result.write_text("new"))
    assert file.read_text() == "old"
    place(file, lambda result: result.write_text("new"), overwrite=True)
    assert file.read_text() == "new"


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_while_the_work_went_on_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    def write(result: Path) -> None:
        result.write_text("ours")
        (tmp_path / "a.txt").write_text("theirs")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    place(tmp_path / "free.txt", lambda result: result.write_text("ours"))
    assert (tmp_path / "free.txt").read_text() == "ours"
    with pytest.raises(UsageError, match=r"a\.txt exists; pass --overwrite"):
        place(tmp_path / "a.txt", write)
    assert (tmp_path / "a.txt").read_text() == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "free.txt"]


def test_a_file_that_comes_at_the_very_end_is_not_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, link = tmp_path / "a.txt", os.link

    def late(old: Path, new: Path) -> None:
        target.write_text("theirs")
        link(old, new)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(UsageError, match=r"a\.txt exists; pass --overwrite"):
        place(target, lambda result: result.write_text("ours"))
    assert target.read_text() == "theirs"


@pytest.mark.parametrize(("overwrite", "there"), [(False, False), (False, True), (True, True)])
def test_what_came_into_a_folder_while_the_work_went_on_is_not_replaced(
    tmp_path: Path, *, overwrite: bool, there: bool
) -> None:
    target = tmp_path / "set"
    if there:
        target.mkdir()

    def write(result: Path) -> None:
        result.mkdir()
        target.mkdir(exist_ok=True)
        (target / "thesis.txt").write_text("theirs")

    with pytest.raises(UsageError, match=r"holds thesis\.txt" if overwrite else "pass --overwrite"):
        place(target, write, overwrite=overwrite, folder=True)
    assert (target / "thesis.txt").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_comes_into_a_folder_at_the_very_end_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, rename = tmp_path / "set", Path.rename
    target.mkdir()

    def late(old: Path, new: Path) -> Path:
        if old == target:
            (target / "thesis.txt").write_text("theirs")
        return rename(old, new)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(UsageError, match="pass --overwrite"):
        place(target, Path.mkdir, folder=True)
    assert (target / "thesis.txt").read_text() == "theirs"


class Disk:
    """What it is told to keep, by the numbers that files keep when they are renamed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept: list[int] = []
        self.all = 0
        monkeypatch.setattr(os, "fsync", lambda number: self.kept.append(os.fstat(number).st_ino))
        monkeypatch.setattr(os, "sync", self.keep_all)

    def keep_all(self) -> None:
        self.all += 1


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such numbers there")
@pytest.mark.parametrize("overwrite", [False, True])
def test_the_disk_has_a_file_before_it_has_its_name_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, overwrite: bool
) -> None:
    disk, file = Disk(monkeypatch), tmp_path / "a.txt"
    place(file, lambda result: result.write_text("new"), overwrite=overwrite)
    assert disk.kept == [file.stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such numbers there")
def test_the_disk_has_all_of_a_folder_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(count: int, result: Path) -> None:
        (result / "train").mkdir(parents=True)
        for number in range(count):
            (result / "train" / f"{number}.png").touch()

    disk = Disk(monkeypatch)
    place(tmp_path / "few", partial(write, 3), folder=True)
    inside = [path.stat().st_ino for path in (tmp_path / "few").rglob("*")]
    assert set(disk.kept) == {*inside, (tmp_path / "few").stat().st_ino, tmp_path.stat().st_ino}
    assert disk.kept[-1] == tmp_path.stat().st_ino
    assert disk.all == 0
    place(tmp_path / "many", partial(write, FILES_ONE_BY_ONE + 1), folder=True)
    assert disk.all == 1


def test_a_disk_that_fails_when_all_is_written_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    file = tmp_path / "a.txt"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DigitprepError, match=r"a\.txt: cannot be written: Input/output error; nothing"):
        place(file, lambda result: result.write_text("new"), overwrite=True)
    assert file.read_text() == "old"


def test_asking_beforehand_changes_nothing(tmp_path: Path) -> None:
    check_destination(tmp_path / "new" / "a.txt")
    check_destination(tmp_path / "new", folder=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused_where_a_file_goes_and_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for name, folder in (("file", True), ("folder", False)):
        with pytest.raises(UsageError, match="choose another name"):
            check_destination(tmp_path / name, overwrite=True, folder=folder)


def test_a_folder_with_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    check_destination(tmp_path, overwrite=True, folder=True, owns=lambda name: name == "mine.txt")
    with pytest.raises(UsageError, match=r"it holds mine\.txt"):
        check_destination(tmp_path, overwrite=True, folder=True)


def test_a_name_that_no_disk_takes_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / ("x" * 300), tmp_path / "file" / "a.txt"):
        for ask in (check_destination, lambda path: place(path, Path.touch)):
            with pytest.raises(DigitprepError, match=r"cannot be written: .*choose another destination"):
                ask(path)
    with pytest.raises(DigitprepError, match=r"a\.txt: cannot be written"):
        check_writable(tmp_path / "file" / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="there whole paths are short")
def test_the_longest_name_that_the_disk_takes_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    place(path, lambda result: result.write_text("done"))
    assert path.read_text() == "done"


def test_asking_whether_a_folder_can_be_written_creates_it_and_leaves_it_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "a.txt")
    assert list((tmp_path / "new").iterdir()) == []


def killed_while_writing(target: Path, *, replaced: bool = False) -> None:
    """What a run leaves that was killed while it wrote, or between two renames."""
    code = (
        "import os, pathlib, signal, sys; from digitprep import place\n"
        "die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "def write(result): result.mkdir(); (result / 'new').touch(); sys.argv[2] or die()\n"
        "pathlib.Path.rename = lambda old, new: die() if new.name == 'set' else os.rename(old, new)\n"
        "place.place(pathlib.Path(sys.argv[1]), write, overwrite=True, folder=True, owns=lambda _: True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(target), "replaced" if replaced else ""], check=False
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path: Path) -> None:
    target = tmp_path / "set"
    killed_while_writing(target)
    assert [path.name.startswith(".digitprep-") for path in tmp_path.iterdir()] == [True]
    place(tmp_path / "another", Path.mkdir, folder=True)
    assert len(list(tmp_path.iterdir())) == 2  # that of another destination is none of its business
    place(target, Path.mkdir, folder=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another", "set"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_an_old_folder_that_was_just_put_aside_when_the_run_was_killed_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "set"
    target.mkdir()
    (target / "old").touch()
    killed_while_writing(target, replaced=True)
    assert not target.exists()
    with pytest.raises(UsageError, match="--overwrite"):
        place(target, Path.mkdir, folder=True)
    assert [path.name for path in target.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_what_another_run_is_writing_at_the_same_time_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def write(result: Path) -> None:
        result.write_text("first")
        place(target, lambda other: other.write_text("second"))

    place(target, write, overwrite=True)
    assert target.read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
