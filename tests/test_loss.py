"""Losses: their values by definition, their gradients by finite differences, their behaviour far out."""

import numpy as np
import pytest

from digitprep.nn import LOSSES, softmax
from digitprep.nn.loss import BinaryCrossEntropy, MeanSquares, SoftmaxCrossEntropy, shares

CASES = [SoftmaxCrossEntropy(), SoftmaxCrossEntropy(smoothing=0.2), BinaryCrossEntropy(), MeanSquares()]
LABELS = np.array([0, 2, 1, 1])
TARGETS = np.eye(3)[LABELS]


@pytest.fixture
def outputs() -> np.ndarray:
    """From 0 to 1, which every loss takes."""
    return np.random.default_rng(0).uniform(0.05, 0.95, (4, 3))


def test_every_loss_has_a_case():
    assert {type(loss) for loss in CASES} == {LOSSES[name] for name in LOSSES}


@pytest.mark.parametrize("loss", CASES, ids=str)
def test_gradients_agree_with_finite_differences(loss, outputs):
    gradient = loss(outputs, LABELS)[1]
    for index in np.ndindex(outputs.shape):
        above, below = outputs.copy(), outputs.copy()
        above[index] += 1e-6
        below[index] -= 1e-6
        slope = (loss(above, LABELS)[0] - loss(below, LABELS)[0]) / 2e-6
        assert gradient[index] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("loss", CASES, ids=str)
def test_outputs_are_left_alone_and_float32_stays_float32(loss, outputs):
    outputs = outputs.astype(np.float32)
    kept = outputs.copy()
    value, gradient = loss(outputs, LABELS)
    assert type(value) is float
    assert gradient.dtype == np.float32
    assert gradient.shape == outputs.shape
    np.testing.assert_array_equal(outputs, kept)


@pytest.mark.parametrize("loss", CASES, ids=str)
def test_a_better_answer_costs_less(loss):
    good, bad = np.where(TARGETS == 1, 0.9, 0.05), np.full((4, 3), 0.5)
    assert loss(good, LABELS)[0] < loss(bad, LABELS)[0]


def test_cross_entropy_agrees_with_its_definition(outputs):
    """The mean of -log p(label); with smoothing 0.3 of three classes the target is 0.8 and twice 0.1."""
    logs = np.log(softmax(outputs))
    assert SoftmaxCrossEntropy()(outputs, LABELS)[0] == pytest.approx(-logs[range(4), LABELS].mean())
    expected = -(np.where(TARGETS == 1, 0.8, 0.1) * logs).sum(axis=1).mean()
    assert SoftmaxCrossEntropy(smoothing=0.3)(outputs, LABELS)[0] == pytest.approx(expected)


def test_cross_entropy_of_a_hopeless_logit_is_finite():
    """A probability that rounds to zero still gives a finite loss, in float32."""
    loss, gradient = SoftmaxCrossEntropy()(np.array([[0.0, 1000.0]], np.float32), np.array([0]))
    assert loss == 1000
    assert gradient.dtype == np.float32
    assert gradient.tolist() == [[-1, 1]]


def test_binary_cross_entropy_agrees_with_its_definition(outputs):
    expected = -np.log(np.where(TARGETS == 1, outputs, 1 - outputs)).mean()
    assert BinaryCrossEntropy()(outputs, LABELS)[0] == pytest.approx(expected)


def test_binary_cross_entropy_of_a_sure_and_wrong_answer_is_finite():
    """Where a logarithm would be infinite it counts for -100, without a warning."""
    with np.errstate(all="raise"):
        loss, gradient = BinaryCrossEntropy()(np.array([[0, 1]], np.float32), np.array([0]))
        assert BinaryCrossEntropy()(np.array([[1, 0]], np.float32), np.array([0]))[0] == 0
    assert loss == 100
    assert np.isfinite(gradient).all()


def test_mean_squares_agrees_with_its_definition(outputs):
    assert MeanSquares()(outputs, LABELS)[0] == pytest.approx(((outputs - TARGETS) ** 2).mean())


def test_shares_make_probabilities_of_what_a_sigmoid_gives():
    """Each row sums to one, a sure answer stays sure, and all zeros favour nobody."""
    outputs = np.array([[0.5, 1, 0.5], [0, 1, 0], [0, 0, 0]], np.float32)
    expected = [[0.25, 0.5, 0.25], [0, 1, 0], [1 / 3, 1 / 3, 1 / 3]]
    with np.errstate(invalid="raise", divide="raise"):
        np.testing.assert_allclose(shares(outputs), expected, rtol=1e-6, atol=1e-30)
    assert shares(outputs).dtype == np.float32


def test_softmax_survives_large_logits():
    """Probabilities sum to one where a plain exponential would overflow."""
    probabilities = softmax(np.array([[1000.0, 1000.0, -1000.0], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)
