"""Pooling of images [.., H, W, C], in float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Array = np.ndarray
Windows = Iterator[tuple[tuple[int, int], tuple[slice, slice]]]


def windows(
    shape: Sequence[int], size: Sequence[int], strides: Sequence[int], padding: Sequence[int]
) -> Windows:
    """Place in the result and extent in an image of `shape` of each window; padding is left out."""
    top, bottom, left, right = padding
    high = (shape[0] + top + bottom - size[0]) // strides[0] + 1
    wide = (shape[1] + left + right - size[1]) // strides[1] + 1
    for oy, ox in np.ndindex(high, wide):
        y, x = oy * strides[0] - top, ox * strides[1] - left
        rows = slice(max(y, 0), min(y + size[0], shape[0]))
        yield (oy, ox), (rows, slice(max(x, 0), min(x + size[1], shape[1])))


def _result(x: Array, size: Sequence[int], strides: Sequence[int], padding: Sequence[int]) -> Array:
    last = max(place for place, _ in windows(x.shape[-3:-1], size, strides, padding))
    return np.zeros((*x.shape[:-3], last[0] + 1, last[1] + 1, x.shape[-1]))


def pool(function, x: Array, size, strides, padding) -> Array:
    """`function` (np.max or np.mean) of each window."""
    y = _result(x, size, strides, padding)
    for (oy, ox), (rows, columns) in windows(x.shape[-3:-1], size, strides, padding):
        y[..., oy, ox, :] = function(x[..., rows, columns, :], axis=(-3, -2))
    return y


def max_pool_backward(x: Array, dy: Array, size, strides, padding) -> Array:
    """Gradients go to the first of the largest elements of a window, in row-major order."""
    dx = np.zeros(x.shape)
    for (oy, ox), (rows, columns) in windows(x.shape[-3:-1], size, strides, padding):
        part = x[..., rows, columns, :]
        flat = part.reshape(*part.shape[:-3], -1, part.shape[-1])
        hot = np.arange(flat.shape[-2])[:, None] == flat.argmax(axis=-2)[..., None, :]
        dx[..., rows, columns, :] += (hot * dy[..., oy, ox, None, :]).reshape(part.shape)
    return dx


def avg_pool_backward(x: Array, dy: Array, size, strides, padding) -> Array:
    dx = np.zeros(x.shape)
    for (oy, ox), (rows, columns) in windows(x.shape[-3:-1], size, strides, padding):
        count = (rows.stop - rows.start) * (columns.stop - columns.start)
        dx[..., rows, columns, :] += dy[..., oy, ox, None, None, :] / count
    return dx
