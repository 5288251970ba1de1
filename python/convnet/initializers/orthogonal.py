"""Orthogonal matrices."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convnet import _core, random
from convnet.initializers.random import RandomInitializer
from convnet.random import Seed, Shape


class Orthogonal(RandomInitializer):
    """Gives a random matrix with orthogonal columns (rows, where it is wider than high).

    It is the Q of the QR decomposition of a normal matrix, with signs that make it uniform over
    the orthogonal matrices (Saxe et al., ICLR 2014; Mezzadri, Notices of the AMS 54, 2007). A
    weight of more than two axes is treated as a matrix of its last axis against the others.

    Args:
        gain: Factor of the matrix.
        seed: See `RandomInitializer`.

    Raises:
        ValueError: On a call with a shape of less than two axes.

    Example:

    >>> q = Orthogonal(seed=1)((4, 3))
    >>> (q.T @ q).round(5).diagonal().tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. Received: "
                f"shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        draws = random.normal((max(rows, columns), min(rows, columns)), seed=self.seed)
        q = _core.orthonormal(draws)
        if rows < columns:
            q = q.T
        return np.asarray(self.gain * q.reshape(tuple(shape)), dtype or np.float32)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}
