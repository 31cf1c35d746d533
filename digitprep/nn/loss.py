"""Losses: how wrong the outputs of a network are, and in which direction they should move."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from digitprep.dataset import Labels
from digitprep.nn.layers import Array
from digitprep.spec import Registry, Spec


@dataclass(frozen=True)
class Loss(Spec, ABC):
    """A number to make small, with its derivative."""

    @abstractmethod
    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]:
        """(N, classes) logits, (N,) labels -> the mean loss and its gradient (N, classes)."""


LOSSES = Registry[Loss]("loss")


def softmax(logits: Array) -> Array:
    """(N, classes) -> (N, classes): positive, each row sums to one.

    The largest logit is taken off first, so that no exponential overflows.
    """
    powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


@LOSSES.register
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """The mean of -log(probability of the true class)."""

    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]:
        """Through log-sum-exp, never the logarithm of a rounded probability."""
        rows = np.arange(len(labels))
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(shifted).sum(axis=1))
        loss = float((log_sums - shifted[rows, labels]).mean())
        dlogits = np.exp(shifted - log_sums[:, None])
        dlogits[rows, labels] -= 1
        dlogits /= len(labels)
        return loss, dlogits
