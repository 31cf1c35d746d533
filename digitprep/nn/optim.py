"""Optimizers, which move parameters against their gradients, and schedules of the learning rate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from digitprep.nn.layers import Array, Params
from digitprep.spec import Between, Registry, Spec

State = dict[str, Array]


@dataclass(frozen=True)
class Optimizer(Spec, ABC):
    """A rule for one step; what it remembers from step to step is a `State` a parameter array.

        states = optimizer.init(params)
        optimizer.step(params, grads, states)      # changes params and states in place

    A state holds "steps", how many were taken, and an array of the parameter's shape for each name
    in `memory`, zero before the first step. Arrays without a gradient, such as running statistics,
    stay as they are.

    rate: the learning rate, which a schedule multiplies
    """

    memory: ClassVar[tuple[str, ...]] = ()

    rate: Annotated[float, Between(0, 100)] = 0.001

    def init(self, params: list[Params]) -> list[State]:
        """The states before the first step, in the order of layers and names; arrays of any shape."""
        return [
            {"steps": np.zeros((), np.int64), **{name: np.zeros_like(param) for name in self.memory}}
            for layer in params
            for param in layer.values()
        ]

    def step(
        self, params: list[Params], grads: list[Params], states: list[State], scale: float = 1.0
    ) -> None:
        """One step with the learning rate `rate * scale`, in place, on arrays of any shape."""
        remaining = iter(states)
        for layer, layer_grads in zip(params, grads, strict=True):
            for name, param in layer.items():
                state = next(remaining)
                if name in layer_grads:
                    state["steps"] += 1
                    self.update(param, layer_grads[name], state, self.rate * scale)

    @abstractmethod
    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """Move one parameter array of any shape, in place; "steps" counts this step already."""


OPTIMIZERS = Registry[Optimizer]("optimizer")


@OPTIMIZERS.register
@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent: straight down the gradient, with momentum if asked for.

    Source: Sutskever et al., On the Importance of Initialization and Momentum, ICML 2013, as in PyTorch.

    momentum: the share of the last step that the next one starts with
    nesterov: whether to look ahead to where the momentum will have led
    decay: pulls every parameter towards zero: decay * parameter is added to the gradient, the derivative
        of a penalty on its square
    """

    memory: ClassVar[tuple[str, ...]] = ("velocity",)

    rate: Annotated[float, Between(0, 100)] = 0.1
    momentum: Annotated[float, Between(0, 0.9999)] = 0.0
    nesterov: bool = False
    decay: Annotated[float, Between(0, 1)] = 0.0

    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """The velocity becomes momentum * velocity + grad, the parameter moves by -rate * velocity."""
        if self.decay:
            grad = grad + self.decay * param
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += grad
            grad = grad + self.momentum * velocity if self.nesterov else velocity
        param -= rate * grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps of nearly equal size for every parameter, from running means of gradient and square.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.

    beta1, beta2: how much of the mean gradient, and of the mean square, each step keeps
    epsilon: what is added to the root of the mean square, so that it is never zero
    """

    memory: ClassVar[tuple[str, ...]] = ("mean", "square")

    beta1: Annotated[float, Between(0, 0.9999)] = 0.9
    beta2: Annotated[float, Between(0, 0.999999)] = 0.999
    epsilon: Annotated[float, Between(1e-16, 1)] = 1e-8

    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """The paper's algorithm 1, in its order."""
        mean, square, steps = state["mean"], state["square"], int(state["steps"])
        mean += (1 - self.beta1) * (grad - mean)
        square += (1 - self.beta2) * (grad * grad - square)
        # Both means start at zero, so early on they are too small by a known factor.
        correction = math.sqrt(1 - self.beta2**steps)
        param -= (rate * correction / (1 - self.beta1**steps)) * (
            mean / (np.sqrt(square) + self.epsilon * correction)
        )


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adamw(Adam):
    """Adam that also shrinks every parameter by the share rate * decay a step, apart from its gradient.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, as in PyTorch.

    decay: the share, for a rate of 1
    """

    decay: Annotated[float, Between(0, 1)] = 0.01

    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """Shrink, then Adam."""
        param *= 1 - rate * self.decay
        super().update(param, grad, state, rate)


@OPTIMIZERS.register
@dataclass(frozen=True)
class Rmsprop(Optimizer):
    """Steps measured by how large the gradient usually is, from a running mean of its square.

    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012, as in Keras.

    rho: how much of the mean square each step keeps
    epsilon: what is added to it under the root
    """

    memory: ClassVar[tuple[str, ...]] = ("square",)

    rho: Annotated[float, Between(0, 0.999999)] = 0.9
    epsilon: Annotated[float, Between(1e-16, 1)] = 1e-7

    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """The parameter moves by -rate * grad / sqrt(square + epsilon)."""
        square = state["square"]
        square += (1 - self.rho) * (grad * grad - square)
        param -= rate * (grad / np.sqrt(square + self.epsilon))


@dataclass(frozen=True)
class Schedule(Spec, ABC):
    """The learning rate over a run, as a multiple of the optimizer's rate."""

    @abstractmethod
    def __call__(self, progress: float) -> float:
        """0 (the first step) up to 1 (the end) -> the factor."""


SCHEDULES = Registry[Schedule]("schedule")


@SCHEDULES.register
@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate from first to last.

    Source: by definition.
    """

    def __call__(self, progress: float) -> float:  # noqa: ARG002
        """Always 1."""
        return 1.0


@SCHEDULES.register
@dataclass(frozen=True)
class Cosine(Schedule):
    """From the full rate down to zero along half a cosine.

    Source: Loshchilov and Hutter, SGDR, ICLR 2017, without restarts.
    """

    def __call__(self, progress: float) -> float:
        """1 at the start, 1/2 half way, 0 at the end."""
        return _ease(1, 0, progress)


@SCHEDULES.register
@dataclass(frozen=True)
class Step(Schedule):
    """The rate is made smaller each time that another share of the run is done.

    Source: by definition.

    every: that share
    factor: what the rate is then multiplied by
    """

    every: Annotated[float, Between(0.001, 1)] = 0.5
    factor: Annotated[float, Between(0, 1)] = 0.1

    def __call__(self, progress: float) -> float:
        """`factor` to the power of the whole shares that are done."""
        rounding = 1e-9  # three shares of 0.1 are 0.30000000000000004
        return float(self.factor ** math.floor(progress / self.every + rounding))


@SCHEDULES.register
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to the full rate, then down again, along half cosines.

    Source: Smith and Topin, Super-Convergence, 2018, in the form and with the defaults of PyTorch's
    OneCycleLR; the momentum stays as it is.

    warmup: the share of the run that it goes up
    start, end: the factors of the first and of the last step
    """

    warmup: Annotated[float, Between(0, 0.99)] = 0.3
    start: Annotated[float, Between(0, 1)] = 0.04
    end: Annotated[float, Between(0, 1)] = 4e-6

    def __call__(self, progress: float) -> float:
        """`start` at 0, 1 at `warmup`, `end` at 1."""
        if progress < self.warmup:
            return _ease(self.start, 1, progress / self.warmup)
        return _ease(1, self.end, (progress - self.warmup) / (1 - self.warmup))


def _ease(first: float, last: float, share: float) -> float:
    """From `first` to `last` along half a cosine: slow, fast, slow."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
