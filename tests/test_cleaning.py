"""The report of a cleaning: what it writes beside the dataset, and what it refuses to replace."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitprep.batch import Cleaned
from digitprep.errors import DigitprepError, UsageError
from digitprep.report.cleaning import CleaningReport

IMAGE = np.zeros((28, 28), np.uint8)


def report_of(destination, *photos, **options):
    report = CleaningReport(destination, **options)
    for photo in photos:
        report.add(photo)
    return report


def test_the_sheet_and_the_list_of_rejected_photos_get_folders_and_nothing_else(tmp_path):
    photos = Cleaned(Path("good.jpg"), IMAGE, thumbnail=IMAGE), Cleaned(Path("bad.jpg"), reason="blank")
    report_of(tmp_path / "new" / "d.npz", *photos).write()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["d.rejected.csv", "d.sheet.png"]
    assert Image.open(tmp_path / "new" / "d.sheet.png").format == "PNG"


def test_a_photo_whose_name_is_not_utf_8_is_listed_under_its_own_bytes(tmp_path):
    name = os.fsdecode(b"b\xe4d.jpg")
    report_of(tmp_path / "d.npz", Cleaned(Path(name), reason="blank", thumbnail=IMAGE)).write()
    with (tmp_path / "d.rejected.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [name]


def test_the_list_of_an_earlier_run_goes_where_nothing_was_rejected(tmp_path):
    report_of(tmp_path / "d.npz", Cleaned(Path("bad.jpg"), reason="blank")).write()
    report_of(tmp_path / "d.npz", Cleaned(Path("good.jpg"), IMAGE), sheet=False, overwrite=True).write()
    assert not (tmp_path / "d.rejected.csv").exists()


def test_what_is_in_the_way_is_said_when_asked_before_the_work(tmp_path):
    (tmp_path / "d.rejected.csv").mkdir()
    (tmp_path / "e.sheet.png").write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"d\.rejected\.csv is no regular file"):
        report_of(tmp_path / "d.npz", overwrite=True).check()
    with pytest.raises(UsageError, match=r"e\.sheet\.png exists"):
        report_of(tmp_path / "e.npz").check()
    report_of(tmp_path / "e.npz", sheet=False).check()


def test_what_the_disk_refuses_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("")
    report = report_of(tmp_path / "file" / "d.npz", Cleaned(Path("bad.jpg"), reason="blank"))
    with pytest.raises(DigitprepError, match="cannot be written"):
        report.check()
    with pytest.raises(DigitprepError, match="cannot be written"):
        report.write()


def test_a_destination_without_a_name_has_its_files_beside_it(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path / "d")
    assert CleaningReport(Path()).rejected_path == tmp_path / "d.rejected.csv"
