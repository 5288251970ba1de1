"""Random numbers: seeds, seed generators, draws.

Every draw is a pure function of a pair `[seed, counter]`, from which a counter-based generator
starts (Philox, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the core's
for uniform draws, with which large weights begin, NumPy's for others.
"""

import random as python_random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convnet import _core
from convnet.naming import auto_name

Shape = Sequence[int]

_global_generator: "SeedGenerator | None" = None
# Inside of `preserved`: the generators that were drawn from, with their states before.
_drawn: ContextVar["dict[int, tuple[SeedGenerator, NDArray[np.int64]]] | None"] = ContextVar(
    "convnet_drawn", default=None
)


class SeedGenerator:
    """A stream of seeds: each draw made with it gets the next one.

    Args:
        seed: Integer. By default one is drawn from Python's `random`.
        name: Name of the generator.

    Raises:
        ValueError: If `seed` is not an integer.

    Example:

    >>> generator = SeedGenerator(seed=42)
    >>> first, second = normal((2,), seed=generator), normal((2,), seed=generator)
    >>> bool((first == second).any())
    False
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        if not _is_integer(seed):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed}")
        self.state: NDArray[np.int64] = np.array([seed, 0], dtype=np.int64)

    def next(self, ordered: bool = True) -> NDArray[np.int64]:
        """Gives the current `[seed, counter]` and moves the counter on by one.

        Args:
            ordered: Accepted for Keras's sake; seeds are always in order.
        """
        seed = self.state.copy()
        drawn = _drawn.get()
        if drawn is not None:
            drawn.setdefault(id(self), (self, seed))
        self.state[1] += 1
        return seed.copy()

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the generator at its first seed."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SeedGenerator":
        """Builds a generator from `get_config`'s dict."""
        return cls(**config)


Seed = int | SeedGenerator | None


def make_default_seed() -> int:
    """Draws a seed from Python's `random`, which `set_random_seed` makes reproducible."""
    return python_random.randint(1, int(1e9))


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy's global generator and convnet's own seeds.

    After it, models built and trained by the same statements have the same weights, bit by bit.

    Args:
        seed: Integer.

    Raises:
        ValueError: If `seed` is not an integer.

    Example:

    >>> set_random_seed(1)
    >>> first = uniform((3,))
    >>> set_random_seed(1)
    >>> bool((first == uniform((3,))).all())
    True
    """
    global _global_generator
    if not _is_integer(seed):
        raise ValueError(
            "Expected `seed` argument to be an integer. "
            f"Received: seed={seed} (of type {type(seed)})"
        )
    python_random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    _global_generator = None


def global_seed_generator() -> SeedGenerator:
    """Gives the generator behind draws without a seed of their own."""
    global _global_generator
    if _global_generator is None:
        _global_generator = SeedGenerator(name="global_seed_generator")
    return _global_generator


def draw_seed(seed: Seed = None) -> NDArray[np.int64]:
    """Gives the `[seed, counter]` of one draw.

    Args:
        seed: An integer (always the same draw), a `SeedGenerator` (its next draw) or None (the
            next draw of the global generator).

    Raises:
        ValueError: If `seed` is something else.

    Example:

    >>> draw_seed(7).tolist()
    [7, 0]
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        return global_seed_generator().next()
    if _is_integer(seed):
        return np.array([seed, 0], dtype=np.int64)
    raise ValueError(
        "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
        f"Received: seed={seed} (of type {type(seed)})"
    )


@contextmanager
def preserved() -> Iterator[None]:
    """Puts seeds back, after a `with` block, to where they were before it.

    Example:

    >>> generator = SeedGenerator(seed=42)
    >>> with preserved():
    ...     first = normal((2,), seed=generator)
    >>> bool((first == normal((2,), seed=generator)).all())
    True
    """
    global _global_generator
    outer, state = _global_generator, python_random.getstate()
    drawn: dict[int, tuple[SeedGenerator, NDArray[np.int64]]] = {}
    token = _drawn.set(drawn)
    try:
        yield
    finally:
        _drawn.reset(token)
        for generator, seed in drawn.values():
            generator.state[:] = seed
        _global_generator = outer
        python_random.setstate(state)


def normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> NDArray[Any]:
    """Draws from a normal distribution.

    Args:
        shape: Shape of the array.
        mean: Its mean.
        stddev: Its standard deviation.
        dtype: A float type, by default float32.
        seed: See `draw_seed`.

    Example:

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    draws = _generator(seed).standard_normal(tuple(shape), dtype=np.float32)
    return _scaled(draws, stddev, mean, dtype)


def truncated_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> NDArray[Any]:
    """Draws from a normal distribution, again where a draw is over two standard deviations off.

    Args:
        shape: Shape of the array.
        mean: Mean of the distribution.
        stddev: Standard deviation before truncation; 0.8796 of it remains.
        dtype: A float type, by default float32.
        seed: See `draw_seed`.

    Example:

    >>> bool((abs(truncated_normal((1000,), seed=1)) <= 2).all())
    True
    """
    generator = _generator(seed)
    draws = generator.standard_normal(tuple(shape), dtype=np.float32)
    while (rejected := np.abs(draws) > 2.0).any():
        draws[rejected] = generator.standard_normal(int(rejected.sum()), dtype=np.float32)
    return _scaled(draws, stddev, mean, dtype)


def uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> NDArray[Any]:
    """Draws from the uniform distribution over `[minval, maxval)`.

    Args:
        shape: Shape of the array.
        minval: Lower bound, included.
        maxval: Upper bound, excluded.
        dtype: A float type, by default float32.
        seed: See `draw_seed`.

    Example:

    >>> bool((uniform((100,), 2.0, 3.0, seed=1) >= 2.0).all())
    True
    """
    draws = np.empty(tuple(shape), np.float32)
    uniform_filler(minval, maxval, seed)(draws)
    return draws.astype(np.dtype(dtype or np.float32), copy=False)


def uniform_filler(
    minval: float, maxval: float, seed: Seed = None
) -> Callable[[NDArray[np.float32]], None]:
    """Settles a draw of `uniform` that is made later.

    Args:
        minval: Lower bound, included.
        maxval: Upper bound, excluded.
        seed: See `draw_seed`.

    Returns:
        A function that fills an array with it.

    Example:

    >>> fill, numbers = uniform_filler(2.0, 3.0, seed=1), np.zeros(100, "float32")
    >>> fill(numbers)
    >>> bool((numbers == uniform((100,), 2.0, 3.0, seed=1)).all())
    True
    """
    return partial(_core.fill_uniform, key=_key(seed), scale=maxval - minval, offset=minval)


def randint(
    shape: Shape, minval: int, maxval: int, dtype: DTypeLike = "int32", seed: Seed = None
) -> NDArray[Any]:
    """Draws integers from `minval` (included) to `maxval` (excluded).

    Args:
        shape: Shape of the array.
        minval: Lower bound, included.
        maxval: Upper bound, excluded.
        dtype: An integer type.
        seed: See `draw_seed`.

    Example:

    >>> int(randint((100,), 0, 10, seed=1).max())
    9
    """
    draws = _generator(seed).integers(minval, maxval, size=tuple(shape))
    return draws.astype(np.dtype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> NDArray[Any]:
    """Gives a copy of `x` in random order along `axis`.

    Args:
        x: Array.
        axis: Axis to shuffle.
        seed: See `draw_seed`.

    Example:

    >>> sorted(shuffle([3, 1, 2], seed=1).tolist())
    [1, 2, 3]
    """
    return _generator(seed).permutation(np.asarray(x), axis=axis)


def _generator(seed: Seed) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=_key(seed)))


def _key(seed: Seed) -> NDArray[np.uint64]:
    return draw_seed(seed).astype(np.uint64)


def _scaled(
    draws: NDArray[np.float32], scale: float, offset: float, dtype: DTypeLike | None
) -> NDArray[Any]:
    draws *= np.float32(scale)
    draws += np.float32(offset)
    return draws.astype(np.dtype(dtype or np.float32), copy=False)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
