"""How an ONNX network takes its images, as options: `onnx(layout="nhwc", mean=0.1307, std=0.3081)`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.errors import ModelError
from digitprep.spec import Between, Registry, Spec

Shape = tuple[int, ...]
OpenShape = tuple[int | None, ...]

_AXES = {"nchw": "NCHW", "nhwc": "NHWC", "nhw": "NHW", "flat": "NP"}


@dataclass(frozen=True)
class Onnx(Spec):
    """How an ONNX network takes its images: pixels of 0 for paper and 255 for ink -> its input.

    layout: "nchw" is (N, channels, H, W), PyTorch's; "nhwc" (N, H, W, channels), Keras's; "nhw" has
        no channels; "flat" is (N, H * W), rows one after the other. "auto" reads it from the file.
    range: the numbers that stand for 0 and for 255
    mean, std: x = (x - mean) / std, after range; 0.1307 and 0.3081 in PyTorch's MNIST example
    invert: for networks trained on dark digits on white
    size: height and width in pixels, where the file leaves them open
    """

    layout: Literal["auto", "nchw", "nhwc", "nhw", "flat"] = "auto"
    range: Literal["0..1", "0..255", "-1..1"] = "0..1"
    mean: float = 0.0
    std: Annotated[float, Between(1e-6, 1e6)] = 1.0
    invert: bool = False
    size: Annotated[int, Between(1, 4096)] = 28

    def image_shape(self, shape: OpenShape) -> tuple[str, Shape]:
        """The layout, and (H, W) or (H, W, 3), of an input of this shape with the batch first.

        Raises ModelError where the shape is none of images, or not of the layout asked for.
        """
        layout = _layout(shape) if self.layout == "auto" else self.layout
        if len(shape) != len(_AXES[layout]):
            raise ModelError(f"layout {layout!r} is {_spelled(layout)}, found an input of {_readable(shape)}")
        if layout == "flat":
            side = math.isqrt(shape[1] or self.size**2)
            if shape[1] not in (None, side**2):
                raise ModelError(f"expected a square number of pixels as flat input, found {shape[1]}")
            return layout, (side, side)
        named = dict(zip(_AXES[layout], shape, strict=True))
        channels = named.get("C") or 1
        if channels not in (1, 3):
            raise ModelError(
                f"layout {layout!r} is {_spelled(layout)} with 1 or 3 channels, found an input of "
                f"{_readable(shape)}"
            )
        sides = (named["H"] or self.size, named["W"] or self.size)
        return layout, sides if channels == 1 else (*sides, 3)

    def __call__(self, images: Images, layout: str) -> NDArray[np.float32]:
        """(N, H, W[, 3]) uint8 -> float32 as the network takes it."""
        pixels = images if images.ndim == 4 else images[..., None]
        x = (255 - pixels if self.invert else pixels).astype(np.float32)
        if self.range == "0..1":
            x /= 255
        elif self.range == "-1..1":
            x = x / np.float32(127.5) - 1
        x = (x - np.float32(self.mean)) / np.float32(self.std)
        if layout == "nchw":
            return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        if layout == "nhwc":
            return x
        return x[..., 0] if layout == "nhw" else x.reshape(len(x), -1)


INPUTS = Registry[Onnx]("input")
INPUTS.register(Onnx)


def _layout(shape: OpenShape) -> str:
    """The layout that an input's shape suggests; of four sides, the channels are the smaller outer one."""
    if len(shape) == 4:
        is_last = shape[3] in (1, 3) and (shape[1] or math.inf) > shape[3]
        return "nhwc" if is_last else "nchw"
    if len(shape) in (2, 3):
        return "flat" if len(shape) == 2 else "nhw"
    raise ModelError(
        f"expected images as (N, channels, H, W), (N, H, W, channels), (N, H, W) or (N, pixels), "
        f"found an input of {_readable(shape)}"
    )


def _spelled(layout: str) -> str:
    return f"({', '.join(_AXES[layout])})"


def _readable(shape: OpenShape) -> str:
    return f"({', '.join('any' if side is None else str(side) for side in shape)})"
