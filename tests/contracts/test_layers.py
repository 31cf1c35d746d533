"""The law of every layer: its gradients are those of its function, and it leaves alone what it gets.

Each holds for whatever the registry knows: for the cases below, and for a layer that has none of them, for
those that follow from its options.
"""

import pickle
from contextlib import suppress
from dataclasses import MISSING, fields
from typing import Annotated, Literal, get_args, get_origin

import numpy as np
import pytest

from digitprep.errors import ModelError, UsageError
from digitprep.nn.layers import LAYERS, Layer
from digitprep.nn.layers.normalize import Batchnorm
from digitprep.nn.layers.plain import Dense, Dropout, Flatten, LeakyRelu, Relu, Sigmoid
from digitprep.nn.layers.spatial import Avgpool, Conv, Maxpool
from digitprep.spec import Between, options

# Options and the shape of one input; the batch is appended.
KNOWN = [
    (Conv(channels=3), (2, 5, 6)),
    (Conv(channels=2, kernel=1), (3, 3, 2)),
    (Conv(channels=2, kernel=3, pad=1), (1, 4, 5)),
    (Conv(channels=3, kernel=3, stride=2), (2, 6, 7)),
    (Conv(channels=2, kernel=4, stride=3, pad=2), (2, 5, 7)),
    (Conv(channels=2, kernel=5, pad=2), (1, 3, 3)),
    (Maxpool(), (2, 4, 6)),
    (Maxpool(), (2, 5, 7)),
    (Maxpool(size=3), (1, 7, 6)),
    (Maxpool(size=1), (2, 3, 3)),
    (Avgpool(), (2, 4, 6)),
    (Avgpool(size=3), (1, 7, 6)),
    (Relu(), (2, 3, 4)),
    (Relu(), (7,)),
    (LeakyRelu(), (2, 3, 4)),
    (LeakyRelu(slope=0.3), (7,)),
    (LeakyRelu(slope=0), (7,)),
    (Sigmoid(), (2, 3, 4)),
    (Sigmoid(), (7,)),
    (Batchnorm(), (2, 3, 4)),
    (Batchnorm(momentum=1, epsilon=0.1), (1, 2, 2)),
    (Batchnorm(), (7,)),
    (Dropout(), (2, 3, 4)),
    (Dropout(rate=0.0), (5,)),
    (Dropout(rate=0.8), (11,)),
    (Flatten(), (2, 3, 4)),
    (Dense(width=4), (5,)),
    (Dense(width=1), (1,)),
]


def some_value(annotation):
    """A value that an option may have, where it has no default: 3, or what is nearest to it."""
    kind = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if kind in (int, float):
        bounds = get_args(annotation)[1] if kind is not annotation else Between()
        return kind(min(max(3, bounds.low), bounds.high))
    return kind()


def derived_cases(cls):
    """A layer on images and on vectors, as far as it takes them, with its defaults."""
    needed = {field.name for field in fields(cls) if field.default is MISSING}
    layer = cls(**{name: some_value(kind) for name, kind in options(cls).items() if name in needed})
    for shape in [(2, 5, 6), (7,)]:
        with suppress(ModelError):
            layer.init(np.random.default_rng(0), shape)
            yield layer, shape


LISTED = {type(layer) for layer, _ in KNOWN}
CASES = KNOWN + [
    case for name in LAYERS if LAYERS[name] not in LISTED for case in derived_cases(LAYERS[name])
]
IDS = [f"{layer} on {shape}" for layer, shape in CASES]
over_cases = pytest.mark.parametrize(("layer", "shape"), CASES, ids=IDS)
BATCH = 3


def prepared(layer: Layer, shape, dtype=np.float64):
    """Parameters and an input whose values all differ, so that no maximum or sign hangs on an epsilon."""
    rng = np.random.default_rng(0)
    params, out_shape = layer.init(rng, shape)
    params = {name: rng.standard_normal(array.shape).astype(dtype) for name, array in params.items()}
    if "variance" in params:
        params["variance"] **= 2
    size = int(np.prod(shape)) * BATCH
    x = (rng.permutation(size) - size / 2 + 0.25).reshape(*shape, BATCH) / size
    return params, x.astype(dtype), out_shape


def run(layer: Layer, params, x, training=True):
    return layer.forward(params, x, np.random.default_rng(7) if training else None)


def numeric_gradient(function, array, step=1e-5):
    """Central differences of a scalar function, one entry of the array after the other."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        below = function()
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def test_every_layer_has_a_case():
    """A layer without a case would go unchecked."""
    assert {type(layer) for layer, _ in CASES} == {LAYERS[name] for name in LAYERS}


@pytest.mark.parametrize("name", LAYERS)
def test_the_cases_of_a_layer_that_has_none_of_its_own_follow_from_its_options(name):
    """Each layer here could do without a list, as one does that is new."""
    cases = list(derived_cases(LAYERS[name]))
    assert cases
    for layer, shape in cases:
        test_gradients_agree_with_finite_differences(layer, shape, training=True)


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@over_cases
def test_gradients_agree_with_finite_differences(layer, shape, training):
    """The gradients of the input and of each learnt parameter are those of the function itself."""
    params, x, out_shape = prepared(layer, shape)
    y, backward = run(layer, params, x, training)
    assert y.shape == (*out_shape, BATCH)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx, grads = backward(dy)
    assert grads.keys() == params.keys() - set(layer.statistics)

    def value():
        return float((run(layer, params, x, training)[0] * dy).sum())

    np.testing.assert_allclose(dx, numeric_gradient(value, x), rtol=1e-6, atol=1e-7)
    for name in grads:
        np.testing.assert_allclose(grads[name], numeric_gradient(value, params[name]), rtol=1e-6, atol=1e-7)


@over_cases
def test_float32_stays_float32(layer, shape):
    """Nothing on the way computes in float64 by accident, from the fresh parameters on."""
    fresh, _ = layer.init(np.random.default_rng(0), shape)
    _, x, _ = prepared(layer, shape, np.float32)
    for rng in (None, np.random.default_rng(0)):
        y, backward = layer.forward(fresh, x, rng)
        dx, grads = backward(y)
        assert {array.dtype for array in (y, dx, *fresh.values(), *grads.values())} == {np.dtype(np.float32)}
    assert dx.shape == x.shape
    assert all(grads[name].shape == fresh[name].shape for name in grads)


@over_cases
def test_one_image_gives_what_it_gives_in_a_batch(layer, shape):
    """Images do not see each other."""
    params, x, _ = prepared(layer, shape)
    together, _ = layer.forward(params, x)
    for index in range(BATCH):
        alone, _ = layer.forward(params, x[..., index : index + 1])
        np.testing.assert_allclose(alone[..., 0], together[..., index], rtol=1e-12, atol=1e-12)


@over_cases
def test_input_parameters_and_gradient_are_left_alone(layer, shape):
    """The caller's arrays hold after forward and backward what they held before."""
    params, x, _ = prepared(layer, shape)
    y, backward = run(layer, params, x)
    dy = np.ones_like(y)
    kept = [array.copy() for array in (x, y, dy, *params.values())]
    backward(dy)
    for array, before in zip((x, y, dy, *params.values()), kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("layer", {layer: None for layer, _ in CASES}, ids=str)
def test_text_dict_and_pickle_round_trip(layer):
    """A layer can be written down and read back."""
    assert LAYERS.parse(str(layer)) == layer
    assert LAYERS.from_dict(layer.to_dict()) == layer
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "shape"),
    [(3, 1, 0, (2, 5, 6)), (3, 2, 1, (2, 6, 5)), (2, 3, 2, (1, 5, 7)), (5, 1, 2, (3, 5, 5))],
)
def test_convolution_agrees_with_plain_loops(kernel, stride, pad, shape):
    """What the matrix product computes is the definition, written as loops."""
    layer = Conv(channels=3, kernel=kernel, stride=stride, pad=pad)
    params, x, out_shape = prepared(layer, shape)
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    expected = np.empty((*out_shape, BATCH))
    for channel, row, column, image in np.ndindex(expected.shape):
        top, left = row * stride, column * stride
        window = padded[:, top : top + kernel, left : left + kernel, image]
        expected[channel, row, column, image] = (window * params["weight"][channel]).sum()
        expected[channel, row, column, image] += params["bias"][channel]
    np.testing.assert_allclose(layer.forward(params, x)[0], expected, rtol=1e-12, atol=1e-12)


def test_ties_in_a_pool_go_to_the_first():
    """A flat square sends its whole gradient to its first pixel, never to several."""
    y, backward = Maxpool().forward({}, np.zeros((1, 4, 4, 1)))
    dx, _ = backward(np.ones_like(y))
    assert np.argwhere(dx[0, :, :, 0]).tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]


def test_dropout_keeps_the_mean_and_passes_through_at_inference():
    """What is kept is scaled up, so inference needs neither noise nor scale."""
    x = np.ones((200, 500), np.float32)
    y, backward = Dropout(rate=0.8).forward({}, x, np.random.default_rng(0))
    assert set(np.unique(y).tolist()) == {0.0, 5.0}
    assert abs((y > 0).mean() - 0.2) < 0.01
    np.testing.assert_array_equal(backward(x)[0], y)
    np.testing.assert_array_equal(Dropout(rate=0.8).forward({}, x)[0], x)


def test_batchnorm_normalises_each_channel_and_remembers_the_batches():
    """Out come mean 0 and variance 1; what is kept are running means, the variance without bias."""
    layer = Batchnorm(momentum=0.25)
    params, _ = layer.init(np.random.default_rng(0), (2, 3, 4))
    x = np.random.default_rng(1).normal([[[[5]]], [[[-3]]]], 4, (2, 3, 4, 6)).astype(np.float32)
    y, _ = run(layer, params, x)
    np.testing.assert_allclose(y.mean(axis=(1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=(1, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_allclose(params["mean"], 0.25 * x.mean(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(params["variance"], 0.75 + 0.25 * x.var(axis=(1, 2, 3), ddof=1), rtol=1e-5)
    kept = {name: array.copy() for name, array in params.items()}
    y, _ = layer.forward(params, x)
    expected = (x.T - kept["mean"]) / np.sqrt(kept["variance"] + 1e-5)
    np.testing.assert_allclose(y, expected.T, rtol=1e-4, atol=1e-6)
    assert all((params[name] == kept[name]).all() for name in params)


def test_batchnorm_of_a_single_vector_learns_no_variance_from_it():
    """One value has no spread: the result is the bias, and the statistics stay as they are."""
    layer = Batchnorm()
    params, _ = layer.init(np.random.default_rng(0), (3,))
    y, backward = run(layer, params, np.full((3, 1), 9, np.float32))
    assert y.tolist() == [[0], [0], [0]]
    assert backward(np.ones_like(y))[0].tolist() == [[0], [0], [0]]
    assert (params["mean"].tolist(), params["variance"].tolist()) == ([0, 0, 0], [1, 1, 1])


@over_cases
def test_only_layers_that_say_so_let_images_of_a_batch_touch(layer, shape):
    """Without `couples_batch`, half a batch gives in training what it gives within the whole."""
    params, x, _ = prepared(layer, shape)
    x, rng = np.concatenate([x, -x], axis=-1), np.random.default_rng(7)
    if isinstance(layer, Dropout):  # whose noise is drawn for a batch at a time
        rng = None
    whole, _ = layer.forward(params, x, rng)
    half, _ = layer.forward(params, x[..., :BATCH], rng)
    touched = not np.allclose(half, whole[..., :BATCH], rtol=1e-12, atol=1e-12)
    assert touched == layer.couples_batch


def test_sigmoid_is_exact_and_quiet_far_out():
    """Neither overflow nor a loss of digits on the way to 0 and 1."""
    x = np.array([-1000, -80, -20, 0, 20, 1000], np.float32)
    with np.errstate(over="raise"):
        y, _ = Sigmoid().forward({}, x)
    np.testing.assert_allclose(y, [0, np.exp(-80), np.exp(-20), 0.5, 1, 1], rtol=1e-6)


def test_fresh_weights_keep_the_scale_of_the_signal():
    """He's variance: 2 / inputs for every kind of weight; biases start at zero."""
    for layer, shape, inputs in [
        (Conv(channels=64, kernel=5), (32, 8, 8), 800),
        (Dense(width=300), (400,), 400),
    ]:
        params, _ = layer.init(np.random.default_rng(0), shape)
        assert params["weight"].std() == pytest.approx(np.sqrt(2 / inputs), rel=0.02)
        assert not params["bias"].any()


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Conv(channels=1, kernel=5), (1, 4, 9), "kernel of 5 is larger than the image, 4"),
        (Conv(channels=1), (10,), "found vectors"),
        (Maxpool(size=3), (1, 2, 9), "2 x 9"),
        (Maxpool(), (10,), "found vectors"),
        (Dense(width=10), (1, 28, 28), "put flatten before it"),
    ],
)
def test_impossible_shapes_say_what_to_do(layer, shape, words):
    """A layer that cannot work on a shape says so when it is built, not in the middle of training."""
    with pytest.raises(ModelError, match=words):
        layer.init(np.random.default_rng(0), shape)


@pytest.mark.parametrize(
    "text",
    [
        "conv(channels=0)",
        "conv(channels=1, kernel=0)",
        "dense(width=0)",
        "maxpool(size=0)",
        "dropout(rate=1)",
        "leaky_relu(slope=-0.1)",
        "batchnorm(momentum=2)",
        "batchnorm(epsilon=0)",
    ],
)
def test_options_out_of_bounds_are_refused(text):
    """A bad option fails before anything is computed."""
    with pytest.raises(UsageError, match="must be"):
        LAYERS.parse(text)
