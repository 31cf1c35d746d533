"""A network of any program as a function: what goes in, what may come out, and what is refused."""

import re

import numpy as np
import pytest
from places import SAMPLES

import digitprep as dp

RNG = np.random.default_rng(3)
WEIGHT = RNG.standard_normal((784, 10)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (7, 28, 28), dtype=np.uint8)


def logits(images):
    return images.reshape(len(images), 784) / 255 @ WEIGHT


def shares(images):
    powers = np.exp(logits(images) - logits(images).max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("function", [logits, shares, lambda images: np.log(shares(images)).tolist()])
def test_logits_log_probabilities_and_probabilities_mean_the_same(function):
    model = dp.FunctionModel(function)
    for batch in (2, 256):
        np.testing.assert_allclose(model.probabilities(IMAGES, batch), shares(IMAGES), rtol=1e-4, atol=1e-7)
    digits, confidences = model.predict(IMAGES)
    assert digits.tolist() == logits(IMAGES).argmax(axis=1).tolist()
    assert model.predict(IMAGES[2]) == (digits[2], pytest.approx(confidences[2]))
    assert (model.classes, model.class_names, model.image_shape) == (10, tuple("0123456789"), (28, 28))


def test_it_is_evaluated_and_judged_as_a_network_of_ours_is():
    ours = dp.load_model()
    model = dp.FunctionModel(ours.logits)
    digits = dp.read(SAMPLES / "digits" / "digits.npz")["test"][:100]
    assert dp.evaluate(model, digits).to_dict() == dp.evaluate(ours, digits).to_dict()
    assert dp.judge(digits.images, model) == dp.judge(digits.images)


def test_it_may_read_other_sizes_and_classes():
    model = dp.FunctionModel(lambda images: images[:, 0, 0, :2], (8, 9, 3), ["ink", "paper"])
    images = np.zeros((1, 8, 9, 3), np.uint8)
    images[0, 0, 0] = 9, 0, 0
    assert model.predict(images)[0].tolist() == [0]
    assert (model.classes, model.class_names) == (2, ("ink", "paper"))


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        (lambda images: np.zeros(len(images)), "(2,) float64"),
        (lambda images: logits(images).argmax(axis=1), "(2,) int64"),
        (lambda images: logits(images)[:1], "(1, 10) float64"),
        (lambda images: np.full((len(images), 10), "7"), "(2, 10) <U1"),
        (lambda _: None, "() object"),
    ],
)
def test_a_function_that_does_not_give_a_row_an_image_is_refused(outputs, found):
    message = f"expected 2 rows of two or more numbers, one a class, found {found}; let it give probabilities"
    with pytest.raises(dp.ModelError, match=re.escape(message)):
        dp.FunctionModel(outputs)


def test_a_function_whose_number_of_classes_changes_is_refused():
    model = dp.FunctionModel(lambda images: np.zeros((len(images), 10 if len(images) == 2 else 9)))
    with pytest.raises(dp.ModelError, match=r"expected 7 rows of 10 numbers, one a class, found \(7, 9\)"):
        model.probabilities(IMAGES)


def test_images_and_names_that_do_not_fit_are_refused():
    with pytest.raises(dp.UsageError, match="expected a name for each of 10 classes, found 3"):
        dp.FunctionModel(logits, class_names=("a", "b", "c"))
    model = dp.FunctionModel(logits)
    with pytest.raises(dp.ModelError, match=r"expected images of \(28, 28\) uint8, found \(28, 28\) float64"):
        model.probabilities(IMAGES / 255)
    with pytest.raises(dp.UsageError, match="at least 1 sample, found 0"):
        model.probabilities(IMAGES, batch=0)
