"""Convolution and pooling as a textbook writes them: what the fast versions are tested against.

Read this first to understand what `digitprep.nn.layers.spatial` computes, then `digitprep.nn.kernels` to see
how it is done quickly. Both functions are layers without their options: x in, y and backward out,
images being (C, H, W, N).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]


def conv(
    x: Array, weight: Array, bias: Array, stride: int = 1, pad: int = 0
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Slide kernels (O, C, k, k) over (C, H, W, N): (O, H', W', N), and dy -> (dx, dweight, dbias).

    Every window becomes a column of one matrix (im2col), every kernel a row of another; their product
    is the result.
    """
    outputs, channels, kernel, _ = weight.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    windows = windows.transpose(0, 4, 5, 1, 2, 3)  # C, k, k, H', W', N
    columns = windows.reshape(channels * kernel**2, -1)
    kernels = weight.reshape(outputs, -1)
    y = (kernels @ columns + bias[:, None]).reshape(outputs, *windows.shape[3:])

    def backward(dy: Array) -> tuple[Array, Array, Array]:
        dy = dy.reshape(outputs, -1)
        dx = _add_windows((kernels.T @ dy).reshape(windows.shape), padded.shape, stride)
        _, height, width, _ = x.shape
        dx = dx[:, pad : pad + height, pad : pad + width]
        return dx, (dy @ columns.T).reshape(weight.shape), dy.sum(axis=1)

    return y, backward


def maxpool(x: Array, size: int) -> tuple[Array, Callable[[Array], Array]]:
    """The largest of each size x size pixels: (C, H // size, W // size, N), and dy -> dx.

    Where values tie, the first one, row by row, gets the gradient.
    """
    channels, height, width, count = x.shape
    down, across = height // size, width // size
    squares = x[:, : down * size, : across * size].reshape(channels, down, size, across, size, count)
    squares = squares.transpose(0, 1, 3, 5, 2, 4).reshape(channels, down, across, count, size * size)
    first = squares.argmax(axis=-1)[..., None]

    def backward(dy: Array) -> Array:
        chosen = np.zeros(squares.shape, x.dtype)
        np.put_along_axis(chosen, first, dy[..., None], axis=-1)
        chosen = chosen.reshape(channels, down, across, count, size, size).transpose(0, 1, 4, 2, 5, 3)
        dx = np.zeros_like(x)
        dx[:, : down * size, : across * size] = chosen.reshape(channels, down * size, across * size, count)
        return dx

    return np.take_along_axis(squares, first, axis=-1)[..., 0], backward


def _add_windows(windows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The image in which overlapping windows (C, k, k, H', W', N) are added up (col2im)."""
    image = np.zeros(shape, windows.dtype)
    kernel, height, width = windows.shape[2:5]
    for row in range(kernel):
        for column in range(kernel):
            rows = slice(row, row + stride * height, stride)
            columns = slice(column, column + stride * width, stride)
            image[:, rows, columns] += windows[:, row, column]
    return image
