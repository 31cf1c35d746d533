"""The report of a cleaning: what it writes beside the dataset, and what it refuses to replace."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from places import SAMPLES

import digitprep as dp
from digitprep.batch import Cleaned
from digitprep.errors import DigitprepError, UsageError
from digitprep.report.cleaning import CleaningReport

IMAGE = np.zeros((28, 28), np.uint8)
LIKE = dp.read(SAMPLES / "digits" / "digits.npz")["train"].images[0]


def report_of(destination, *photos, **options):
    report = CleaningReport(destination, **options)
    for photo in photos:
        report.add(photo)
    return report


def test_the_sheet_and_the_list_of_rejected_photos_get_folders_and_nothing_else(tmp_path):
    photos = Cleaned(Path("good.jpg"), IMAGE, thumbnail=IMAGE), Cleaned(Path("bad.jpg"), reason="blank")
    report_of(tmp_path / "new" / "d.npz", *photos).write()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "d.photos.csv",
        "d.rejected.csv",
        "d.sheet.png",
        "d.unlike.csv",
    ]
    assert Image.open(tmp_path / "new" / "d.sheet.png").format == "PNG"


def test_a_photo_whose_name_is_not_utf_8_is_listed_under_its_own_bytes(tmp_path):
    name = os.fsdecode(b"b\xe4d.jpg")
    report_of(tmp_path / "d.npz", Cleaned(Path(name), reason="blank", thumbnail=IMAGE)).write()
    with (tmp_path / "d.rejected.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [name]


def test_the_lists_of_an_earlier_run_go_where_nothing_is_left_to_be_in_them(tmp_path):
    report_of(
        tmp_path / "d.npz",
        Cleaned(Path("bad.jpg"), reason="blank"),
        Cleaned(Path("empty.jpg"), IMAGE, doubt="no ink"),
    ).write()
    lists = {"d.photos.csv", "d.rejected.csv", "d.unlike.csv", "d.doubtful.csv"}
    assert {path.name for path in tmp_path.glob("*.csv")} == lists
    report_of(tmp_path / "d.npz", Cleaned(Path("good.jpg"), LIKE), sheet=False, overwrite=True).write()
    assert [path.name for path in tmp_path.glob("*.csv")] == ["d.photos.csv"]


def test_every_image_is_listed_with_its_photo_label_and_box(tmp_path):
    photos = [
        Cleaned(Path("a/1.jpg"), LIKE, (5, 6, 7, 8), label=3),
        Cleaned(Path("a/blank.jpg"), reason="blank"),
        Cleaned(Path("b/1.jpg"), LIKE, (1, 2, 3, 4)),
    ]
    report_of(tmp_path / "d.npz", *photos, sheet=False, split="test").write()
    assert (tmp_path / "d.photos.csv").read_text().splitlines() == [
        "index,split,file,label,x,y,width,height",
        "0,test,a/1.jpg,3,5,6,7,8",
        "1,test,b/1.jpg,,1,2,3,4",
    ]


def test_the_list_of_photos_stays_with_its_dataset_where_no_photo_gave_an_image(tmp_path):
    report_of(tmp_path / "d.npz", Cleaned(Path("1.jpg"), LIKE)).write()
    before = (tmp_path / "d.photos.csv").read_bytes()
    report_of(tmp_path / "d.npz", Cleaned(Path("2.jpg"), reason="blank"), overwrite=True).write()
    assert (tmp_path / "d.photos.csv").read_bytes() == before


def test_what_is_doubtful_is_accepted_listed_marked_and_counted(tmp_path):
    sure, doubtful = Cleaned(Path("a"), LIKE, label=7), Cleaned(Path("b"), LIKE, label=7, doubt="2 digits?")
    report = report_of(tmp_path / "d.npz", sure, doubtful)
    report.write()
    assert (tmp_path / "d.doubtful.csv").read_text().splitlines() == ["file,reason", "b,2 digits?"]
    captions = [(after.caption, after.good) for _, after in report.columns]
    assert captions == [("7", None), ("7 doubtful", False)]
    assert report.accepted == 2
    assert f"; 1 doubtful, {tmp_path / 'd.doubtful.csv'} says why" in report.remarks


def test_what_is_unlike_mnist_is_marked_on_the_sheet_listed_and_accepted(tmp_path):
    small = np.zeros((20, 20), np.uint8)
    like, unlike, other = (Cleaned(Path("a"), image, label=7) for image in (LIKE, IMAGE, small))
    report = report_of(tmp_path / "d.npz", like, unlike, other, Cleaned(Path("b"), reason="blank"))
    assert (report.accepted, report.like) == (3, 1)
    report.write()
    assert report.unlike_path.read_text().splitlines() == [
        "file,reason",
        'a,"the image is empty, there is no ink"',
    ]
    captions = [(after.caption, after.good) for _, after in report.columns]
    assert captions == [("7", None), ("7 unlike MNIST", False), ("7", None), ("rejected", False)]


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
