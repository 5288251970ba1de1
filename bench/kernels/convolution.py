"""Convolutions: plain, strided, dilated, depthwise, one-dimensional, transposed, and under a pool.

NumPy's: one matrix product with the patches (im2col), its transpose and the sum of patches back to
pixels for the gradients; depthwise ones as a sum over taps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from tests.cases import conv2d as cases
from tests.cases.conv2d import Conv2DCase

from bench.kernels import aims
from bench.kernels.kernel import SHARD, Array, Builder, Kernel, normal, request, sized
from bench.kernels.limits import fitting, with_cached

NETS = [*cases.ALEXNET, *cases.VGG16, *cases.RESNET50, *cases.GOOGLENET]
PLAIN = [*cases.MNIST, *cases.LENET5, *cases.CIFAR, *cases.EMOTION, *cases.OTHER, *NETS]
ALONE = ("lenet5_conv2", "emotion_conv2", "alexnet_conv3", "vgg16_conv3_2", "resnet50_conv4_3x3")
ALONE += ("mobilenet_depthwise4", "mobilenet_depthwise7")


class NumpyConvolution:
    """A convolution of one case; `taps` are where each tap reads the padded input."""

    def __init__(self, case: Conv2DCase) -> None:
        self.case = case
        top, bottom, left, right = case.padding
        self.padded = case.size[0] + top + bottom, case.size[1] + left + right
        spans = [(k - 1) * d + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
        self.out = tuple(
            (p - s) // step + 1 for p, s, step in zip(self.padded, spans, case.strides, strict=True)
        )
        self.taps = [
            (slice(None), *(self._reach(i, k) for i, k in enumerate(tap)))
            for tap in np.ndindex(*case.kernel)
        ]

    def _reach(self, axis: int, tap: int) -> slice:
        first, step = tap * self.case.dilation[axis], self.case.strides[axis]
        return slice(first, first + (self.out[axis] - 1) * step + 1, step)

    @property
    def inside(self) -> float:
        """Share of the products that are none with padding."""
        share = 1.0
        for axis, size in enumerate(self.case.size):
            before, step = self.case.padding[2 * axis], self.case.strides[axis]
            taps = np.arange(self.case.kernel[axis]) * self.case.dilation[axis] - before
            reads = np.arange(self.out[axis])[:, None] * step + taps
            share *= float(((reads >= 0) & (reads < size)).mean())
        return share

    def pad(self, x: Array) -> Array:
        top, bottom, left, right = self.case.padding
        widths = ((0, 0), (top, bottom), (left, right), (0, 0))
        return np.pad(x, widths) if any(self.case.padding) else x

    def crop(self, padded: Array) -> Array:
        top, _, left, _ = self.case.padding
        return padded[:, top : top + self.case.size[0], left : left + self.case.size[1]]

    def patches(self, x: Array) -> Array:
        """[N OH OW, KH KW C]."""
        case, padded = self.case, self.pad(x)
        spans = [(k - 1) * d + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
        windows = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=(1, 2))
        (sy, sx), (dy, dx) = case.strides, case.dilation
        windows = windows[:, ::sy, ::sx, :, ::dy, ::dx]
        taps = case.kernel[0] * case.kernel[1] * case.channels
        return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, taps)

    def forward(self, x: Array, w: Array) -> Array:
        if self.case.groups > 1:
            padded, by_tap = self.pad(x), w.reshape(len(self.taps), -1)
            return sum(padded[t] * by_tap[i] for i, t in enumerate(self.taps))
        y = self.patches(x) @ w.reshape(-1, self.case.filters)
        return y.reshape(len(x), *self.out, self.case.filters)

    def backward_input(self, dy: Array, w: Array) -> Array:
        case = self.case
        dx = np.zeros((len(dy), *self.padded, case.channels), np.float32)
        if case.groups > 1:
            by_tap = w.reshape(len(self.taps), -1)
            for i, tap in enumerate(self.taps):
                dx[tap] += dy * by_tap[i]
            return self.crop(dx)
        columns = dy.reshape(-1, case.filters) @ w.reshape(-1, case.filters).T
        columns = columns.reshape(*dy.shape[:3], len(self.taps), case.channels)
        for i, tap in enumerate(self.taps):
            dx[tap] += columns[:, :, :, i]
        return self.crop(dx)

    def backward_weight(self, x: Array, dy: Array) -> Array:
        case = self.case
        if case.groups > 1:
            padded = self.pad(x)
            by_tap = [np.einsum("nhwc,nhwc->c", padded[tap], dy) for tap in self.taps]
            return np.stack(by_tap).reshape(*case.kernel, 1, case.filters)
        dw = self.patches(x).T @ dy.reshape(-1, case.filters)
        return dw.reshape(*case.kernel, case.channels, case.filters)


def convolution(case: Conv2DCase) -> list[Kernel]:
    """Forward, gradient for the input and gradient for the weights."""
    numpy = NumpyConvolution(case)
    x = normal(case.batch, *case.size, case.channels)
    w = normal(*case.kernel, case.channels // case.groups, case.filters, seed=1)
    dy = normal(case.batch, *numpy.out, case.filters, seed=2)
    back = case.attrs | {"size": list(case.size)}
    to_weight = case.attrs | {"kernel": list(case.kernel)}
    direct = {"algorithm": "direct"}

    def forward(attrs):
        return lambda g, x, w: g.add("conv2d", [x, w, None], attrs)[:1]

    def backward_input(attrs):
        return lambda g, dy, w: g.add("conv2d_backward_input", [dy, w], attrs)

    def kernel(direction, *arguments, **settings):
        flops = 2.0 * dy.size * w[..., 0].size
        return Kernel(
            f"{case.name} {direction}",
            *arguments,
            flops=flops,
            executed=flops * numpy.inside,
            aim=aims.convolution(direction, case.channels, case.groups),
            request=request("conv2d", direction, case.attrs, x=x, w=w, y=dy),
            **settings,
        )

    return [
        kernel(
            "forward",
            forward(case.attrs),
            lambda: numpy.forward(x, w),
            [x],
            [w],
            direct=forward(case.attrs | direct),
        ),
        kernel(
            "backward_input",
            backward_input(back),
            lambda: numpy.backward_input(dy, w),
            [dy],
            [w],
            direct=backward_input(back | direct),
        ),
        kernel(
            "backward_weight",
            lambda g, x, dy: g.add("conv2d_backward_weight", [x, dy], to_weight),
            lambda: numpy.backward_weight(x, dy),
            [x, dy],
            before=lambda g, x, dy: (x, *g.add("live_only", [dy])),
        ),
    ]


def in_cache(case: Conv2DCase) -> Conv2DCase:
    """A case whose images, and up to 64 of their channels, a cache holds."""
    wide = max(case.channels, case.filters // (case.strides[0] * case.strides[1]))
    size = fitting(case.size, min(wide, 64))
    channels, filters = (min(c, 64) for c in (case.channels, case.filters))
    return replace(case, batch=SHARD, size=size, channels=channels, filters=filters)


def of_one_sample(case: Conv2DCase) -> list[Kernel]:
    """The forward pass with channels in lanes, as predictions on a few samples run it."""
    forward = convolution(replace(case, name=f"{case.name} of one sample", batch=1))[0]
    return [replace(forward, lanes=1, trains=False, aim=None)]


def transposed(case: Conv2DCase) -> Iterator[Kernel]:
    """The same kernels: a transposed convolution is the gradient of one for its input."""
    roles = ("backward_input", "forward", "backward_weight")
    for kernel, role in zip(convolution(case), roles, strict=True):
        yield replace(kernel, name=f"{case.name} {role}")


def under_max_pool(case: Conv2DCase) -> Iterator[Kernel]:
    """Convolution, ReLU and a 2x2 max pool in one kernel, and all of its gradients.

    NumPy is given the winners of the pool for the gradient, as the core is.
    """
    numpy = NumpyConvolution(case)
    x = normal(case.batch, *case.size, case.channels)
    w = normal(*case.kernel, case.channels, case.filters, seed=1)
    high, wide = numpy.out[0] // 2, numpy.out[1] // 2
    dz = normal(case.batch, high, wide, case.filters, seed=2)
    flops = 2.0 * case.batch * numpy.out[0] * numpy.out[1] * w.size
    corners = [np.s_[:, i : 2 * high : 2, j : 2 * wide : 2] for i in (0, 1) for j in (0, 1)]
    attrs = case.attrs | {"activation": "relu", "pool": "max"}

    def forward() -> Array:
        y = numpy.forward(x, w)
        z = np.maximum(y[corners[0]], 0)
        for corner in corners[1:]:
            np.maximum(z, y[corner], out=z)
        return z

    y = numpy.forward(x, w)
    quarters = np.stack([y[corner] for corner in corners])
    winner, alive = quarters.argmax(0), quarters.max(0) > 0

    def backward() -> tuple[Array, Array]:
        dy = np.zeros_like(y)
        dead_or_dz = dz * alive
        for i, corner in enumerate(corners):
            dy[corner] = dead_or_dz * (winner == i)
        return numpy.backward_input(dy, w), numpy.backward_weight(x, dy)

    asked = request("conv2d_relu_max_pool", "forward", case.attrs, x=x, w=w, y=dz)

    def pooled(g, x, w):
        return g.add("conv2d", [x, w, None], attrs)[:1]

    def gradients(g, x, dz, w, z):
        found = g.backward([], {z: dz}, [x])
        return found[x], found[w]

    name = f"{case.name} with relu and max pool"
    yield Kernel(f"{name} forward", pooled, forward, [x], [w], flops=flops, request=asked)
    yield Kernel(
        f"{name} backward",
        gradients,
        backward,
        [x, dz],
        [w],
        before=lambda g, x, dz, w: (x, dz, w, *pooled(g, x, w)),
        flops=2 * flops,
        request=asked | {"direction": "backward"},
        copies=1,
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [
        *(with_cached(convolution, case, in_cache(case)) for case in sized(PLAIN, batch)),
        *(partial(of_one_sample, case) for case in PLAIN if case.name in ALONE),
        *(with_cached(transposed, case, in_cache(case)) for case in sized(cases.TRANSPOSED, batch)),
        *(partial(under_max_pool, case) for case in sized(cases.MNIST, batch)),
    ]
