"""Parts of a dataset, and several datasets as one, on the command line."""

import numpy as np
from places import DIGITS

import digitprep as dp


def test_convert_makes_a_validation_split(run, tmp_path):
    done = run("convert", DIGITS, "a.npz", "--split", "900:100", "--seed", "1")
    assert "train 900, val 100, test 500" in done.stderr
    train, val = dp.divide(dp.read(DIGITS)["train"], 100, seed=1)
    data = dp.read(tmp_path / "a.npz")
    assert np.array_equal(data["train"].images, train.images)
    assert np.array_equal(data["val"].labels, val.labels)


def test_convert_takes_the_first_samples_of_some_classes_of_one_split(run, tmp_path):
    run("convert", DIGITS, "a.npz", "--only", "test", "--classes", "3,5", "--take", "20")
    data, test = dp.read(tmp_path / "a.npz"), dp.read(DIGITS)["test"]
    assert list(data) == ["test"]
    wanted = np.flatnonzero(np.isin(test.labels, [3, 5]))[:20]
    assert np.array_equal(data["test"].images, test.images[wanted])


def test_what_cannot_be_chosen_leaves_no_file(run, tmp_path):
    for options, words in (
        (["--only", "val"], "no split is named 'val'; there are: train, test"),
        (["--classes", "3,12"], "no sample is of class 12"),
        (["--classes", "0"], "expected a number from 1"),
        (["--split", "900:50"], "the training split has 1000"),
        (["--split", "half"], "expected a division such as 55000:5000"),
    ):
        assert words in run("convert", DIGITS, "a.npz", *options, check=2).stderr
        assert not list(tmp_path.glob("a*"))


def test_merge_puts_splits_of_one_name_behind_each_other(run, tmp_path):
    run("convert", DIGITS, "more.npz", "--only", "train", "--take", "30")
    assert "train 1,030, test 500" in run("merge", DIGITS, "more.npz", "-o", "all.npz").stderr
    data = dp.read(DIGITS)["train"]
    merged = dp.read(tmp_path / "all.npz")["train"]
    assert np.array_equal(merged.images, np.concatenate([data.images, data.images[:30]]))
    assert np.array_equal(merged.labels, np.concatenate([data.labels, data.labels[:30]]))
