"""The fast convolution and pooling give what the textbook gives, and threads change nothing."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from digitprep.nn import LOSSES, Model, scratch, textbook
from digitprep.nn.layers.spatial import Conv, Maxpool
from digitprep.nn.parallel import one_blas_thread

NETWORK = (
    "conv(channels=4, kernel=5, pad=2) | relu | maxpool | conv(channels=6) | relu | maxpool"
    " | flatten | dropout(rate=0.3) | dense(width=10)"
)
CASES = [
    case
    for case in itertools.product((1, 3), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2, 6), (7, 8), (6, 9))
    if case[1] <= min(case[4:]) + 2 * case[3]
]


@pytest.mark.parametrize(("channels", "kernel", "stride", "pad", "height", "width"), CASES)
def test_a_convolution_is_the_textbooks(channels, kernel, stride, pad, height, width):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((channels, height, width, 3))
    params = {"weight": rng.standard_normal((2, channels, kernel, kernel)), "bias": rng.standard_normal(2)}
    y, backward = Conv(channels=2, kernel=kernel, stride=stride, pad=pad).forward(params, x)
    expected, expected_backward = textbook.conv(x, params["weight"], params["bias"], stride, pad)
    np.testing.assert_allclose(y, expected, atol=1e-10)
    dy = rng.standard_normal(y.shape)
    dx, grads = backward(dy)
    for found, wanted in zip((dx, grads["weight"], grads["bias"]), expected_backward(dy), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-10)


@pytest.mark.parametrize(
    ("size", "height", "width"), [(1, 3, 3), (2, 6, 4), (2, 7, 5), (3, 9, 11), (3, 8, 8)]
)
def test_pooling_is_the_textbooks_where_values_tie_too(size, height, width):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, height, width, 4)).astype(np.float32)
    y, backward = Maxpool(size=size).forward({}, x)
    expected, expected_backward = textbook.maxpool(x, size)
    assert np.array_equal(y, expected)
    dy = rng.standard_normal(y.shape, np.float32)
    assert np.array_equal(backward(dy)[0], expected_backward(dy))


def test_one_thread_and_several_give_the_same_bits(monkeypatch):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (70, 28, 28), np.uint8), rng.integers(0, 10, 70)
    model, loss = Model.build(NETWORK), LOSSES.parse("softmax_cross_entropy")

    def computed(threads):
        monkeypatch.setenv("DIGITPREP_THREADS", str(threads))
        value, hits, grads = model.gradients(images, labels, loss, np.random.default_rng(1))
        arrays = [array.tobytes() for params in grads for array in params.values()]
        return value, hits, arrays, model.logits(images).tobytes()

    alone = computed(1)
    assert all(computed(threads) == alone for threads in (2, 3, 5))


def test_pieces_of_a_batch_give_the_gradients_of_the_whole(monkeypatch):
    monkeypatch.setattr("digitprep.nn.model.PIECE", 1000)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (50, 28, 28), np.uint8), rng.integers(0, 10, 50)
    model, loss = (
        Model.build(NETWORK.replace("dropout(rate=0.3) | ", "")),
        LOSSES.parse("softmax_cross_entropy"),
    )
    whole = model.gradients(images, labels, loss, np.random.default_rng(1))
    monkeypatch.setattr("digitprep.nn.model.PIECE", 16)
    pieces = model.gradients(images, labels, loss, np.random.default_rng(1))
    assert whole[:2] == (pytest.approx(pieces[0], rel=1e-5), pieces[1])
    for one, other in zip(whole[2], pieces[2], strict=True):
        for name, array in one.items():
            np.testing.assert_allclose(array, other[name], atol=1e-5)


def test_scratch_memory_is_handed_out_again_only_when_nobody_holds_it():
    shape = (1234, 4321)  # larger than anything else here, so that no other block fits
    first = scratch.empty(shape, np.float32)
    first[10:20] = 7
    view, address = first[10:20], first.ctypes.data
    del first
    second = scratch.empty(shape, np.float32)  # the view still holds the first block
    second[...] = 8
    assert (view == 7).all()
    del view
    assert scratch.empty(shape, np.float32).ctypes.data == address


def test_calls_from_several_threads_give_blas_its_threads_back():
    """Also where a second one begins before the first has ended, and ends after it."""
    model = Model.build("flatten | dense(width=512) | dense(width=10)")
    images = np.zeros((3000, 28, 28), np.uint8)

    def blas():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    before = blas()
    with ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(model.logits, [images[:size] for size in (3000, 2000, 1000, 2500)]))) == 4
    assert blas() == before


def test_the_next_to_hold_blas_waits_for_its_turn():
    order = []

    def second():
        with one_blas_thread():
            order.append("second begins")

    with ThreadPoolExecutor(1) as other:
        with one_blas_thread(), one_blas_thread():
            waiting = other.submit(second)
            time.sleep(0.1)
            order.append("first ends")
        waiting.result(timeout=60)
    assert order == ["first ends", "second begins"]
