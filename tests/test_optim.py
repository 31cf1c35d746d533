"""Optimizers by hand and against PyTorch's equations; schedules by their values."""

import io

import numpy as np
import pytest

from digitprep.nn import OPTIMIZERS, SCHEDULES
from digitprep.nn.optim import Adam, Adamw, Constant, Cosine, OneCycle, Rmsprop, Sgd, Step

over_optimizers = pytest.mark.parametrize("name", OPTIMIZERS)


def moved(optimizer, grads, start=1.0, scale=1.0):
    """Where one parameter stands after steps with these gradients."""
    params = [{"weight": np.array([start])}]
    states = optimizer.init(params)
    for grad in grads:
        optimizer.step(params, [{"weight": np.array([grad])}], states, scale)
    return params[0]["weight"][0]


def test_sgd_takes_the_steps_computed_by_hand():
    """Two steps with momentum 1/2: the second goes on with half of the first."""
    assert moved(Sgd(rate=0.1, momentum=0.5), [2.0]) == pytest.approx(0.8)
    assert moved(Sgd(rate=0.1, momentum=0.5), [2.0, 2.0]) == pytest.approx(0.8 - 0.1 * 3)
    assert moved(Sgd(rate=0.1), [2.0], scale=0.5) == pytest.approx(0.9)


def test_nesterov_looks_ahead():
    """Velocities 2 and 3 with momentum 1/2: the steps are 2 + 1 and 2 + 1.5."""
    optimizer = Sgd(rate=0.1, momentum=0.5, nesterov=True)
    assert moved(optimizer, [2.0, 2.0]) == pytest.approx(1 - 0.1 * 3 - 0.1 * 3.5)
    assert moved(Sgd(rate=0.1, nesterov=True), [2.0]) == pytest.approx(0.8)


def test_decay_of_sgd_is_part_of_the_gradient():
    """With momentum, what decay adds goes on, too."""
    first = 1 - 0.1 * (2 + 0.5 * 1)
    second = first - 0.1 * (0.5 * 2.5 + 2 + 0.5 * first)
    assert moved(Sgd(rate=0.1, momentum=0.5, decay=0.5), [2.0, 2.0]) == pytest.approx(second)


def test_rmsprop_takes_the_steps_computed_by_hand():
    """The mean of squares is 0.1 * 4 = 0.4, then 0.9 * 0.4 + 0.1 * 1 = 0.46; epsilon is under the root."""
    expected = 1 - 0.01 * 2 / np.sqrt(0.4 + 0.5) + 0.01 * 1 / np.sqrt(0.46 + 0.5)
    assert moved(Rmsprop(rate=0.01, rho=0.9, epsilon=0.5), [2.0, -1.0]) == pytest.approx(expected)


def test_adam_takes_the_steps_computed_by_hand():
    """Two steps of the paper's algorithm 1, written out with its own bias correction."""
    expected, mean, square = 1.0, 0.0, 0.0
    for step, grad in enumerate([0.5, -2.0], start=1):
        mean = 0.9 * mean + 0.1 * grad
        square = 0.999 * square + 0.001 * grad**2
        corrected = np.sqrt(square / (1 - 0.999**step))
        expected -= 0.01 * (mean / (1 - 0.9**step)) / (corrected + 1e-3)
    assert moved(Adam(rate=0.01, epsilon=1e-3), [0.5, -2.0]) == pytest.approx(expected, rel=1e-12)


def test_adamw_decays_apart_from_the_gradient():
    """Its first step is Adam's from a start that is smaller by the share rate * decay."""
    decayed = moved(Adamw(rate=0.1, decay=0.5), [3.0], scale=0.5)
    assert decayed == pytest.approx(moved(Adam(rate=0.1), [3.0], start=1 - 0.1 * 0.5 * 0.5, scale=0.5))
    assert moved(Adamw(rate=0.1, decay=0), [3.0, -1.0]) == moved(Adam(rate=0.1), [3.0, -1.0])


@over_optimizers
def test_optimizers_work_in_place_and_keep_float32(name):
    """The arrays that the model holds are the ones that move."""
    params = [{"weight": np.ones((2, 3), np.float32)}]
    weight = params[0]["weight"]
    optimizer = OPTIMIZERS[name]()
    optimizer.step(params, [{"weight": np.full((2, 3), 0.5, np.float32)}], optimizer.init(params))
    assert params[0]["weight"] is weight
    assert weight.dtype == np.float32
    assert (weight < 1).all()


@over_optimizers
def test_what_has_no_gradient_stays(name):
    """Running statistics lie between the parameters; the others move as if they were not there."""
    optimizer = OPTIMIZERS[name]()
    params = [{"weight": np.ones(3), "mean": np.ones(3), "bias": np.ones(2)}, {}, {"weight": np.ones(4)}]
    alone = [{"weight": np.ones(3), "bias": np.ones(2)}, {}, {"weight": np.ones(4)}]
    grads = [{"bias": np.full(2, 0.5), "weight": np.full(3, 2.0)}, {}, {"weight": np.full(4, -1.0)}]
    states, alone_states = optimizer.init(params), optimizer.init(alone)
    for _ in range(2):
        optimizer.step(params, grads, states)
        optimizer.step(alone, grads, alone_states)
    np.testing.assert_array_equal(params[0].pop("mean"), np.ones(3))
    for layer, other in zip(params, alone, strict=True):
        assert layer.keys() == other.keys()
        assert all((layer[key] == other[key]).all() for key in layer)


@over_optimizers
def test_states_stored_as_plain_arrays_go_on_where_they_stopped(name):
    """Saved to .npz and read back after two steps, the third is the same, bit for bit."""
    optimizer, rng = OPTIMIZERS[name](), np.random.default_rng(0)
    params = [{"weight": rng.standard_normal((3, 4), np.float32), "bias": np.zeros(3, np.float32)}]
    grads = [{key: rng.standard_normal(array.shape, np.float32) for key, array in params[0].items()}]
    states = optimizer.init(params)
    for _ in range(2):
        optimizer.step(params, grads, states)
    file = io.BytesIO()
    np.savez(file, **{f"{i}.{key}": array for i, state in enumerate(states) for key, array in state.items()})
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        copies = [{key: stored[f"{i}.{key}"] for key in state} for i, state in enumerate(states)]
    again = [{key: array.copy() for key, array in params[0].items()}]
    optimizer.step(params, grads, states)
    optimizer.step(again, grads, copies)
    assert all((again[0][key] == params[0][key]).all() for key in again[0])


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (Constant(), {0: 1, 0.5: 1, 1: 1}),
        (Cosine(), {0: 1, 0.25: (1 + np.sqrt(0.5)) / 2, 0.5: 0.5, 1: 0}),
        (Step(), {0: 1, 0.49: 1, 0.5: 0.1, 0.99: 0.1}),
        (Step(every=0.1, factor=0.5), {0.09: 1, 0.1: 0.5, 0.1 + 0.2: 0.125, 3 * 0.1: 0.125, 0.95: 0.5**9}),
        (Step(factor=0), {0.4: 1, 0.6: 0}),
        (OneCycle(), {0: 0.04, 0.15: 0.52, 0.3: 1, 0.65: (1 + 4e-6) / 2, 1: 4e-6}),
        (OneCycle(warmup=0), {0: 1, 0.5: (1 + 4e-6) / 2, 1: 4e-6}),
        (OneCycle(warmup=0.5, start=0.2, end=0.1), {0: 0.2, 0.25: 0.6, 0.5: 1, 0.75: 0.55, 1: 0.1}),
    ],
    ids=str,
)
def test_schedules_have_their_values(schedule, values):
    assert [schedule(progress) for progress in values] == pytest.approx(list(values.values()), abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_schedule_leaves_zero_to_one(name):
    factors = [SCHEDULES[name]()(progress) for progress in np.linspace(0, 1, 101)]
    assert min(factors) >= 0
    assert max(factors) == pytest.approx(1, abs=1e-3)
