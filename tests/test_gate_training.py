"""What the bundled gate learnt from can be drawn again, and it is the network that its script describes."""

import sys

import numpy as np
import pytest
from places import DIGITS, ROOT

import digitprep as dp
from digitprep.acceptance import ADVICE, gate

TRAIN = dp.read(DIGITS)["train"]


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(ROOT / "tests" / "bench"))
    try:
        import make_digitgate

        yield make_digitgate
    finally:
        sys.path.remove(str(ROOT / "tests" / "bench"))


def test_the_bundled_gate_has_the_layers_and_classes_of_its_script(script):
    assert gate().text == script.LAYERS
    assert gate().class_names == script.CLASSES == (*"0123456789", *ADVICE)


def test_not_digits_are_of_all_kinds_and_the_same_each_time(script):
    images, kinds = script.not_digits(TRAIN, 150, np.random.default_rng(1))
    again, _ = script.not_digits(TRAIN, 150, np.random.default_rng(1))
    assert images.shape == (150, 28, 28)
    assert images.any(axis=(1, 2)).all()
    assert set(kinds) == {10, 11, 12}
    np.testing.assert_array_equal(images, again)


def test_digits_in_other_hands_are_read_as_before(script):
    written = script.digits(TRAIN, np.random.default_rng(1))
    digits, _ = dp.load_model().predict(written)
    assert (digits == TRAIN.labels).mean() > 0.9


def test_the_gate_tells_what_it_learnt(script):
    images, _ = script.not_digits(TRAIN, 300, np.random.default_rng(2))
    digits = script.digits(TRAIN, np.random.default_rng(2))[:300]
    assert np.mean([verdict.accepted for verdict in dp.judge(images)]) < 0.1
    assert np.mean([verdict.accepted for verdict in dp.judge(digits)]) > 0.9
