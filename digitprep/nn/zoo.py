"""Networks by name: their layers as text, and how to train them on MNIST.

To add one, add an entry to `ZOO`; nothing else is edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digitprep.errors import UsageError


@dataclass(frozen=True)
class Network:
    """The text of a network, one line on it, and the training options that suit it."""

    summary: str
    layers: str
    epochs: int = 5
    batch: int = 64
    optimizer: str = "adam"
    schedule: str = "cosine"
    augment: str | None = None

    @property
    def training(self) -> dict[str, Any]:
        """The options as `train(model, split, **network.training)` takes them."""
        names = ("epochs", "batch", "optimizer", "schedule", "augment")
        return {name: getattr(self, name) for name in names}


ZOO = {
    "digitnet": Network(
        "the bundled network: three convolutions, trained on digits warped and written with other pens",
        "conv(channels=32) | maxpool | relu | conv(channels=64) | maxpool | relu"
        " | conv(channels=64) | relu | flatten | dropout(rate=0.2)"
        " | dense(width=96) | relu | dense(width=10)",
        epochs=16,
        optimizer="adam(rate=0.002)",
        augment="affine(angle_degrees=15, scale=0.2, shear=0.2, shift_px=2) | thickness | thickness",
    ),
    "mlp": Network(
        "one hidden layer, no convolution: the smallest that is worth training",
        "flatten | dense(width=128) | relu | dense(width=10)",
    ),
    "lenet": Network(
        "two 5 x 5 convolutions in the spirit of LeCun et al. 1998, 29,000 parameters",
        "conv(channels=16, kernel=5, pad=2) | relu | maxpool"
        " | conv(channels=32, kernel=5, pad=2) | relu | maxpool | flatten | dense(width=10)",
    ),
    "simpleconv": Network(
        "one 5 x 5 convolution and a hidden layer",
        "conv(channels=30, kernel=5) | relu | maxpool | flatten | dense(width=100) | relu | dense(width=10)",
    ),
    "deepconv": Network(
        "three 3 x 3 convolutions and a hidden layer, 93,000 parameters",
        "conv(channels=32) | relu | maxpool | conv(channels=64) | relu | maxpool"
        " | conv(channels=64) | relu | flatten | dense(width=64) | relu | dense(width=10)",
    ),
}


def network(name: str) -> Network:
    """The network of that name. Raises UsageError listing the known ones."""
    if name not in ZOO:
        raise UsageError(f"no network is named {name!r}; known: {', '.join(ZOO)}")
    return ZOO[name]
