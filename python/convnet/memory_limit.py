"""A limit on the memory of new variables, for models whose description nobody vouches for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

_BYTES_PER_VALUE = 4

_left: ContextVar[list[int] | None] = ContextVar("bytes_left", default=None)


@contextmanager
def limit_variables(size: int) -> Iterator[None]:
    """Lets the variables made inside the block take at most `size` bytes.

    Args:
        size: The limit in bytes, all variables together.

    Example:

    >>> with limit_variables(1000):
    ...     charge((10**6, 10**6))
    Traceback (most recent call last):
    ValueError: A variable of shape (1000000, 1000000) takes 4000000000000 bytes, more than the \
1000 bytes that the file's weights leave for it.
    """
    token = _left.set([size])
    try:
        yield
    finally:
        _left.reset(token)


def charge(shape: Sequence[int]) -> None:
    """Counts a float32 variable of a shape towards the limit, if there is one.

    Args:
        shape: The shape.

    Raises:
        ValueError: If it does not fit.
    """
    left = _left.get()
    if left is None:
        return
    size = math.prod(shape) * _BYTES_PER_VALUE
    if size > left[0]:
        raise ValueError(
            f"A variable of shape {tuple(shape)} takes {size} bytes, more than the {left[0]} bytes "
            "that the file's weights leave for it."
        )
    left[0] -= size
