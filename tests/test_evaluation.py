"""Evaluation: counts, shares, the hardest images, in one piece or as a stream."""

import json
from dataclasses import replace

import numpy as np
import pytest

from digitprep.dataset import Split
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.evaluation import evaluate
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
