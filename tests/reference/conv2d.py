"""Two-dimensional convolution, written as its definition: a sum over taps, in float64."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def _taps(x, w, strides, padding, dilation, groups):
    """Yields (ky, kx, rows, columns): the slices of the padded input that tap (ky, kx) reads."""
    kh, kw = w.shape[:2]
    top, bottom, left, right = padding
    height = (x.shape[1] + top + bottom - (kh - 1) * dilation[0] - 1) // strides[0] + 1
    width = (x.shape[2] + left + right - (kw - 1) * dilation[1] - 1) // strides[1] + 1
    for ky in range(kh):
        for kx in range(kw):
            y0, x0 = ky * dilation[0], kx * dilation[1]
            rows = slice(y0, y0 + (height - 1) * strides[0] + 1, strides[0])
            columns = slice(x0, x0 + (width - 1) * strides[1] + 1, strides[1])
            yield ky, kx, rows, columns


def _pad(x, padding):
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def conv2d(
    x, w, b=None, *, strides=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1
) -> Array:
    """x [N, H, W, C], w [KH, KW, C / groups, OC] -> [N, OH, OW, OC]."""
    padded = _pad(x, padding)
    inputs, outputs = w.shape[2], w.shape[3] // groups
    total = None
    for ky, kx, rows, columns in _taps(x, w, strides, padding, dilation, groups):
        patch = padded[:, rows, columns]
        parts = [
            patch[..., g * inputs : (g + 1) * inputs]
            @ w[ky, kx, :, g * outputs : (g + 1) * outputs]
            for g in range(groups)
        ]
        term = np.concatenate(parts, axis=-1)
        total = term if total is None else total + term
    return total if b is None else total + b


def conv2d_backward(
    x, w, b, dy, *, strides=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1
):
    """Gradients of sum(conv2d(x, w, b) * dy) for x, w and b."""
    padded = _pad(x, padding)
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    inputs, outputs = w.shape[2], w.shape[3] // groups
    for ky, kx, rows, columns in _taps(x, w, strides, padding, dilation, groups):
        for g in range(groups):
            i, o = slice(g * inputs, (g + 1) * inputs), slice(g * outputs, (g + 1) * outputs)
            dx[:, rows, columns, i] += dy[..., o] @ w[ky, kx, :, o].T
            dw[ky, kx, :, o] = np.einsum("nhwi,nhwo->io", padded[:, rows, columns, i], dy[..., o])
    top, _, left, _ = padding
    dx = dx[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw, None if b is None else dy.sum(axis=(0, 1, 2))


def pool2x2(y, kind):
    """Non-overlapping 2x2 pooling of [N, H, W, C]; an odd last row or column is left out."""
    n, h, w, c = y.shape
    blocks = y[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c)
    return blocks.max(axis=(2, 4)) if kind == "max" else blocks.mean(axis=(2, 4))


def unpool2x2(y, dz, kind):
    """Gradient of pool2x2(y) for y: to the first of the largest, or in equal parts."""
    n, h, w, c = y.shape
    ph, pw = h // 2, w // 2
    blocks = (
        y[:, : ph * 2, : pw * 2]
        .reshape(n, ph, 2, pw, 2, c)
        .transpose(0, 1, 3, 5, 2, 4)
        .reshape(n, ph, pw, c, 4)
    )
    share = np.eye(4)[blocks.argmax(axis=-1)] if kind == "max" else np.full(blocks.shape, 0.25)
    spread = (share * dz[..., None]).reshape(n, ph, pw, c, 2, 2).transpose(0, 1, 4, 2, 5, 3)
    dy = np.zeros_like(y)
    dy[:, : ph * 2, : pw * 2] = spread.reshape(n, ph * 2, pw * 2, c)
    return dy
