"""Training: it learns, it keeps the best, it repeats itself, and it refuses what cannot be learnt."""

import gzip
import inspect
from dataclasses import replace

import numpy as np
import pytest
from places import DATA, needs_data
from threadpoolctl import threadpool_limits

from digitprep.dataset import Split
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.nn import Augmentation, Model, load_model, train
from digitprep.nn.optim import Sgd
from digitprep.nn.parallel import _blas
from digitprep.nn.plan import Plan
from digitprep.nn.run import Run

MNIST = DATA / "mnist"
NET = "conv(channels=4) | relu | maxpool | flatten | dropout(rate=0.1) | dense(width=4)"


def bars(count: int = 400, seed: int = 0) -> Split:
    """A task for a child: in which of four places is the bar?"""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 40, (count, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[1 + 2 * (label // 2), 1:7] += 60
        image[1:7, 1 + 4 * (label % 2)] += 60
    return Split(images, labels)


@pytest.fixture
def model() -> Model:
    return Model.build(NET, (8, 8), classes=4)


def weights(model: Model) -> bytes:
    return b"".join(array.tobytes() for params in model.params for array in params.values())


def test_it_learns(model):
    """A few epochs solve an easy task, and the figures of each epoch say so."""
    epochs = list(train(model, bars(), epochs=6, batch=16, optimizer="adam(rate=0.01)", validation=0.25))
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4, 5, 6]
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].validation_accuracy > 0.95
    assert epochs[0].best
    unseen = bars(200, seed=1)
    assert (model.predict(unseen.images)[0] == unseen.labels).mean() > 0.95
    assert "epoch 1: loss" in str(epochs[0])
    assert "(best)" in str(epochs[0])
    assert model.metadata["optimizer"] == "adam(rate=0.01)"
    assert model.metadata["validation_images"] == "100"


def test_every_option_takes_a_spec_or_its_text(model):
    """Text and object lead to the same weights."""
    other = Model.build(NET, (8, 8), classes=4)
    list(train(model, bars(), epochs=1, optimizer="sgd(rate=0.05)", validation=0))
    list(train(other, bars(), epochs=1, optimizer=Sgd(rate=0.05), validation=0))
    assert weights(model) == weights(other)


def test_a_plan_has_the_defaults_that_training_has():
    keywords = [
        {name: option.default for name, option in inspect.signature(function).parameters.items()}
        for function in (Plan.of, train)
    ]
    plan, training = keywords
    del plan["count"]
    assert plan == {name: training[name] for name in plan}


@pytest.mark.parametrize("augment", [None, "affine(shift_px=1) | thickness"])
def test_the_same_seed_gives_the_same_bytes(augment):
    """Order, dropout and augmentation all follow from the seed."""
    runs = []
    for seed in (3, 3, 4):
        model = Model.build(NET, (8, 8), classes=4)
        list(train(model, bars(), epochs=2, seed=seed, validation=50, augment=augment))
        runs.append(weights(model))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def scripted(monkeypatch, figures):
    """Let validation give these (loss, accuracy) one after the other, and leave out the calibration."""
    given = iter(figures)
    monkeypatch.setattr(Run, "_calibrated", lambda _: {})
    monkeypatch.setattr(Run, "_validate", lambda _: next(given))


@pytest.mark.parametrize(
    ("figures", "stop_after", "best"),
    [
        ([(0.5, 0.8), (0.4, 0.9), (0.3, 0.85)], 3, 2),
        ([(0.5, 0.9), (0.4, 0.9), (0.45, 0.9)], 3, 2),
        ([(0.5, 0.9), (0.4, 0.8), (0.3, 0.95)], 2, 1),
        ([(0.5, 0.0), (0.4, 0.0), (0.3, 0.0)], 1, 1),
    ],
)
def test_the_best_epoch_is_kept_also_when_closed_early(monkeypatch, model, figures, stop_after, best):
    """Highest accuracy, then lowest loss, of the epochs that were run."""
    scripted(monkeypatch, figures)
    run = train(model, bars(), epochs=3, validation=50)
    seen = {}
    for _ in range(stop_after):
        epoch = next(run)
        seen[epoch.number] = weights(model)
    run.close()
    assert weights(model) == seen[best]
    assert model.metadata["epoch"] == f"{best} of 3"


def test_an_interrupt_in_the_middle_of_an_epoch_keeps_the_best(monkeypatch, model):
    """Ctrl-C during the second epoch leaves the first one's parameters."""
    scripted(monkeypatch, [(0.5, 0.8)])
    batches = []

    def interrupt(done: int, total: int, loss: float) -> None:
        batches.append((done, total, loss))
        if len(batches) == 8:
            raise KeyboardInterrupt

    run = train(model, bars(), epochs=3, validation=80, progress=interrupt)
    next(run)
    first = weights(model)
    assert [done for done, _, _ in batches] == [64, 128, 192, 256, 320]
    assert {total for _, total, _ in batches} == {320}
    with pytest.raises(KeyboardInterrupt):
        next(run)
    assert weights(model) == first


def test_stopped_before_anything_was_validated_the_parameters_stay_as_they_are(model):
    """They are worth having after a while of training, and the model's notes say what they are."""
    run = train(model, bars(), steps=40, report_every=2, batch=16, validation=80)
    next(run), next(run)
    trained = weights(model)
    assert trained != weights(Model.build(NET, (8, 8), classes=4))
    run.close()
    assert weights(model) == trained
    assert model.metadata["epoch"] == "2 of 20"
    assert model.metadata["validation_accuracy"] == "not measured"
    assert model.metadata["unfinished"] == "stopped after 2 of 20"
    list(train(model, bars(), steps=4, report_every=2, batch=16, validation=80))
    assert "unfinished" not in model.metadata


def test_without_validation_the_last_epoch_counts(model):
    """Nothing is held back, nothing is measured, and every epoch is the best so far."""
    run = train(model, bars(), epochs=2, validation=0)
    first, second = list(run)
    assert first.validation_accuracy is None
    assert second.validation_loss is None
    assert first.best
    assert second.best
    assert "validation" not in str(second)
    assert model.metadata["epoch"] == "2 of 2"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": 0}, UsageError, "at least 1"),
        ({"batch": 0}, UsageError, "at least 1"),
        ({"validation": 400}, UsageError, "400 of 400 images"),
        ({"validation": -1}, UsageError, "share below 1"),
        ({"validation": float("nan")}, UsageError, "share below 1"),
        ({"seed": -1}, UsageError, "from 0, found -1"),
        ({"validation": 1.5}, UsageError, "share below 1"),
        ({"optimizer": "adamant"}, UsageError, "known: sgd, adam"),
        ({"schedule": "lunar"}, UsageError, "known"),
        ({"loss": "hinge"}, UsageError, "known"),
        ({"augment": "affine | mixup"}, UsageError, "known"),
    ],
)
def test_bad_options_are_refused_at_once(model, options, error, words):
    """The call itself raises, not the first `next`, and the model is untouched."""
    before = weights(model)
    with pytest.raises(error, match=words):
        train(model, bars(), **({"validation": 50} | options))
    assert weights(model) == before


@pytest.mark.parametrize(
    ("end", "loss", "words"),
    [
        ("", "binary_cross_entropy", "expected a network that ends in sigmoid, found dense.width=4."),
        (" | sigmoid", "softmax_cross_entropy", "expected .* not end in sigmoid, .*binary_cross_entropy"),
    ],
)
def test_a_loss_that_does_not_fit_the_last_layer_is_refused_at_once(end, loss, words):
    model = Model.build(NET + end, (8, 8), classes=4)
    with pytest.raises(UsageError, match=words):
        train(model, bars(), loss=loss, validation=50)


@pytest.mark.parametrize(
    ("end", "loss"),
    [("", "mean_squares"), (" | sigmoid", "mean_squares"), (" | sigmoid", "binary_cross_entropy")],
)
def test_a_loss_that_fits_the_last_layer_trains(end, loss):
    model = Model.build(NET + end, (8, 8), classes=4)
    (epoch,) = train(model, bars(), loss=loss, validation=50, epochs=1)
    assert np.isfinite(epoch.loss)


def test_augmentations_too_are_computed_on_one_blas_thread(model):
    """As all that the parameters depend on is, so that they do not depend on the number of threads."""
    seen = []

    class Look(Augmentation):
        def __call__(self, images, rng, labels=None):  # noqa: ARG002
            libraries = _blas().info()  # those of OpenMP too, where other tests have loaded them
            seen.extend(each["num_threads"] for each in libraries if each["user_api"] == "blas")
            return images

    with threadpool_limits(2, user_api="blas"):
        next(train(model, bars(), validation=0, augment=Look()))
    assert set(seen) == {1}


def test_splits_that_cannot_be_learnt_from_are_refused_at_once(model):
    """No labels, no images, labels beyond the classes, images of another size."""
    split = bars()
    with pytest.raises(DataError, match="no labels"):
        train(model, replace(split, labels=None))
    with pytest.raises(DataError, match="no images"):
        train(model, split[:0])
    with pytest.raises(DataError, match="sample 0: expected a label from 0 to 3, found 4"):
        train(model, replace(split, labels=split.labels + 4 - split.labels[0]))
    with pytest.raises(ModelError, match=r"found \(7, 8\)"):
        train(model, replace(split, images=split.images[:, 1:]))


@pytest.mark.filterwarnings("error")
def test_a_loss_that_explodes_says_what_to_lower():
    """Training stops with advice instead of going on with nan, and without a warning."""
    model = Model.build("flatten | dense(width=9) | dense(width=4)", (8, 8), classes=4)
    with pytest.raises(ModelError, match="lower the rate of sgd"):
        list(train(model, bars(), epochs=5, optimizer="sgd(rate=100)", validation=0))


@needs_data("mnist")
def test_the_bundled_network_reads_mnist():
    """At least 99.2 % of the test digits, which had no say in its training."""
    raw = gzip.decompress((MNIST / "t10k-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
    raw = gzip.decompress((MNIST / "t10k-labels-idx1-ubyte.gz").read_bytes())
    labels = np.frombuffer(raw, np.uint8, offset=8)
    assert (load_model().predict(images)[0] == labels).mean() >= 0.992
