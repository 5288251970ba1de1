"""Reads the JSON of a model's config within limits that no real model reaches."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_BYTES = 32 * 2**20
MAX_DEPTH = 200
MAX_VALUES = 5_000_000
MAX_INTEGER = 2**63


def parse(text: str | bytes, what: str) -> dict[str, Any]:
    """Gives the dictionary that JSON text describes.

    Args:
        text: The JSON.
        what: What to call it in errors.

    Raises:
        ValueError: If it is no JSON, no dictionary, nested too deep, too large, or holds NaN or
            an integer beyond 64 bits.

    Example:

    >>> parse('{"units": NaN}', "config.json")
    Traceback (most recent call last):
    ValueError: Invalid config.json: NaN is not a number that a model can use.
    """
    if len(text) > MAX_BYTES:
        raise ValueError(f"Invalid {what}: expected at most {MAX_BYTES} bytes, got {len(text)}.")
    try:
        config = json.loads(text, parse_constant=_constant)
    except RecursionError:
        raise ValueError(f"Invalid {what}: it is nested too deep.") from None
    except ValueError as error:  # also of Unicode, and of numbers with thousands of digits
        raise ValueError(f"Invalid {what}: {error}.") from None
    _check(config, what)
    if not isinstance(config, dict):
        raise ValueError(f"Invalid {what}: expected a dictionary, got {type(config).__name__}.")
    return config


def _constant(name: str) -> float:
    if name == "NaN":
        raise ValueError("NaN is not a number that a model can use")
    return -math.inf if name.startswith("-") else math.inf


def _check(config: Any, what: str) -> None:
    level, depth, count = [config], 0, 0
    while level:
        depth += 1
        count += len(level)
        if depth > MAX_DEPTH or count > MAX_VALUES:
            raise ValueError(f"Invalid {what}: it is nested too deep or has too many values.")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, int) and abs(value) >= MAX_INTEGER:
                raise ValueError(f"Invalid {what}: the integer {value} is out of range.")
        level = below
