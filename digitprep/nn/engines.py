"""Networks that other programs trained, behind the face that `evaluate` and `predict` need.

An ONNX file is run by `cv2.dnn`. Most of what has to be known of it stands in the file; what does not
is an option of `Onnx`, given as text: `onnx(layout="nhwc", mean=0.1307, std=0.3081)`.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.errors import ModelError
from digitprep.nn.loss import shares, softmax
from digitprep.nn.model import most_likely
from digitprep.nn.onnx_header import Header, read_header
from digitprep.nn.onnx_input import INPUTS, Onnx, Shape
from digitprep.opencv import cv2
from digitprep.values import check_batch

Floats = NDArray[np.float32]


class Classifier(Protocol):
    """What a network has to offer to be evaluated and to read photos; `Model` is one."""

    @property
    def image_shape(self) -> Shape:
        """(H, W), or (H, W, 3) for colour."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """What output 0, 1, ... stand for."""

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""

    def probabilities(self, images: Images, batch: int = ...) -> Floats:
        """(N, H, W[, 3]) uint8, 0 for paper and 255 for ink -> (N, classes): each row sums to one.

        At most `batch` images are computed at a time.
        """

    def predict(self, images: Images) -> tuple[Any, Any]:
        """The most likely class and its probability, of one image (H, W[, 3]) or of many (N, H, W[, 3])."""


def mismatch(made: Shape, net: Classifier) -> str | None:
    """Why a network cannot take images of a shape, (H, W[, 3]), and what to do; None where it can."""
    taken = net.image_shape
    if made == taken:
        return None
    advice = f"end it with center(size={taken[0]})"
    if len(taken) == 3:
        advice = (
            "it is a network for colour, and the recipes make grey images; "
            f"the pipeline 'resize(size={taken[0]})' keeps the colours"
        )
    takes, makes = (" x ".join(map(str, shape)) for shape in (taken, made))
    return f"the network takes {takes}, the pipeline made {makes}; {advice}"


class OnnxModel:
    """A network in an ONNX file, run by OpenCV: a `Classifier`.

    Outputs that are not negative and sum to one, on two images tried first, are probabilities and
    taken as they are; those of a network that ends in sigmoid are divided by their sum; all others,
    logits or log-probabilities, go through softmax.
    """

    def __init__(self, path: str | PathLike[str], options: str | Onnx = "onnx") -> None:
        """Read the file and try it on one image of paper and one of ink.

        options: how it takes its images, see `Onnx`

        Raises ModelError where the file is no ONNX, where OpenCV cannot run it, or where it does not
        turn images into classes; UsageError on bad options.
        """
        self.file = Path(path)
        self.options = INPUTS.parse(options) if isinstance(options, str) else options
        header = read_header(self.file)
        try:
            self.layout, self.image_shape = self.options.image_shape(header.input_shape)
        except ModelError as error:
            raise ModelError(f"{self.file}: {error}; --input 'onnx(layout=\"...\")' names another") from None
        self._batch = header.input_shape[0]
        self._net = self._read()
        first = self._outputs(np.stack([np.full(self.image_shape, tone, np.uint8) for tone in (0, 255)]))
        self._is_sigmoid = header.last_operator == "Sigmoid"
        self._is_probability = are_probabilities(first)
        self.class_names = _class_names(header, first.shape[1])

    def __reduce__(self) -> tuple[Any, ...]:
        """For other processes, which read the file again: what OpenCV has made of it cannot be sent."""
        return type(self), (self.file, self.options)

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""
        return len(self.class_names)

    def probabilities(self, images: Images, batch: int = 64) -> Floats:
        """(N, H, W[, 3]) uint8 -> (N, classes) float32: each row sums to one.

        Raises ModelError where the images are not of this network's size and type.
        """
        check_images(images, self.image_shape, f"{self.file}: ")
        return in_batches(lambda part: self._probabilities(self._outputs(part)), images, self.classes, batch)

    def predict(self, images: Images) -> tuple[Any, Any]:
        """The most likely class and its probability, of one image or of many.

        (H, W[, 3]) uint8 gives (int, float); (N, H, W[, 3]) gives (N,) int64 and (N,) float32.

        Raises ModelError where the images are not of this network's size and type.
        """
        return most_likely(self.probabilities, images, self.image_shape)

    def _probabilities(self, outputs: Floats) -> Floats:
        if self._is_probability:
            return outputs
        return shares(outputs) if self._is_sigmoid else softmax(outputs)

    def _read(self) -> Any:
        with _opencv_silent():
            try:
                return cv2.dnn.readNetFromONNX(str(self.file))
            except cv2.error as error:
                raise ModelError(
                    f"{self.file}: OpenCV {cv2.__version__} cannot read this network ({_reason(error)}); "
                    "export it with plain layers and opset 13, or use a newer OpenCV"
                ) from None

    def _outputs(self, images: Images) -> Floats:
        """(N, H, W[, 3]) uint8 -> (N, classes): as the network gives them.

        A network made for batches of one size gets batches of that size, filled up with paper.
        """
        size = self._batch or max(len(images), 1)
        parts = [self._forward(images[start : start + size], size) for start in range(0, len(images), size)]
        return np.concatenate(parts)

    def _forward(self, images: Images, size: int) -> Floats:
        missing = size - len(images)
        x = self.options(np.pad(images, ((0, missing),) + ((0, 0),) * (images.ndim - 1)), self.layout)
        with _opencv_silent():
            try:
                self._net.setInput(x)
                y = np.asarray(self._net.forward())
            except cv2.error as error:
                raise ModelError(
                    f"{self.file}: OpenCV {cv2.__version__} cannot run it on an input of {x.shape} "
                    f"({_reason(error)}); --input 'onnx(layout=\"nhwc\", size=32)' makes other inputs"
                ) from None
        if y.shape[:1] != (size,) or y.size != size * math.prod(y.shape[1:2]) or y.size < 2 * size:
            raise ModelError(
                f"{self.file}: expected one number a class for each of {size} images, "
                f"found an output of {y.shape}; export a network that ends in its classes"
            )
        return y.reshape(size, -1)[: len(images)]


def check_images(images: Images, shape: Shape, where: str = "") -> None:
    """Raise ModelError where images are not (N, *shape) uint8; `where` is the network's file and a colon."""
    found = getattr(images, "shape", ()), getattr(images, "dtype", type(images).__name__)
    if found[0][1:] != shape or found[1] != np.uint8:
        raise ModelError(
            f"{where}expected images of {shape} uint8, found {found[0][1:]} {found[1]}; "
            "digitprep clean --pipeline '... | center(size=...)' makes other sizes"
        )


def in_batches(of: Callable[[Images], Floats], images: Images, classes: int, batch: int) -> Floats:
    """(N, H, W[, 3]) -> (N, classes) float32: what `of` gives, which gets at most `batch` images at a time.

    Raises UsageError for a batch below 1.
    """
    check_batch(batch)
    found = np.empty((len(images), classes), np.float32)
    for start in range(0, len(images), batch):
        found[start : start + batch] = of(images[start : start + batch])
    return found


def are_probabilities(outputs: Floats) -> bool:
    """Whether the rows of (N, classes) are not negative and sum to one."""
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-4))


def _class_names(header: Header, classes: int) -> tuple[str, ...]:
    """The names that digitprep notes in the files it writes, or "0", "1", ..."""
    with contextlib.suppress(ValueError):
        names = json.loads(header.notes.get("class_names", ""))
        if isinstance(names, list) and len(names) == len(set(map(str, names))) == classes:
            return tuple(map(str, names))
    return tuple(map(str, range(classes)))


def _reason(error: Any) -> str:
    """What OpenCV says, without the place in its source."""
    if found := re.search(r"Node \[(\w+)@", str(error)):
        return f"it does not know the operator {found[1]}, or not with these attributes"
    return " ".join(str(getattr(error, "err", "") or error).split())[:200]


@contextlib.contextmanager
def _opencv_silent() -> Iterator[None]:
    """OpenCV tells its troubles on stderr as well as in its errors; the errors are enough."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
