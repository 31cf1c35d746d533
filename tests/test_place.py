"""Putting files in place: what is refused, when, and in which words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from digitprep.errors import DigitprepError, UsageError
from digitprep.place import check_destination, check_writable, place


def test_a_file_that_exists_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(UsageError, match="--overwrite"):
        place(file, lambda result: result.write_text("new"))
    assert file.read_text() == "old"
    place(file, lambda result: result.write_text("new"), overwrite=True)
    assert file.read_text() == "new"


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
