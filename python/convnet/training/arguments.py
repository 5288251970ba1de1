"""Checks of the arguments of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral
from typing import Any


def check_positive(**values: Any) -> None:
    """Raise unless each argument is None or a positive integer.

    Raises:
        ValueError: naming the argument.

    >>> check_positive(batch_size=32, steps=None)
    """
    for name, value in values.items():
        if value is not None and (not _is_integer(value) or value < 1):
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected a positive integer. "
                f"Received: {name}={value!r}"
            )


def check_epochs(**values: Any) -> None:
    """Raise unless each argument is an integer.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in values.items():
        if not _is_integer(value):
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected an integer. "
                f"Received: {name}={value!r}"
            )


def check_verbose(verbose: Any) -> None:
    """Raise unless `verbose` is `"auto"`, 0, 1 or 2.

    Raises:
        ValueError: if it is not.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(
            "Invalid value for argument `verbose`. Expected 'auto', 0, 1 or 2. "
            f"Received: verbose={verbose!r}"
        )


def check_frequency(frequency: Any) -> None:
    """Raise unless `validation_freq` is a positive integer or a collection of epochs.

    Raises:
        ValueError: if it is not.
    """
    if _is_integer(frequency):
        check_positive(validation_freq=frequency)
    elif not isinstance(frequency, Collection) or isinstance(frequency, str):
        raise ValueError(
            "Expected `validation_freq` to be a list or int. "
            f"Received: validation_freq={frequency!r} of the type {type(frequency)}."
        )


def check_share(share: Any) -> None:
    """Raise unless `validation_split` is from 0 to 1, excluded.

    Raises:
        ValueError: if it is not.
    """
    if not isinstance(share, (int, float)) or not 0 <= share < 1:
        raise ValueError(
            f"`validation_split` must be between 0 and 1. Received: validation_split={share!r}"
        )


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
