"""The zoo: every network builds, is as large as it says, and names options that `train` has."""

import inspect

import numpy as np
import pytest

from digitprep.errors import UsageError
from digitprep.nn import AUGMENTATIONS, LOSSES, OPTIMIZERS, SCHEDULES, ZOO, Model, Network, network, train

# Counted by hand: what is learnt; batch normalisation's running statistics are not.
LEARNT = {
    "mlp": (784 + 1) * 128 + (128 + 1) * 10,
    "lenet": (25 + 1) * 16 + (25 * 16 + 1) * 32 + (7 * 7 * 32 + 1) * 10,
    "simpleconv": (25 + 1) * 30 + (12 * 12 * 30 + 1) * 100 + (100 + 1) * 10,
    "strided": (25 + 1) * 10 + 2 * 10 + (9 * 10 + 1) * 10 + 2 * 10 + (5 * 5 * 10 + 1) * 10,
    "deepconv": 10 * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 64 + (3 * 3 * 64 + 1) * 64 + 65 * 10,
}
over_zoo = pytest.mark.parametrize("name", ZOO)


@pytest.mark.parametrize("name", LEARNT)
def test_it_learns_as_many_parameters_as_counted_by_hand(name):
    model = Model.build(network(name).layers)
    learnt = [
        array.size
        for layer, params in zip(model.layers, model.params, strict=True)
        for key, array in params.items()
        if key not in layer.statistics
    ]
    assert sum(learnt) == LEARNT[name]


@pytest.mark.parametrize("name", LEARNT)
def test_the_summary_says_how_many_parameters(name):
    assert f"{round(LEARNT[name], -3):,} parameters" in network(name).summary


@over_zoo
def test_training_options_are_some_that_train_has(name):
    """Each is a keyword of `train` and a text that its registry reads."""
    options = network(name).training
    keywords = inspect.signature(train).parameters
    assert options.keys() <= keywords.keys()
    assert ("steps" in options) != ("epochs" in options)
    assert OPTIMIZERS.parse(options["optimizer"])
    assert SCHEDULES.parse(options["schedule"])
    assert LOSSES.parse(options["loss"])
    assert options["augment"] is None or AUGMENTATIONS.parse_chain(options["augment"])


@over_zoo
def test_a_network_that_ends_in_sigmoid_has_a_loss_for_it(name):
    net = network(name)
    assert net.layers.endswith("sigmoid") == (net.loss in ("binary_cross_entropy", "mean_squares"))


@over_zoo
def test_other_sizes_and_other_numbers_of_classes_fit(name):
    """The same network for the 47 classes of letters and digits, or on larger images."""
    net = network(name)
    assert net.layers_for(10) == net.layers
    model = Model.build(net.layers_for(47), (32, 36), classes=47)
    assert model.logits(np.zeros((2, 32, 36), np.uint8)).shape == (2, 47)


def test_mlp_counts_steps_instead_of_epochs():
    """10,000 batches of 32, drawn at random, with plain descent at 0.1."""
    assert network("mlp").training == {
        "steps": 10_000,
        "batch": 32,
        "optimizer": "sgd(rate=0.1)",
        "schedule": "constant",
        "loss": "softmax_cross_entropy",
        "validation": 5000,
        "augment": None,
    }


def test_a_network_of_ones_own_trains_in_epochs():
    assert Network("mine", "flatten | dense(width=10)").training["epochs"] == 5


def test_an_unknown_network_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="known: digitnet"):
        network("resnet")
