"""Convolution as fast as this machine multiplies matrices. The tricks of the network live here.

The textbook way (`digitprep.nn.textbook`) copies every window of an image into a column and multiplies
once: for a kernel of 5 that is 25 copies of the image. Three things make it quick:

**Expand the columns only.** `expand` writes the image k times, once a kernel column, into an array
(H', C, k, W', N) whose rows are image rows. k consecutive rows of it, seen as one matrix
(k * C * k, W' * N), hold every window of one output row: the kernel's rows come for free, as a view
that overlaps with the next one. So 5 copies instead of 25, each in long runs, the batch being last.

**Multiply row by row.** One stacked `np.matmul` makes all output rows, each a product small enough
to stay in the processor's caches, where BLAS is fastest.

**Everything is that product.** The gradient of the weights multiplies the same view with a transposed
copy of dy; the gradient of the image is a convolution of dy with the kernels turned around.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from digitprep.nn.scratch import empty

Array = NDArray[Any]


def expand(x: Array, kernel: int, stride: int, pad: int) -> Array:
    """(C, H, W, N) -> (H + 2 pad, C, kernel, W', N): a shifted copy of every row a kernel column."""
    channels, height, width, count = x.shape
    across = (width + 2 * pad - kernel) // stride + 1
    rows = empty((height + 2 * pad, channels, kernel, across, count), x.dtype)
    rows[:pad] = 0
    rows[height + pad :] = 0
    x = x.swapaxes(0, 1)
    for column in range(kernel):
        # The output columns first..last whose source, stride * i + column - pad, lies in the image.
        first = max(0, -((column - pad) // stride))
        last = min(across, (width - 1 + pad - column) // stride + 1)
        target = rows[pad : height + pad, :, column]
        target[:, :, :first] = 0
        target[:, :, max(last, first) :] = 0
        if last > first:
            start = stride * first + column - pad
            target[:, :, first:last] = x[:, :, start : stride * (last - 1) + column - pad + 1 : stride]
    return rows


def windows(rows: Array, kernel: int, stride: int) -> Array:
    """What `expand` made -> (H', kernel * C * kernel, W' * N): a matrix an output row, as a view."""
    height, channels, _, across, count = rows.shape
    down = (height - kernel) // stride + 1
    shape = (down, kernel * channels * kernel, across * count)
    strides = (stride * rows.strides[0], rows.strides[2], rows.itemsize)
    return as_strided(rows, shape, strides, writeable=False)


def multiply(weight: Array, seen: Array, count: int) -> Array:
    """Kernels (O, C, k, k) times `windows` -> (O, H', W', N)."""
    outputs, (down, _, wide) = len(weight), seen.shape
    y = empty((outputs, down, wide), seen.dtype)
    matrix = weight.transpose(0, 2, 1, 3).reshape(outputs, -1)
    np.matmul(matrix, seen, out=y.swapaxes(0, 1))
    return y.reshape(outputs, down, -1, count)


def convolve(x: Array, weight: Array, stride: int, pad: int) -> tuple[Array, Array]:
    """(C, H, W, N), kernels (O, C, k, k) -> (O, H', W', N), and the `windows` it was made from."""
    kernel = weight.shape[2]
    seen = windows(expand(x, kernel, stride, pad), kernel, stride)
    return multiply(weight, seen, x.shape[3]), seen


def weight_gradient(dy: Array, seen: Array, shape: tuple[int, ...]) -> Array:
    """From dy (O, H', W', N) and the `windows` of x the gradient of kernels of `shape` (O, C, k, k)."""
    outputs, channels, kernel, _ = shape
    down, inputs, wide = seen.shape
    # A plain product with a transposed copy is twice as fast as BLAS's own transposed product.
    turned = empty((down, wide, outputs), dy.dtype)
    turned[...] = dy.reshape(outputs, down, wide).transpose(1, 2, 0)
    products = np.matmul(seen, turned, out=empty((down, inputs, outputs), dy.dtype))
    summed: Array = products.sum(axis=0)
    return summed.reshape(kernel, channels, kernel, outputs).transpose(3, 1, 0, 2)


def image_gradient(dy: Array, weight: Array, shape: tuple[int, ...], stride: int, pad: int) -> Array:
    """From dy (O, H', W', N) and kernels (O, C, k, k) the gradient of an image of `shape` (C, H, W, N)."""
    kernel = weight.shape[2]
    if stride > 1:  # as if every position had been computed and only each stride-th one had mattered
        sides = (side + 2 * pad - kernel + 1 for side in shape[1:3])
        dense = np.zeros((len(dy), *sides, shape[3]), dy.dtype)
        dense[:, ::stride, ::stride] = dy
        dy = dense
    margin = kernel - 1 - pad
    if margin < 0:  # outputs that saw nothing but padding
        dy, margin = dy[:, -margin:margin, -margin:margin], 0
    turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)
    return convolve(dy, turned, 1, margin)[0]
