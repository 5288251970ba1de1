"""Initializers that draw from a distribution given directly."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convnet import random
from convnet.initializers.initializer import Initializer
from convnet.random import Seed, SeedGenerator, Shape


class RandomInitializer(Initializer):
    """Base of the initializers that draw.

    Args:
        seed: An integer, a `SeedGenerator` (a new draw each call) or None (a seed drawn now). With
            an integer or None every call of this object gives the same values.

    Raises:
        ValueError: If `seed` is something else.
    """

    def __init__(self, seed: Seed | dict[str, Any] = None) -> None:
        self._init_seed = _generator_from(seed) if isinstance(seed, dict) else seed
        self.seed = random.make_default_seed() if seed is None else self._init_seed
        if not isinstance(self.seed, int | np.integer | SeedGenerator):
            raise ValueError(
                "`seed` argument should be an instance of `keras.random.SeedGenerator()` or an "
                f"integer. Received: seed={seed}"
            )

    def get_config(self) -> dict[str, Any]:
        return {"seed": _seed_config(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Draws from a normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation.
        seed: See `RandomInitializer`.

    Example:

    >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Draws from a normal distribution cut at two standard deviations.

    Args:
        mean: Its mean.
        stddev: Its standard deviation before the cut.
        seed: See `RandomInitializer`.

    Example:

    >>> bool((abs(TruncatedNormal(stddev=0.1, seed=1)((1000,))) <= 0.2).all())
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Draws from the uniform distribution over `[minval, maxval)`.

    Args:
        minval: Lower bound, included.
        maxval: Upper bound, excluded.
        seed: See `RandomInitializer`.

    Example:

    >>> bool((RandomUniform(0.0, 1.0, seed=1)((1000,)) < 1.0).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed=seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def filler(self, shape: Shape) -> Callable[[NDArray[np.float32]], None] | None:
        return random.uniform_filler(self.minval, self.maxval, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


def _generator_from(config: dict[str, Any]) -> SeedGenerator:
    if config.get("class_name") != "SeedGenerator":
        raise ValueError(
            "Invalid value for argument `seed`. Expected the config of a `SeedGenerator`. "
            f"Received: seed={config}"
        )
    return SeedGenerator.from_config(config["config"])


def _seed_config(seed: Seed) -> Any:
    if not isinstance(seed, SeedGenerator):
        return seed
    return {
        "module": "keras.random",
        "class_name": "SeedGenerator",
        "config": seed.get_config(),
        "registered_name": None,
    }
