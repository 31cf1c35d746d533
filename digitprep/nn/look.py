"""What a network has learnt, as pictures: the kernels of its first layer, and its maps of one image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.nn.layers.plain import Dense, Flatten
from digitprep.nn.layers.spatial import Conv
from digitprep.nn.model import Model


@dataclass(frozen=True, eq=False)
class Maps:
    """What a stretch of layers, as text, makes of an image: (channels, H, W), the last one's output."""

    layers: str
    maps: NDArray[np.float32]


def first_kernels(model: Model) -> NDArray[np.float32] | None:
    """(N, H, W) or (N, H, W, 3): what each unit of the first layer that learns looks for, or None.

    Those of a convolution are as large as its kernel, those of a dense layer on the pixels as an image.
    """
    for layer, params in zip(model.layers, model.params, strict=True):
        if isinstance(layer, Conv):
            return _channels_last(params["weight"])
        if isinstance(layer, Dense):
            height, width, *colours = model.image_shape
            return _channels_last(params["weight"].reshape(-1, *(colours or [1]), height, width))
        if not isinstance(layer, Flatten):
            return None
    return None


def feature_maps(model: Model, image: Images) -> Iterator[Maps]:
    """(H, W[, 3]) uint8 -> the maps that each convolution makes of it, with what follows up to the next.

    Raises ModelError where the image is not of the model's size and type.
    """
    x, texts = model._input(image[None]), list[str]()
    for layer, params in zip(model.layers, model.params, strict=True):
        if texts and isinstance(layer, Conv | Flatten):
            yield Maps(" | ".join(texts), x[..., 0])
            texts = []
        if isinstance(layer, Flatten):
            return
        x, _ = layer.forward(params, x)
        texts.append(str(layer))


def _channels_last(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, C, H, W) -> (N, H, W, 3) of three channels, of another number (N, H, W), their mean."""
    return weight.transpose(0, 2, 3, 1) if weight.shape[1] == 3 else weight.mean(axis=1)
