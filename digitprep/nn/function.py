"""A network of any program, behind the face that `evaluate` and `judge` need: a function is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from digitprep.dataset import Images
from digitprep.errors import ModelError
from digitprep.nn.build import check_names
from digitprep.nn.engines import Floats, are_probabilities, check_images, in_batches
from digitprep.nn.loss import softmax
from digitprep.nn.model import most_likely
from digitprep.nn.onnx_input import Shape


class FunctionModel:
    """A network that a function asks, whatever the program: a `Classifier`.

        FunctionModel(lambda images: keras_model.predict(images[..., None] / 255, verbose=0))
        FunctionModel(lambda images: forest.predict_proba(images.reshape(len(images), -1)))

    Numbers that are not negative and sum to one, on two images tried first, are probabilities and taken
    as they are; all others, logits or log-probabilities, go through softmax.
    """

    def __init__(
        self,
        function: Callable[[Images], Any],
        image_shape: Sequence[int] = (28, 28),
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Try the function on one image of paper and one of ink.

        function: (N, H, W[, 3]) uint8, 0 for paper and 255 for ink -> (N, classes) numbers, as an array or
            what NumPy makes one of
        image_shape: (H, W), or (H, W, 3) for colour
        class_names: what number 0, 1, ... of a row stand for; "0", "1", ... where they are not given

        Raises ModelError where it does not give a row of numbers an image, UsageError where the names
        do not tell these classes apart; what the function raises, it raises.
        """
        self.function = function
        self.image_shape: Shape = tuple(image_shape)
        first = self._asked(np.stack([np.full(self.image_shape, tone, np.uint8) for tone in (0, 255)]))
        self._is_probability = are_probabilities(first)
        self.class_names = tuple(map(str, range(first.shape[1]) if class_names is None else class_names))
        check_names(self.class_names, first.shape[1])

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""
        return len(self.class_names)

    def probabilities(self, images: Images, batch: int = 256) -> Floats:
        """(N, H, W[, 3]) uint8 -> (N, classes) float32: each row sums to one.

        The function gets at most `batch` images at a time.

        Raises ModelError where the images are not of this network's size and type, or the function gives
        something else than a row of numbers for each; UsageError for a batch below 1.
        """
        check_images(images, self.image_shape)
        return in_batches(self._probabilities, images, self.classes, batch)

    def predict(self, images: Images) -> tuple[Any, Any]:
        """The most likely class and its probability, of one image or of many.

        (H, W[, 3]) uint8 gives (int, float); (N, H, W[, 3]) gives (N,) int64 and (N,) float32.

        Raises as `probabilities` does.
        """
        return most_likely(self.probabilities, images, self.image_shape)

    def _probabilities(self, images: Images) -> Floats:
        outputs = self._asked(images, self.classes)
        return outputs if self._is_probability else softmax(outputs)

    def _asked(self, images: Images, classes: int | None = None) -> Floats:
        """(N, H, W[, 3]) uint8 -> (N, classes) float32: as the function gives them."""
        outputs = np.asarray(self.function(images))
        fits = outputs.ndim == 2 and outputs.shape[0] == len(images) and outputs.dtype.kind in "fiu"
        if not fits or outputs.shape[1] < 2 or classes not in (None, outputs.shape[1]):
            raise ModelError(
                f"the network's function: expected {len(images)} rows of {classes or 'two or more'} numbers, "
                f"one a class, found {outputs.shape} {outputs.dtype}; let it give probabilities or logits, "
                "as Keras's predict and scikit-learn's predict_proba do"
            )
        return outputs.astype(np.float32)
