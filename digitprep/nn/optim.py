"""Optimizers, which move parameters against their gradients, and schedules of the learning rate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from digitprep.nn.layers import Array, Params
from digitprep.spec import Between, Registry, Spec

State = dict[str, Array]


@dataclass(frozen=True)
class Optimizer(Spec, ABC):
    """A rule for one step; what it remembers from step to step is a `State` a parameter array.

    states = optimizer.init(params)
    optimizer.step(params, grads, states)      # changes params and states in place
    """

    rate: Annotated[float, Between(0, 100)] = 0.001

    def init(self, params: list[Params]) -> list[State]:
        """The state before the first step."""
        return [self.start(param) for param in _arrays(params)]

    def step(
        self, params: list[Params], grads: list[Params], states: list[State], scale: float = 1.0
    ) -> None:
        """One step with the learning rate `rate * scale`, in place."""
        gradients = (grad[name] for param, grad in zip(params, grads, strict=True) for name in param)
        for param, grad, state in zip(_arrays(params), gradients, states, strict=True):
            self.update(param, grad, state, self.rate * scale)

    @abstractmethod
    def start(self, param: Array) -> State:
        """The state of one parameter array before the first step."""

    @abstractmethod
    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """Move one parameter array, in place."""


OPTIMIZERS = Registry[Optimizer]("optimizer")


@OPTIMIZERS.register
@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent: straight down the gradient, with momentum if asked for."""

    rate: Annotated[float, Between(0, 100)] = 0.1
    momentum: Annotated[float, Between(0, 0.9999)] = 0.0

    def start(self, param: Array) -> State:
        """No speed yet."""
        return {"velocity": np.zeros_like(param)}

    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """The velocity becomes momentum * velocity + grad, the parameter moves by -rate * velocity."""
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity += grad
        param -= rate * velocity


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps of nearly equal size for every parameter, from running means of gradient and square.

    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.
    """

    beta1: Annotated[float, Between(0, 0.9999)] = 0.9
    beta2: Annotated[float, Between(0, 0.999999)] = 0.999
    epsilon: Annotated[float, Between(1e-16, 1)] = 1e-8

    def start(self, param: Array) -> State:
        """Both means at zero."""
        return {"mean": np.zeros_like(param), "square": np.zeros_like(param), "steps": np.zeros((), np.int64)}

    def update(self, param: Array, grad: Array, state: State, rate: float) -> None:
        """The paper's algorithm 1, in its order."""
        mean, square, steps = state["mean"], state["square"], state["steps"]
        steps += 1
        mean += (1 - self.beta1) * (grad - mean)
        square += (1 - self.beta2) * (grad * grad - square)
        # Both means start at zero, so early on they are too small by a known factor.
        unbiased = math.sqrt(1 - self.beta2 ** int(steps)) / (1 - self.beta1 ** int(steps))
        epsilon = self.epsilon * math.sqrt(1 - self.beta2 ** int(steps))
        param -= rate * unbiased * mean / (np.sqrt(square) + epsilon)


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
    """The same rate from first to last."""

    def __call__(self, progress: float) -> float:  # noqa: ARG002
        """Always 1."""
        return 1.0


@SCHEDULES.register
@dataclass(frozen=True)
class Cosine(Schedule):
    """From the full rate down to zero along half a cosine.

    Loshchilov and Hutter, SGDR, ICLR 2017, without restarts.
    """

    def __call__(self, progress: float) -> float:
        """1 at the start, 1/2 half way, 0 at the end."""
        return (1 + math.cos(math.pi * progress)) / 2


def _arrays(params: list[Params]) -> Iterator[Array]:
    return (array for layer in params for array in layer.values())
