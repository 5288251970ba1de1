"""Max and average pooling. NumPy's goes over the taps of the window: whole strided arrays each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from tests.cases.pool import BENCH, PoolCase

from bench.kernels import aims
from bench.kernels.kernel import (
    SHARD,
    Array,
    Builder,
    Kernel,
    mask_of,
    normal,
    request,
    sized,
    traffic,
)
from bench.kernels.limits import fitting, with_cached


class TapPool:
    """Pooling of x [N, H, W, C]; padding is the smallest number, or left out of the mean."""

    def __init__(self, case: PoolCase, x: Array) -> None:
        top, bottom, left, right = case.padding
        self.widths = ((0, 0), (top, bottom), (left, right), (0, 0))
        self.inside = np.s_[:, top : top + x.shape[1], left : left + x.shape[2]]
        self.shape = (len(x), x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3])
        (ky, kx), (sy, sx) = case.size, case.strides
        high = (self.shape[1] - ky) // sy * sy + 1
        wide = (self.shape[2] - kx) // sx * sx + 1
        self.taps = [
            np.s_[:, i : i + high : sy, j : j + wide : sx] for i in range(ky) for j in range(kx)
        ]
        self.x, self.padded = x, any(case.padding)
        ones = np.pad(np.ones((1, *x.shape[1:3], 1), np.float32), self.widths)
        self.share = 1 / sum(ones[tap] for tap in self.taps)
        padded = self._pad(-np.inf)
        self.winner = np.stack([padded[tap] for tap in self.taps]).argmax(0)

    def _pad(self, value: float) -> Array:
        return np.pad(self.x, self.widths, constant_values=value) if self.padded else self.x

    def max(self) -> Array:
        x = self._pad(-np.inf)
        y = x[self.taps[0]].copy()
        for tap in self.taps[1:]:
            np.maximum(y, x[tap], out=y)
        return y

    def mean(self) -> Array:
        x = self._pad(0)
        y = x[self.taps[0]].copy()
        for tap in self.taps[1:]:
            y += x[tap]
        y *= self.share
        return y

    def max_backward(self, dy: Array) -> Array:
        dx = np.zeros(self.shape, np.float32)
        for i, tap in enumerate(self.taps):
            dx[tap] += dy * (self.winner == i)
        return dx[self.inside]

    def mean_backward(self, dy: Array) -> Array:
        dx, share = np.zeros(self.shape, np.float32), dy * self.share
        for tap in self.taps:
            dx[tap] += share
        return dx[self.inside]


class GlobalPool:
    """One window as large as the image."""

    def __init__(self, case: PoolCase, x: Array) -> None:
        self.x, self.pixels = x, x.reshape(len(x), -1, x.shape[3])
        self.winner = self.pixels.argmax(1)[:, None, None, :]

    def max(self) -> Array:
        return self.x.max(axis=(1, 2), keepdims=True)

    def mean(self) -> Array:
        return self.x.mean(axis=(1, 2), keepdims=True)

    def max_backward(self, dy: Array) -> Array:
        dx = np.zeros_like(self.pixels)
        np.put_along_axis(dx, self.winner[:, 0], dy[:, 0], axis=1)
        return dx.reshape(self.x.shape)

    def mean_backward(self, dy: Array) -> Array:
        return np.broadcast_to(dy / self.pixels.shape[1], self.x.shape).copy()


def pools(case: PoolCase) -> Iterator[Kernel]:
    x = normal(case.batch, *case.shape)
    numpy = (GlobalPool if case.size == case.shape[:2] else TapPool)(case, x)
    dy = normal(*numpy.winner.shape, seed=1)
    attrs, back = case.attrs, case.attrs | {"image": list(case.shape[:2])}

    def keep_mask(g, x, dy):
        y = g.add("max_pool", [x], attrs)[0]
        return dy, y, mask_of(y)

    def kernel(kind, direction, *arguments, **settings):
        return Kernel(
            f"{case.name} {kind} {direction}",
            *arguments,
            moved=traffic(x, dy),
            aim=aims.MEMORY,
            request=request(f"{kind}_pool", direction, attrs, x=x, y=dy),
            **settings,
        )

    yield kernel("max", "forward", lambda g, x: g.add("max_pool", [x], attrs), numpy.max, [x])
    yield kernel(
        "max",
        "backward",
        lambda g, dy, y, mask: g.add("max_pool_backward", [dy, mask], back),
        lambda: numpy.max_backward(dy),
        [x, dy],
        before=keep_mask,
    )
    yield kernel("average", "forward", lambda g, x: g.add("avg_pool", [x], attrs), numpy.mean, [x])
    yield kernel(
        "average",
        "backward",
        lambda g, dy: g.add("avg_pool_backward", [dy], back),
        lambda: numpy.mean_backward(dy),
        [dy],
    )


def in_cache(case: PoolCase) -> PoolCase:
    """A case whose images a cache holds: fewer channels, and smaller where windows are."""
    *size, channels = case.shape
    channels = min(channels, 16)
    if case.size != case.shape[:2]:
        size = fitting((size[0], size[1]), channels)
    return replace(case, batch=SHARD, shape=(*size, channels))


def kernels(batch: int | None = None) -> list[Builder]:
    return [with_cached(pools, case, in_cache(case)) for case in sized(BENCH, batch)]
