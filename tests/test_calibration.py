"""Calibration: confidences that are as high as the share of right answers."""

import numpy as np
import pytest

from digitprep.nn import Model, train
from digitprep.nn.calibration import best_temperature, calibrate
from digitprep.nn.loss import softmax


def drawn(temperature, count=20_000):
    """Logits, and labels drawn with the probabilities that these logits have at a temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 10)).astype(np.float32)
    chances = softmax(logits / temperature).cumsum(axis=1)
    return logits, (rng.random((count, 1)) > chances).sum(axis=1).clip(max=9)


@pytest.mark.parametrize("temperature", [0.7, 1, 1.6, 5])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature):
    assert best_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_no_temperature_nearby_has_a_lower_loss():
    logits, labels = drawn(1.3, count=500)

    def loss(temperature):
        return -np.log(softmax(logits.astype(float) / temperature)[np.arange(len(labels)), labels]).mean()

    best = best_temperature(logits, labels)
    assert loss(best) < min(loss(best * 1.01), loss(best / 1.01))


def test_a_network_that_is_always_right_does_not_become_sure_of_everything():
    logits = np.eye(10, dtype=np.float32)
    assert best_temperature(logits, np.arange(10)) == pytest.approx(0.5)


def test_calibration_divides_the_logits_and_changes_no_prediction():
    rng = np.random.default_rng(0)
    model = Model.build("flatten | dense(width=10)")
    images, labels = rng.integers(0, 256, (300, 28, 28), np.uint8), rng.integers(0, 10, 300)
    before = model.logits(images)
    temperature = calibrate(model, before, labels)
    np.testing.assert_allclose(model.logits(images) * temperature, before, rtol=1e-4, atol=1e-5)


def test_a_network_that_ends_in_sigmoid_has_no_logits_to_divide():
    model = Model.build("flatten | dense(width=10) | sigmoid")
    before = model.params[1]["weight"].copy()
    assert calibrate(model, np.zeros((4, 10), np.float32), np.arange(4)) is None
    np.testing.assert_array_equal(model.params[1]["weight"], before)


def noisy(count=1200):
    """Images that show their label only two times out of three."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, count)
    images = np.zeros((count, 8, 8), np.uint8)
    shown = np.where(rng.random(count) < 2 / 3, labels, 1 - labels)
    images[np.arange(count), shown * 4] = rng.integers(0, 256, (count, 8))
    from digitprep import Split

    return Split(images, labels, "train")


def test_training_ends_with_confidences_that_are_right():
    """A network trained until it knows its images by heart is as sure as it is often right."""
    model = Model.build("flatten | dense(width=64) | relu | dense(width=2)", (8, 8), 2)
    list(train(model, noisy(), epochs=40, batch=16, validation=400, optimizer="adam(rate=0.01)"))
    fresh = noisy(3000)
    chances = model.probabilities(fresh.images[1200:])
    right = (chances.argmax(axis=1) == fresh.labels[1200:]).mean()
    assert 0.5 < float(model.metadata["temperature"]) < 5
    assert chances.max(axis=1).mean() == pytest.approx(right, abs=0.06)
