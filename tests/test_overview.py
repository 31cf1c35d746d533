"""Sheets of datasets: what is counted, what is drawn of it, and two datasets side by side."""

import numpy as np
import pytest
from PIL import Image

import digitprep as dp
from digitprep.contents import seen
from digitprep.overview import SAMPLES, Difference, Overview, differences
from digitprep.report.dataset import (
    BAR,
    BAR_PX,
    MARGIN_PX,
    NAME_PX,
    ROW_PX,
    SHOWN_CLASSES,
    WIDTH_PX,
    comparison_sheet,
    dataset_sheet,
)


def split_of(count=60, classes=3, shape=(6, 8), name="train", labels=True):
    """Images with a block of ink that is 3 high and 2 + its label wide, each of another grey."""
    images = np.zeros((count, *shape), np.uint8)
    for number in range(count):
        images[number, 1:4, 1 : 3 + number % classes] = 130 + number % 120
    return dp.Split(images, np.arange(count) % classes if labels else None, name)


def overview_of(split, batch=7):
    found = {}
    for _ in seen(split.batches(batch), found, Overview):
        pass
    return found[split.name]


def has(sheet, pixels):
    """Whether the pixels are somewhere in a picture, at 8 times their size in grey."""
    red, green, blue = np.moveaxis(np.asarray(sheet), -1, 0)
    return np.isin(pixels, red[(red == green) & (green == blue)]).all()


def test_labels_means_greys_and_sizes_are_those_of_the_images():
    split = split_of()
    overview = overview_of(split)
    assert overview.counts == {0: 20, 1: 20, 2: 20}
    for label in range(3):
        mean = split.images[split.labels == label].mean(axis=0)
        np.testing.assert_array_equal(overview.mean(label), np.rint(mean))
    np.testing.assert_array_equal(overview.levels, np.bincount(split.images.ravel(), minlength=256))
    assert overview.heights.tolist() == [0, 0, 0, 60, 0, 0, 0]
    assert overview.widths.tolist() == [0, 0, 20, 20, 20, 0, 0, 0, 0]
    assert (overview.count, overview.size) == (60, "6 x 8")


def test_it_does_not_matter_how_the_images_come_in_batches_and_memory_is_bounded():
    split = split_of(120)
    one, other = overview_of(split, 120), overview_of(split, 11)
    for label in range(3):
        assert len(one.samples[label].images) <= SAMPLES
        np.testing.assert_array_equal(one.samples[label].images, other.samples[label].images)
        np.testing.assert_array_equal(one.mean(label), other.mean(label))


def test_images_without_labels_or_ink_or_in_colour_have_an_overview():
    blank = overview_of(dp.Split(np.zeros((5, 4, 4, 3), np.uint8), None))
    assert blank.counts == {None: 5}
    assert blank.heights.tolist() == [5, 0, 0, 0, 0]
    assert blank.mean(None).shape == (4, 4, 3)
    assert blank.name(None) == "no label"
    assert dataset_sheet("blank", {"train": blank}).width == WIDTH_PX


def test_a_sheet_shows_every_class_its_mean_and_its_samples():
    split = split_of(30)
    overview = overview_of(split)
    sheet = dataset_sheet("mine", {"train": overview})
    assert has(sheet, split.images[:3])
    assert has(sheet, overview.mean(1))
    more = dataset_sheet("mine", {"train": overview, "test": overview_of(split_of(name="test"))})
    assert more.height > 1.8 * sheet.height
    assert sheet.tobytes() == dataset_sheet("mine", {"train": overview}).tobytes()


def test_the_bars_are_as_long_as_their_share_of_the_most_frequent_label():
    split = dp.Split(np.full((9, 4, 4), 255, np.uint8), np.array([0] * 6 + [1] * 3))
    sheet = np.asarray(dataset_sheet("", {"train": overview_of(split)}))
    rows = sheet[34 + 64 : 34 + 64 + 2 * ROW_PX, : MARGIN_PX + NAME_PX + BAR_PX]
    lengths = set((rows == int(BAR[1:3], 16)).all(axis=2).sum(axis=1).tolist())
    assert len(lengths) == 3
    none, short, long = sorted(lengths)
    assert none == 0
    assert 2 * short == pytest.approx(long, abs=2)


def test_of_too_many_classes_the_first_are_shown_and_the_others_told():
    few, many = (
        dataset_sheet("", {"train": overview_of(split_of(300, classes, (4, 140)))}).height
        for classes in (SHOWN_CLASSES, 130)
    )
    assert few == many
    assert len(overview_of(split_of(300, 130, (4, 140))).samples) == 100


def test_what_differs_is_named_with_its_place_and_both_labels():
    a, b = split_of(), split_of()
    b.images[9, 0, 0] = 77
    b.labels[20] = 0
    found = list(differences(a.batches(8), b.batches(8), most=5))
    assert [(one.split, one.index, one.label_a, one.label_b) for one in found] == [
        ("train", 9, 0, 0),
        ("train", 20, 2, 0),
    ]
    np.testing.assert_array_equal(found[0].b, b.images[9])
    assert len(list(differences(a.batches(8), b.batches(8), most=1))) == 1
    assert list(differences(a.batches(8), split_of(shape=(5, 8)).batches(8), most=5)) == []
    assert list(differences(a.batches(8), split_of(name="test").batches(8), most=5)) == []


def test_all_of_both_streams_is_read_whatever_differs():
    a, b = split_of(), split_of(30, shape=(9, 9))
    overviews = {}, {}
    streams = [seen(one.batches(8), found, Overview) for one, found in zip((a, b), overviews, strict=True)]
    assert list(differences(*streams, most=5)) == []
    assert [found["train"].count for found in overviews] == [60, 30]


def test_two_datasets_stand_side_by_side_below_what_differs():
    overview = {"train": overview_of(split_of())}
    alone = comparison_sheet("a", overview, "b", overview, "same")
    one = Difference("train", 3, np.full((6, 8), 201, np.uint8), np.full((6, 8), 190, np.uint8), 1, 2)
    both = comparison_sheet("a", overview, "b", overview, "different", [one])
    assert alone.width == both.width == 2 * WIDTH_PX
    assert both.height > alone.height
    assert has(both, np.array([201, 190, 11]))
    assert isinstance(overview["train"], Overview)


def test_info_and_diff_draw_a_sheet_beside_what_they_say(run, tmp_path):
    a, b = split_of(), split_of()
    b.images[9, 0, 0] = 77
    dp.write(a, tmp_path / "a.npz")
    dp.write(b, tmp_path / "b.npz")
    plain = run("info", "a.npz").stdout
    assert run("info", "a.npz", "--sheet", "a.png").stdout == plain
    assert Image.open(tmp_path / "a.png").width == WIDTH_PX
    done = run("diff", "a.npz", "b.npz", "--sheet", "d.png", check=1)
    assert "different: split 'train', sample 9" in done.stdout
    assert has(Image.open(tmp_path / "d.png").convert("RGB"), np.array([77]))
    run("diff", "a.npz", "a.npz", "--sheet", "same.png")
    before = (tmp_path / "a.png").read_bytes()
    for command in (["info", "a.npz"], ["diff", "a.npz", "b.npz"]):
        assert "a.png exists; pass --overwrite" in run(*command, "--sheet", "a.png", check=2).stderr
    run("info", "a.npz", "--sheet", "a.png", "--overwrite")
    assert (tmp_path / "a.png").read_bytes() == before
    assert ".png, .jpg or another" in run("info", "a.npz", "--sheet", "a.xyz", check=2).stderr
