"""PyTorch as the referee: the same start, the same batches, the same steps."""

import numpy as np
import pytest

from digitprep.nn import OPTIMIZERS, Model, network
from digitprep.nn.layers.normalize import Batchnorm
from digitprep.nn.layers.plain import Dense
from digitprep.nn.layers.spatial import Conv
from digitprep.nn.loss import BinaryCrossEntropy, MeanSquares, SoftmaxCrossEntropy
from digitprep.nn.optim import Adam, Adamw, OneCycle, Optimizer, Rmsprop, Sgd

torch = pytest.importorskip("torch")
nn = torch.nn

PYTORCH_NAMES = {"mean": "running_mean", "variance": "running_var"}


def optimizers():
    """Each of ours beside PyTorch's of the same options."""
    optim = torch.optim
    return [
        (Sgd(rate=0.1), lambda p: optim.SGD(p, 0.1)),
        (Sgd(rate=0.1, momentum=0.9), lambda p: optim.SGD(p, 0.1, momentum=0.9)),
        (
            Sgd(rate=0.05, momentum=0.8, nesterov=True, decay=0.02),
            lambda p: optim.SGD(p, 0.05, momentum=0.8, nesterov=True, weight_decay=0.02),
        ),
        (Adam(rate=0.01), lambda p: optim.Adam(p, 0.01)),
        (
            Adam(rate=0.1, beta1=0.8, beta2=0.9, epsilon=0.01),
            lambda p: optim.Adam(p, 0.1, betas=(0.8, 0.9), eps=0.01),
        ),
        (Adamw(rate=0.01), lambda p: optim.AdamW(p, 0.01)),
        (Adamw(rate=0.1, decay=0.3), lambda p: optim.AdamW(p, 0.1, weight_decay=0.3)),
        # PyTorch adds its epsilon to the root, Keras and we under it: equal where it is next to nothing.
        (Rmsprop(rate=0.01, epsilon=1e-16), lambda p: optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-16)),
    ]


@pytest.mark.parametrize(("ours", "theirs"), optimizers(), ids=[str(ours) for ours, _ in optimizers()])
def test_five_steps_of_every_optimizer(ours, theirs):
    rng = np.random.default_rng(0)
    start = rng.standard_normal((3, 4))
    params = [{"weight": start.copy()}]
    tensor = nn.Parameter(torch.tensor(start))
    states, stepper = ours.init(params), theirs([tensor])
    for _ in range(5):
        grad = rng.standard_normal((3, 4))
        ours.step(params, [{"weight": grad}], states)
        tensor.grad = torch.tensor(grad)
        stepper.step()
        np.testing.assert_allclose(params[0]["weight"], tensor.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_every_optimizer_has_a_partner():
    assert {type(ours) for ours, _ in optimizers()} == {OPTIMIZERS[name] for name in OPTIMIZERS}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SoftmaxCrossEntropy(), nn.CrossEntropyLoss()),
        (SoftmaxCrossEntropy(smoothing=0.1), nn.CrossEntropyLoss(label_smoothing=0.1)),
        (BinaryCrossEntropy(), nn.BCELoss()),
        (MeanSquares(), nn.MSELoss()),
    ],
    ids=str,
)
def test_losses_and_their_gradients(ours, theirs):
    outputs, labels = np.random.default_rng(0).uniform(0, 1, (6, 5)), np.array([0, 4, 2, 2, 1, 3])
    outputs[0, :2] = 0, 1  # where the logarithms end
    loss, gradient = ours(outputs, labels)
    tensor = torch.tensor(outputs, requires_grad=True)
    whole = isinstance(theirs, nn.CrossEntropyLoss)
    expected = theirs(tensor, torch.tensor(labels if whole else np.eye(5)[labels]))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-10)
    # Where a logarithm ends, both divide by 1e-12, of which PyTorch keeps eight digits.
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("warmup", [0.3, 0.1])
def test_one_cycle_runs_as_theirs(warmup):
    """Over 2,000 steps, as theirs counts the ends a step earlier."""
    steps = 2000
    stepper = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(stepper, 1.0, total_steps=steps, pct_start=warmup)
    ours = OneCycle(warmup=warmup)
    for step in range(steps - 1):
        assert ours(step / (steps - 1)) == pytest.approx(theirs.get_last_lr()[0], abs=0.005)
        stepper.step()
        theirs.step()
    assert ours(1) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1568, 10),
    )


def strided():
    return nn.Sequential(
        nn.Conv2d(1, 10, 5, stride=2),
        nn.LeakyReLU(0.02),
        nn.BatchNorm2d(10),
        nn.Conv2d(10, 10, 3, stride=2),
        nn.LeakyReLU(0.02),
        nn.BatchNorm2d(10),
        nn.Flatten(),
        nn.Linear(250, 10),
        nn.Sigmoid(),
    )


def pairs(model: Model, net):
    """Every array of ours with PyTorch's tensor; layer by layer, both networks are the same."""
    for layer, params, module in zip(model.layers, model.params, net, strict=True):
        assert bool(params) == isinstance(layer, Conv | Dense | Batchnorm)
        for name, array in params.items():
            yield array, getattr(module, PYTORCH_NAMES.get(name, name))


def three_steps(name, net, ours: Optimizer, theirs):
    """Train both from our start on the same three batches; the losses of each."""
    model = Model.build(network(name).layers, seed=3)
    with torch.no_grad():
        for array, tensor in pairs(model, net):
            tensor.copy_(torch.from_numpy(array))
    rng, states, stepper = np.random.default_rng(0), ours.init(model.params), theirs(net.parameters())
    loss = BinaryCrossEntropy() if name == "strided" else SoftmaxCrossEntropy()
    losses = []
    for _ in range(3):
        images, labels = rng.integers(0, 256, (32, 28, 28), np.uint8), rng.integers(0, 10, 32)
        value, _, grads = model.gradients(images, labels, loss, rng)
        ours.step(model.params, grads, states)
        outputs = net(torch.from_numpy(images[:, None]).float() / 255)
        if name == "strided":
            expected = nn.BCELoss()(outputs, torch.eye(10)[labels])
        else:
            expected = nn.CrossEntropyLoss()(outputs, torch.from_numpy(labels))
        stepper.zero_grad()
        expected.backward()
        stepper.step()
        losses.append((value, expected.item()))
    return model, losses, images


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            Sgd(rate=0.05, momentum=0.9, nesterov=True),
            (torch.optim.SGD, 0.05, {"momentum": 0.9, "nesterov": True}),
        ),
        (Adamw(rate=0.001), (torch.optim.AdamW, 0.001, {})),
    ],
    ids=["sgd", "adamw"],
)
@pytest.mark.parametrize(("name", "make"), [("lenet", lenet), ("strided", strided)])
def test_three_training_steps(name, make, ours, theirs):
    """Losses, every parameter, every running statistic and the outputs at inference."""
    kind, rate, options = theirs
    net = make()
    model, losses, images = three_steps(name, net, ours, lambda params: kind(params, rate, **options))
    for value, expected in losses:
        assert value == pytest.approx(expected, abs=1e-4)
    for array, tensor in pairs(model, net):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=0, atol=1e-4)
    net.eval()
    with torch.no_grad():
        expected = net(torch.from_numpy(images[:, None]).float() / 255).numpy()
    np.testing.assert_allclose(model.logits(images), expected, rtol=0, atol=1e-3)
