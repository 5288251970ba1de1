"""What a layer computes with. convnet computes in float32; other policies are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

_ALIASES = {"float": "float32", "int": "int32", "half": "float16", "double": "float64"}
_LOWER_OR_HIGHER = frozenset({"bfloat16", "float16", "float64"})
_WHOLE = frozenset(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))
_KNOWN = _LOWER_OR_HIGHER | _WHOLE | {"float32", "bool", "string"}


def standardize_dtype(dtype: Any) -> str:
    """The name of a data type given as a name, a Python type or a NumPy type.

    Raises:
        ValueError: if it names no data type.

    >>> standardize_dtype(np.float32), standardize_dtype(int), standardize_dtype(None)
    ('float32', 'int32', 'float32')
    """
    if dtype is None:
        return "float32"
    if isinstance(dtype, str):
        name = dtype
    elif isinstance(dtype, type) and dtype in (bool, int, float):
        name = dtype.__name__
    else:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = str(dtype)
    name = _ALIASES.get(name, name)
    if name not in _KNOWN:
        raise ValueError(f"Invalid dtype: {dtype}")
    return name


class DTypePolicy:
    """The data types that a layer computes with and keeps its weights in.

    Args:
        name: A data type. Floating point policies other than float32 are refused: every kernel
            works in float32. Integer and string policies serve layers that pass data on.

    Raises:
        ValueError: if `name` is a mixed or a lower or higher precision policy.

    >>> DTypePolicy("float32").compute_dtype
    'float32'
    """

    quantization_mode = None

    def __init__(self, name: Any = "float32") -> None:
        self._name = str(name) if isinstance(name, str) else standardize_dtype(name)
        self._name = _ALIASES.get(self._name, self._name)
        if self._name not in _KNOWN - _LOWER_OR_HIGHER:
            raise ValueError(
                "Invalid value for argument `dtype`. Expected 'float32', the precision that "
                f"convnet computes in. Received: {name}"
            )

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The data type of a layer's inputs and outputs."""
        return self._name

    @property
    def variable_dtype(self) -> str:
        """The data type of a layer's weights."""
        return self._name

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, its name, a data type, its serialised form or None (float32)."""
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        config = identifier.get("config")
        identifier = config.get("name") if isinstance(config, dict) else identifier
    return DTypePolicy("float32" if identifier is None else identifier)


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """The form in which Keras stores a policy in a layer's config."""
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": policy.get_config(),
        "registered_name": None,
    }
