"""A network: its layers, their parameters, and what its inputs and outputs mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images, Labels
from digitprep.errors import ModelError, UsageError
from digitprep.nn.build import MOST_PARAMETERS, check_names, fresh_params
from digitprep.nn.layers import LAYERS, Array, Backward, Forward, Layer, Params, Shape, spatial
from digitprep.nn.layers.plain import Relu, Sigmoid
from digitprep.nn.loss import Loss, shares, softmax
from digitprep.nn.parallel import in_order, one_blas_thread, parts
from digitprep.nn.params import add, overflow_allowed
from digitprep.values import check_batch

# Images that go through the layers together, at most: a convolution's fit the processor's caches.
PIECE, LARGE_PIECE = 32, 256

ModelBackward = Callable[[Array], list[Params]]


@dataclass(eq=False)
class Model:
    """A network with its parameters.

    layers: as `Model.build` reads them from text
    params: the float32 arrays of each layer by name; training changes them in place
    image_shape: (H, W), or (H, W, 3) for colour
    class_names: what output 0, 1, ... stand for, each another text
    metadata: notes that are saved along, such as how the model was trained
    """

    layers: tuple[Layer, ...]
    params: list[Params]
    image_shape: Shape
    class_names: tuple[str, ...]
    metadata: dict[str, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        text: str,
        image_shape: Sequence[int] = (28, 28),
        classes: int = 10,
        seed: int = 0,
        class_names: Sequence[str] | None = None,
        most_parameters: int = MOST_PARAMETERS,
    ) -> Model:
        """A fresh network from text such as `flatten | dense(width=128) | relu | dense(width=10)`.

        image_shape: (H, W), or (H, W, 3) for colour
        classes, class_names: how many outputs there are, and what they stand for, "0", "1", ... unless given
        seed: what the initial parameters follow from
        most_parameters: what a network may have at most

        Raises UsageError where the text cannot be read or the names do not tell the classes apart, and
        ModelError where the layers do not fit the images, each other or the number of classes, or have too
        many parameters, which is told before memory is taken for them.
        """
        shape = tuple(image_shape)
        if len(shape) not in (2, 3) or min(shape) < 1 or shape[2:] not in ((), (3,)):
            raise ModelError(f"expected an image shape of (H, W) or (H, W, 3), found {shape}")
        names = tuple(map(str, range(classes)) if class_names is None else class_names)
        check_names(names, classes)
        if seed < 0:
            raise UsageError(f"a seed is a whole number from 0, found {seed}")
        layers = LAYERS.parse_chain(text)
        params = fresh_params(layers, (*(shape[2:] or (1,)), *shape[:2]), classes, seed, most_parameters)
        return cls(layers, params, shape, names)

    @property
    def text(self) -> str:
        """The layers as text that `build` reads."""
        return " | ".join(map(str, self.layers))

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""
        return len(self.class_names)

    @property
    def parameters(self) -> int:
        """How many numbers were, or are to be, learnt; what training merely measures is not counted."""
        return sum(
            array.size
            for layer, params in zip(self.layers, self.params, strict=True)
            for name, array in params.items()
            if name not in layer.statistics
        )

    def gradients(
        self, images: Images, labels: Labels, loss: Loss, rng: np.random.Generator
    ) -> tuple[float, int, list[Params]]:
        """One training batch: its mean loss, how many images are right, and the gradients of all parameters.

        images (N, H, W[, 3]) uint8, labels (N,); the gradients have the form of `params`. `rng` is for
        layers that are random in training. The same `rng` gives the same bits on any number of threads.

        Raises ModelError where the images are not of this model's size and type.
        """
        pieces = self._pieces(len(images))
        seeds = rng.integers(2**63, size=len(pieces))

        def work(piece: tuple[slice, int]) -> tuple[float, int, list[Params]]:
            part, seed = piece
            with overflow_allowed():
                logits, backward = self.forward(images[part], np.random.default_rng(seed))
                value, dlogits = loss(logits, labels[part])
                share = len(logits) / len(images)
                grads = backward(dlogits * logits.dtype.type(share))
            return value * share, int((logits.argmax(axis=1) == labels[part]).sum()), grads

        with one_blas_thread():
            results = in_order(work, zip(pieces, seeds.tolist(), strict=True))
            total, hits, grads = next(results)
            for more_loss, more_hits, more in results:
                total, hits = total + more_loss, hits + more_hits
                add(grads, more)
        return total, hits, grads

    def forward(self, images: Images, rng: np.random.Generator) -> tuple[Array, ModelBackward]:
        """(N, H, W[, 3]) uint8 -> (N, classes) logits in training, and their backward.

        `backward(dlogits)` gives the gradients of all parameters, in the form of `params`.

        Raises ModelError where the images are not of this model's size and type.
        """
        x = self._input(images)
        tape: list[tuple[int, Backward]] = []
        for index in self._order:
            x, layer_backward = self._step(index, x, rng)
            tape.append((index, layer_backward))

        def backward(dlogits: Array) -> list[Params]:
            dy = dlogits.T
            grads: list[Params] = [{} for _ in self.layers]
            for index, layer_backward in reversed(tape):
                dy, grads[index] = layer_backward(dy)
                if index == self._first_learning:
                    break
            return grads

        return x.T, backward

    def logits(self, images: Images, batch: int = 64) -> NDArray[np.float32]:
        """(N, H, W[, 3]) uint8 -> (N, classes) float32: raw outputs.

        A thread computes at most `batch` images at a time.

        Raises ModelError where the images are not of this model's size and type, UsageError for a batch
        below 1.
        """
        self._check(images)
        check_batch(batch)
        outputs = np.empty((len(images), self.classes), np.float32)

        def work(part: slice) -> None:
            x = self._input(images[part])
            for index in self._order:
                x, _ = self._step(index, x)
            outputs[part] = x.T

        with one_blas_thread():
            for _ in in_order(work, parts(len(images), min(batch, self._piece))):
                pass
        return outputs

    def probabilities(self, images: Images, batch: int = 64) -> NDArray[np.float32]:
        """(N, H, W[, 3]) uint8 -> (N, classes) float32: each row sums to one.

        A softmax over the outputs, or, where the network ends in sigmoid, each one's share of their sum.

        `batch` is that of `logits`.

        Raises ModelError and UsageError as `logits` does.
        """
        outputs = self.logits(images, batch)
        return shares(outputs) if isinstance(self.layers[-1], Sigmoid) else softmax(outputs)

    def predict(self, images: Images) -> tuple[Any, Any]:
        """The most likely class and its probability, of one image or of many.

        (H, W[, 3]) uint8 gives (int, float); (N, H, W[, 3]) gives (N,) int64 and (N,) float32.
        Prepared images hold 0 for paper and 255 for ink.

        Raises ModelError where the images are not of this model's size and type.
        """
        return most_likely(self.probabilities, images, self.image_shape)

    def save(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write the model to one .npz file; the same model gives the same bytes.

        Raises UsageError where the file is there already, without `overwrite`, and DigitprepError where
        the disk refuses.
        """
        from digitprep.nn.store import save_model  # which needs this module

        save_model(self, path, overwrite)

    @property
    def _order(self) -> list[int]:
        """The order in which the layers run: a relu after the pooling that follows it.

        The largest of values cut off at zero is the largest cut off at zero, so the result is the same
        and the relu has a quarter of the work.
        """
        order = list(range(len(self.layers)))
        for index in order[:-1]:
            if isinstance(self.layers[index], Relu) and isinstance(self.layers[index + 1], spatial.Maxpool):
                order[index], order[index + 1] = index + 1, index
        return order

    @property
    def _first_learning(self) -> int:
        """The first layer with parameters; the gradient of its input is of no use."""
        return next((index for index, params in enumerate(self.params) if params), 0)

    @property
    def _piece(self) -> int:
        """How many images go through the layers together at most."""
        return PIECE if any(isinstance(layer, spatial.Conv) for layer in self.layers) else LARGE_PIECE

    def _pieces(self, count: int) -> list[slice]:
        """The parts of a training batch that may be computed apart."""
        if any(layer.couples_batch for layer in self.layers):
            return [slice(0, count)]
        if self._piece == LARGE_PIECE:
            return parts(count, LARGE_PIECE)
        half = -(-count // 2)  # so that there is work for two threads
        return parts(count, min(PIECE, max(half, PIECE // 2)))

    def _step(self, index: int, x: Array, rng: np.random.Generator | None = None) -> Forward:
        layer, params = self.layers[index], self.params[index]
        options = {"wants_dx": False} if layer.skips_dx and index == self._first_learning else {}
        return layer.forward(params, x, rng, **options)

    def _check(self, images: Images) -> None:
        expected = f"images of {self.image_shape} uint8, 0 for paper and 255 for ink"
        if not isinstance(images, np.ndarray):
            raise ModelError(f"expected {expected}, found {type(images).__name__}")
        if images.shape[1:] != self.image_shape or images.dtype != np.uint8:
            found = images.shape if images.ndim <= 2 else images.shape[1:]
            raise ModelError(
                f"expected {expected}, found {found} {images.dtype}; digitprep clean prepares them"
            )

    def _input(self, images: Images) -> Array:
        """(N, H, W[, 3]) uint8 -> (C, H, W, N) float32, from 0 for paper to 1 for ink.

        The one place where pixels become numbers for the network.
        """
        self._check(images)
        pixels = images[..., None] if images.ndim == 3 else images
        x = np.ascontiguousarray(pixels.transpose(3, 1, 2, 0), dtype=np.float32)
        x /= 255
        return x


def most_likely(
    probabilities: Callable[[Images], NDArray[np.float32]], images: Images, image_shape: Shape
) -> tuple[Any, Any]:
    """The likeliest class and its probability: (int, float) of one image, (N,) arrays of many."""
    if getattr(images, "ndim", 0) == len(image_shape):
        digits, confidences = most_likely(probabilities, images[None], image_shape)
        return int(digits[0]), float(confidences[0])
    found = probabilities(images)
    return found.argmax(axis=1), found.max(axis=1)
