"""Parts of datasets, validation splits, and several datasets as one."""

import numpy as np
import pytest

from digitprep import selection
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError, UsageError
from digitprep.selection import Division


def split(labels, name="train", start=0, **more):
    """A split whose images are all different: their first two pixels count them from `start`."""
    labels = np.asarray(labels)
    images = np.zeros((len(labels), 2, 2), np.uint8)
    number = start + np.arange(len(labels))
    images[:, 0, 0], images[:, 0, 1] = number // 256, number % 256
    return Split(images, labels, name, **more)


def stream(*splits, batch=7):
    for each in splits:
        yield from each.batches(batch)


def numbers(part):
    return (part.images[:, 0, 0].astype(int) * 256 + part.images[:, 0, 1]).tolist()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def digits(rng):
    return split(rng.integers(10, size=1000))


def test_only_the_named_splits_go_on():
    found = Dataset.from_batches(selection.only(stream(split([1]), split([2], "test")), ["test"]))
    assert list(found) == ["test"]


def test_a_split_that_never_comes_is_an_error_that_names_those_that_came():
    with pytest.raises(UsageError, match="'val'; there are: train, test"):
        list(selection.only(stream(split([1]), split([2], "test")), ["train", "val"]))


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 20, 21])
def test_take_gives_the_first_samples_of_each_split_and_all_where_it_has_fewer(count):
    data = Dataset.from_batches(
        selection.take(stream(split(range(20)), split(range(5), "test", start=20)), count)
    )
    assert numbers(data["train"]) == list(range(min(count, 20)))
    assert numbers(data["test"]) == list(range(20, 20 + min(count, 5)))


def test_classes_are_chosen_by_label_and_their_labels_stay(digits):
    found = Dataset.from_batches(selection.of_classes(stream(digits), ["3", "5"]))["train"]
    wanted = np.isin(digits.labels, [3, 5])
    assert numbers(found) == np.flatnonzero(wanted).tolist()
    assert (found.labels == digits.labels[wanted]).all()


def test_classes_are_chosen_by_name_where_they_have_names():
    named = split([0, 1, 2, 1], class_names=("shirt", "shoe", "bag"))
    found = Dataset.from_batches(selection.of_classes(stream(named), ["shoe", "2"]))["train"]
    assert found.labels.tolist() == [1, 2, 1]
    assert found.class_names == named.class_names


@pytest.mark.parametrize(
    ("wrong", "message"), [("12", "no sample is of class 12"), ("x", "named 'x'; known")]
)
def test_a_class_that_is_not_there_is_an_error(digits, wrong, message):
    with pytest.raises(UsageError, match=message):
        list(selection.of_classes(stream(digits), ["3", wrong]))


def test_choosing_classes_needs_labels():
    with pytest.raises(DataError, match="no labels"):
        list(selection.of_classes([Split(np.zeros((1, 2, 2), np.uint8))], ["3"]))


@pytest.mark.parametrize("validation", [0.1, 100])
def test_a_division_loses_nothing_and_takes_its_share_of_every_class(digits, validation):
    train, val = selection.divide(digits, validation, seed=3)
    assert (train.name, val.name, len(val)) == ("train", "val", 100)
    assert sorted(numbers(train) + numbers(val)) == list(range(1000))
    assert numbers(val) == sorted(numbers(val))
    for part in (train, val):
        assert (part.labels == digits.labels[numbers(part)]).all()
    for label in range(10):
        share = (digits.labels == label).sum() / 10
        assert abs((val.labels == label).sum() - share) < 1


def test_a_division_depends_on_the_seed_and_on_nothing_else(digits):
    held = [numbers(selection.divide(digits, 50, seed)[1]) for seed in (1, 1, 2)]
    assert held[0] == held[1] != held[2]


@pytest.mark.parametrize("batch", [1, 7, 64, 5000])
def test_dividing_a_stream_is_dividing_the_whole(digits, batch):
    test = split(range(5), "test", start=1000)
    found = Dataset.from_batches(
        selection.divided(lambda: stream(digits, test, batch=batch), Division(0.2), seed=5)
    )
    for part, whole in zip(
        (found["train"], found["val"]), selection.divide(digits, 0.2, seed=5), strict=True
    ):
        assert numbers(part) == numbers(whole)
        assert (part.labels == whole.labels).all()
    assert numbers(found["test"]) == list(range(1000, 1005))


def test_images_without_labels_can_be_divided():
    train, val = selection.divide(Split(np.zeros((10, 2, 2), np.uint8)), 3)
    assert (len(train), len(val), val.labels) == (7, 3, None)


@pytest.mark.parametrize(
    ("text", "division"),
    [("55000:5000", Division(5000, 55000)), ("val=0.1", Division(0.1)), ("val=5", Division(5))],
)
def test_a_division_is_read_from_text(text, division):
    assert Division.parse(text) == division


@pytest.mark.parametrize("text", ["", "5000", "a:b", "val=", "val=x", "1:2:3", "test=0.1", "val=-1", "val=0"])
def test_other_text_is_no_division(text):
    with pytest.raises(UsageError):
        Division.parse(text).count(100)


@pytest.mark.parametrize("text", ["90:11", "val=100", "val=200", "val=1.5"])
def test_a_division_that_does_not_fit_is_an_error(text):
    with pytest.raises(UsageError, match=r"100|held back|share below 1"):
        Division.parse(text).count(100)


def test_a_set_with_a_validation_split_is_not_divided_again():
    with pytest.raises(UsageError, match="'val' already"):
        list(selection.divided(lambda: stream(split(range(9)), split([1], "val")), Division(3)))
    with pytest.raises(UsageError, match="no split 'train'"):
        list(selection.divided(lambda: stream(split([1], "test")), Division(3)))


def test_merged_streams_follow_each_other_split_by_split():
    first = [split(range(10)), split([1, 2], "test", start=10)]
    second = [split([5], start=20), split([3], "val", start=21), split([4], "test", start=22)]
    data = Dataset.from_batches(selection.merged([stream(*first, batch=3), stream(*second)]))
    assert list(data) == ["train", "val", "test"]
    assert numbers(data["train"]) == [*range(10), 20]
    assert numbers(data["test"]) == [10, 11, 22]
    assert data["test"].labels.tolist() == [1, 2, 4]


def test_sets_with_other_class_names_are_not_merged():
    with pytest.raises(DataError, match=r"source 2, split 'train'.*expected.*a, b.*found b, a"):
        list(selection.merged([[split([0], class_names=("a", "b"))], [split([0], class_names=("b", "a"))]]))


def test_sets_with_and_without_labels_are_not_merged():
    with pytest.raises(DataError, match="source 2"):
        list(selection.merged([[split([0])], [Split(np.zeros((1, 2, 2), np.uint8))]]))
