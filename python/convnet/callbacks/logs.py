"""What callbacks are told: names and plain Python numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Logs = dict[str, Any]


def pythonify_logs(logs: Mapping[str, Any] | None) -> Logs:
    """Copies logs in alphabetical order, with numbers as plain floats.

    Args:
        logs: Values by name. A nested dictionary is flattened; arrays with axes are kept.

    Returns:
        A new dictionary, so that what a callback does to it changes nothing else.

    Example:

    >>> import numpy as np
    >>> pythonify_logs({"loss": np.float32(0.5), "accuracy": 1})
    {'accuracy': 1.0, 'loss': 0.5}
    """
    plain: Logs = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, Mapping):
            plain.update(pythonify_logs(value))
        else:
            plain[name] = _to_float(value)
    return plain


def _to_float(value: Any) -> Any:
    if getattr(value, "ndim", 0) > 0:
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
