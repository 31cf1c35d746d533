"""Evaluation: counts, shares, the hardest images, in one piece or as a stream."""

import json
from dataclasses import replace

import numpy as np
import pytest

from digitprep.dataset import Split
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.evaluating import evaluate
from digitprep.evaluation import Evaluation
from digitprep.nn import Model


@pytest.fixture
def model() -> Model:
    """A model of three classes that says where the one bright pixel is."""
    model = Model.build("flatten | dense(width=3)", (1, 3), classes=3, class_names=["a", "b", "c"])
    model.params[1]["weight"][...] = 4 * np.eye(3, dtype=np.float32)
    return model


def split(pixels: list[int], labels: list[int], brightness: int = 255) -> Split:
    images = np.zeros((len(pixels), 1, 3), np.uint8)
    images[np.arange(len(pixels)), 0, pixels] = brightness
    return Split(images, np.array(labels, dtype=np.int64), name="test")


def test_counts_and_shares_are_those_counted_by_hand(model):
    """Rows are true classes, columns predictions; shares of nothing are nan, and None in JSON."""
    result = evaluate(model, split([0, 0, 1, 0, 1], [0, 0, 1, 1, 1]))
    assert result.confusion.tolist() == [[2, 0, 0], [1, 2, 0], [0, 0, 0]]
    assert (result.count, result.correct, result.wrong, result.accuracy) == (5, 4, 1, 0.8)
    np.testing.assert_allclose(result.precision, [2 / 3, 1, np.nan])
    np.testing.assert_allclose(result.recall, [1, 2 / 3, np.nan])
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (data["accuracy"], data["count"], data["correct"], data["wrong"]) == (0.8, 5, 4, 1)
    assert data["per_class"]["b"] == {"count": 3, "precision": 1.0, "recall": 2 / 3}
    assert data["per_class"]["c"] == {"count": 0, "precision": None, "recall": None}
    assert data["confusion"] == [[2, 0, 0], [1, 2, 0], [0, 0, 0]]
    assert data["hardest"][0]["index"] == 3


def test_the_hardest_come_first(model):
    """Wrong and sure of it, then right but unsure; ties by position, at most as many as asked for."""
    images = np.concatenate([split([0, 1], [0, 0]).images, split([2, 2], [2, 2], brightness=20).images])
    result = evaluate(model, Split(images, np.array([0, 0, 2, 2])), hardest=3)
    assert [hard.index for hard in result.hardest] == [1, 2, 3]
    wrong = result.hardest[0]
    assert (wrong.label, wrong.prediction) == (0, 1)
    assert wrong.confidence > 0.9
    assert wrong.truth < 0.1
    assert evaluate(model, Split(images, np.array([0, 0, 2, 2])), hardest=0).hardest == ()


class Oracle:
    """Anything with the face of a classifier will do: this one says what it is told to say."""

    image_shape = (1, 1)
    class_names = ("no", "yes")
    classes = 2

    def __init__(self, confidences):
        self.confidences = np.array(confidences, np.float32)

    def probabilities(self, images, batch=64):  # noqa: ARG002
        yes = self.confidences[images[:, 0, 0]]
        return np.stack([1 - yes, yes], axis=1)


def answers(labels):
    """A split whose image number i holds the pixel i."""
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1)
    return Split(images, np.array(labels, dtype=np.int64), name="test")


def test_the_calibration_error_is_the_one_counted_by_hand():
    """Four answers at 0.9, three of them right, and one at 0.55, wrong: |3.6 - 3| and |0.55 - 0| of 5."""
    oracle, labels = Oracle([0.9, 0.9, 0.9, 0.9, 0.55]), [1, 1, 1, 0, 0]
    for found in (evaluate(oracle, answers(labels)), evaluate(oracle, answers(labels), batch=2)):
        assert found.calibration_error == pytest.approx((0.6 + 0.55) / 5, abs=1e-6)
        assert found.to_dict()["calibration_error"] == found.calibration_error


def test_sure_and_right_is_calibrated_sure_and_wrong_is_not():
    assert evaluate(Oracle([1, 0]), answers([1, 0])).calibration_error == 0
    assert evaluate(Oracle([1, 0]), answers([0, 1])).calibration_error == 1


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [  # the shares p with (p - right / count)**2 = 1.96**2 p (1 - p) / count, found by bisection
        (8, 10, 0.4901625, 0.9433178),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (9942, 10000, 0.9925101, 0.9955103),
    ],
)
def test_the_interval_of_the_accuracy_is_wilsons(right, count, low, high):
    wrong = count - right
    confusion = np.array([[right, wrong], [0, 0]])
    result = Evaluation(confusion, ("a", "b"), (), 0.0)
    assert result.accuracy_interval == pytest.approx((low, high), abs=1e-6)
    assert result.to_dict()["accuracy_interval"] == list(result.accuracy_interval)


def test_a_stream_of_batches_gives_what_the_whole_gives(model):
    """Positions go on from batch to batch."""
    rng = np.random.default_rng(0)
    whole = Split(rng.integers(0, 256, (50, 1, 3), dtype=np.uint8), rng.integers(0, 3, 50))
    expected = evaluate(model, whole)
    for found in (evaluate(model, whole.batches(7)), evaluate(model, iter(whole.batches(20)), batch=3)):
        np.testing.assert_array_equal(found.confusion, expected.confusion)
        assert [hard.index for hard in found.hardest] == [hard.index for hard in expected.hardest]


def test_splits_that_cannot_be_evaluated_say_why(model):
    """No labels, no images, foreign labels, images of another size, two splits in one stream."""
    good = split([0, 1], [0, 1])
    with pytest.raises(DataError, match="'test' has no labels"):
        evaluate(model, replace(good, labels=None))
    with pytest.raises(DataError, match="'test' has no images"):
        evaluate(model, good[:0])
    with pytest.raises(DataError, match="no images"):
        evaluate(model, [])
    with pytest.raises(DataError, match="sample 3: expected a label from 0 to 2, found 7"):
        evaluate(model, [good, split([0, 1], [0, 7])])
    with pytest.raises(ModelError, match=r"found \(1, 2\)"):
        evaluate(model, replace(good, images=good.images[:, :, :2]))
    with pytest.raises(UsageError, match="'test' and 'val'"):
        evaluate(model, [good, replace(good, name="val")])
