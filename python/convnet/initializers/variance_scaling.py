"""Initializers whose spread follows from the fans of the weight: Glorot, He, LeCun."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convnet import random
from convnet.initializers.random import RandomInitializer
from convnet.random import Seed, Shape

Axes = Sequence[int] | None

# Standard deviation of a unit normal distribution cut at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")


def compute_fans(
    shape: Shape, input_axes: Axes = None, output_axes: Axes = None
) -> tuple[int, int]:
    """Gives the numbers of inputs and outputs of one unit, `(fan_in, fan_out)`.

    Args:
        shape: Shape of the weight: `(inputs, outputs)` or `(*kernel, inputs, outputs)`.
        input_axes: Axes that count as inputs, if not those.
        output_axes: Axes that count as outputs, if not those.

    Example:

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class VarianceScaling(RandomInitializer):
    """Draws with the variance `scale / fan`.

    Args:
        scale: Positive factor.
        mode: Which fan: `"fan_in"`, `"fan_out"` or `"fan_avg"`, their mean.
        distribution: `"truncated_normal"` (cut at two standard deviations; also `"normal"`),
            `"untruncated_normal"` or `"uniform"` over `[-limit, limit)`, `limit = sqrt(3 * scale /
            fan)`.
        seed: See `RandomInitializer`.
        input_axes: Axes of the weight that count as inputs, by default the one before the last.
        output_axes: Axes of the weight that count as outputs, by default the last.

    Raises:
        ValueError: If `scale` is not positive, or `mode` or `distribution` is not known.

    Example:

    >>> values = VarianceScaling(2.0, "fan_out", seed=1)((100, 200))
    >>> bool(abs(values.std() - 0.1) < 0.002)
    True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Axes = None,
        output_axes: Axes = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        self.scale = scale
        self.mode = _checked("mode", mode, _MODES)
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        self.distribution = _checked("distribution", distribution, _DISTRIBUTIONS)
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        variance = self._variance(shape)
        if self.distribution == "truncated_normal":
            stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
            return random.truncated_normal(shape, 0.0, stddev, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        limit = math.sqrt(3.0 * variance)
        return random.uniform(shape, -limit, limit, dtype, self.seed)

    def filler(self, shape: Shape) -> Callable[[NDArray[np.float32]], None] | None:
        if self.distribution != "uniform":
            return None
        limit = math.sqrt(3.0 * self._variance(shape))
        return random.uniform_filler(-limit, limit, self.seed)

    def _variance(self, shape: Shape) -> float:
        return self.scale / max(1.0, self._fan(shape))

    def _fan(self, shape: Shape) -> float:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        if self.mode == "fan_avg":
            return (fan_in + fan_out) / 2.0
        return fan_in if self.mode == "fan_in" else fan_out

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Fixed(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution belong to the class."""

    _arguments: tuple[float, str, str]

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(*self._arguments, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Fixed):
    """Uniform over `[-limit, limit)`, `limit = sqrt(6 / (fan_in + fan_out))`.

    Also called Xavier uniform (Glorot and Bengio, AISTATS 2010).

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:

    >>> bool(abs(GlorotUniform(seed=1)((3, 3))).max() < 1.0)
    True
    """

    _arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Fixed):
    """Truncated normal of standard deviation `sqrt(2 / (fan_in + fan_out))`.

    Also called Xavier normal (Glorot and Bengio, AISTATS 2010).

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:

    >>> bool(abs(GlorotNormal(seed=1)((100, 100)).std() - 0.1) < 0.002)
    True
    """

    _arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Fixed):
    """Uniform over `[-limit, limit)`, `limit = sqrt(6 / fan_in)` (He et al., ICCV 2015).

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:

    >>> bool(abs(HeUniform(seed=1)((6, 3))).max() < 1.0)
    True
    """

    _arguments = (2.0, "fan_in", "uniform")


class HeNormal(_Fixed):
    """Truncated normal of standard deviation `sqrt(2 / fan_in)` (He et al., ICCV 2015).

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:

    >>> bool(abs(HeNormal(seed=1)((200, 100)).std() - 0.1) < 0.002)
    True
    """

    _arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Fixed):
    """Uniform over `[-limit, limit)`, `limit = sqrt(3 / fan_in)` (Klambauer et al., NIPS 2017).

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:

    >>> bool(abs(LecunUniform(seed=1)((3, 3))).max() < 1.0)
    True
    """

    _arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_Fixed):
    """Truncated normal of standard deviation `sqrt(1 / fan_in)` (Klambauer et al., NIPS 2017).

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    Example:

    >>> bool(abs(LecunNormal(seed=1)((100, 100)).std() - 0.1) < 0.002)
    True
    """

    _arguments = (1.0, "fan_in", "truncated_normal")


def _checked(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"Invalid `{name}` argument: {value}. Please use one of {allowed}")
    return value
