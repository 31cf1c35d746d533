"""Losses: how wrong the outputs of a network are, and in which direction they should move."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from digitprep.dataset import Labels
from digitprep.errors import UsageError
from digitprep.nn.layers import Array, Layer
from digitprep.nn.layers.plain import Sigmoid
from digitprep.spec import Between, Registry, Spec


@dataclass(frozen=True)
class Loss(Spec, ABC):
    """A number to make small, with its derivative.

    wants_sigmoid: whether the network has to end in sigmoid, or must not; None where either will do
    """

    wants_sigmoid: ClassVar[bool | None] = None

    def check_end(self, layer: Layer) -> None:
        """Raise UsageError where a network that ends in this layer cannot be trained with this loss."""
        if self.wants_sigmoid and not isinstance(layer, Sigmoid):
            raise UsageError(
                f"{self}: expected a network that ends in sigmoid, found {layer}; add | sigmoid to its "
                f"layers, or train with {SoftmaxCrossEntropy()}"
            )
        if self.wants_sigmoid is False and isinstance(layer, Sigmoid):
            raise UsageError(
                f"{self}: expected a network that does not end in sigmoid, found one; leave the sigmoid out, "
                f"or train with {BinaryCrossEntropy()}"
            )

    @abstractmethod
    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]:
        """(N, classes) logits, (N,) labels -> the mean loss and its gradient (N, classes).

        `logits` is what the network's last layer gives, raw or through a sigmoid.
        """


LOSSES = Registry[Loss]("loss")


def softmax(logits: Array) -> Array:
    """(N, classes) -> (N, classes): positive, each row sums to one.

    The largest logit is taken off first, so that no exponential overflows.
    """
    powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def shares(outputs: Array) -> Array:
    """(N, classes) from 0 to 1, as a sigmoid gives them -> (N, classes): each row sums to one.

    The order of the classes stays. Where every class was denied, all have the same share.
    """
    positive = outputs + np.finfo(outputs.dtype).tiny
    result: Array = positive / positive.sum(axis=1, keepdims=True)
    return result


@LOSSES.register
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """The mean of -log(probability of the true class), for networks that end in a dense layer.

    Source: Bishop, Pattern Recognition and Machine Learning, 2006, section 5.2; smoothing as in Szegedy
    et al., Rethinking the Inception Architecture, CVPR 2016.

    smoothing: the share of the target that is spread evenly over all classes
    """

    wants_sigmoid: ClassVar[bool | None] = False

    smoothing: Annotated[float, Between(0, 1)] = 0.0

    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]:
        """Through log-sum-exp, never the logarithm of a rounded probability."""
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        targets = one_hot(labels, logits)
        if self.smoothing:
            targets = (1 - self.smoothing) * targets + self.smoothing / logits.shape[1]
        loss = float(-(targets * log_probabilities).sum(axis=1).mean())
        return loss, (np.exp(log_probabilities) - targets) / len(labels)


@LOSSES.register
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Each class a yes or no of its own, for networks that end in sigmoid.

    The mean, over images and classes, of -log(output) where the class is the true one and of
    -log(1 - output) where it is not. As in PyTorch's BCELoss, no logarithm counts for less than -100.
    Source: Bishop, Pattern Recognition and Machine Learning, 2006, section 5.2.
    """

    wants_sigmoid: ClassVar[bool | None] = True

    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]:
        """`logits` are the outputs of a sigmoid, from 0 to 1."""
        targets = one_hot(labels, logits)
        with np.errstate(divide="ignore"):
            yes, no = np.log(logits), np.log(1 - logits)
        yes, no = np.maximum(yes, -100), np.maximum(no, -100)
        loss = float(-np.where(targets == 1, yes, no).mean())
        slope = np.maximum(logits * (1 - logits), 1e-12)
        return loss, (logits - targets) / slope / logits.size


@LOSSES.register
@dataclass(frozen=True)
class MeanSquares(Loss):
    """The mean, over images and classes, of (output - target) squared; the target is 1 or 0.

    Source: Bishop, Pattern Recognition and Machine Learning, 2006, section 5.2.
    """

    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]:
        """`logits` are whatever the network gives; a sigmoid at its end keeps them from 0 to 1."""
        errors = logits - one_hot(labels, logits)
        return float((errors * errors).mean()), errors * (2 / errors.size)


def one_hot(labels: Labels, logits: Array) -> Array:
    """(N,) labels -> (N, classes), shape and type of `logits`: 1 at the label, 0 elsewhere."""
    targets = np.zeros_like(logits)
    targets[np.arange(len(labels)), labels] = 1
    return targets
