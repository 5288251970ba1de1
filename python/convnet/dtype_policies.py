"""What a layer computes with: float32, of which a GPU may round the operands of products.

convnet computes in float32. With the policy "mixed_bfloat16" a GPU rounds what it multiplies to
bfloat16 for its tensor cores; other policies are refused by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_ALIASES = {"float": "float32", "int": "int32", "half": "float16", "double": "float64"}
_LOWER_OR_HIGHER = frozenset({"bfloat16", "float16", "float64"})
_MIXED = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}
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

    With `"mixed_bfloat16"` weights, activations, sums, optimizers and results stay float32; in
    matrix products, convolutions and the gradients of both a GPU rounds the operands to bfloat16
    (8 significant bits, to the nearest even) for its tensor cores, and sums in float32. The
    sequential part of recurrent layers, and convolutions in groups of a few channels, are computed
    in float32 all the same. So are all on the CPU, which is more exact. Results are float32 where
    those of Keras are bfloat16.

    Args:
        name: `"float32"` or `"mixed_bfloat16"`; the global policy by default. Other floating point
            policies are refused. Integer and string policies serve layers that pass data on.

    Raises:
        TypeError: if `name` is no string.
        ValueError: if `name` is another floating point policy, or none.

    >>> DTypePolicy("float32").compute_dtype
    'float32'
    >>> policy = DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    quantization_mode = None

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(
                "'name' must be a string, such as 'mixed_bfloat16'. "
                f"Received: name={name} (of type {type(name)})"
            )
        self._name = _ALIASES.get(name, name)
        if self._name not in _KNOWN and self._name not in _MIXED:
            raise ValueError(
                f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include "
                "'float32' and 'mixed_bfloat16'."
            )
        if self._name in _LOWER_OR_HIGHER or self._name == "mixed_float16":
            raise ValueError(
                "Invalid value for argument `dtype`. Expected 'float32', the precision that "
                "convnet computes in, or 'mixed_bfloat16', by which a GPU rounds the operands of "
                f"products. Received: {name}"
            )

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The data type of a layer's inputs and outputs; they are kept as float32 if it is
        bfloat16.
        """
        return _MIXED.get(self._name, self._name)

    @property
    def variable_dtype(self) -> str:
        """The data type of a layer's weights."""
        return "float32" if self._name in _MIXED else self._name

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
    """A policy from a policy, its name, a data type, its serialised form or None (the global one).

    Raises:
        ValueError: if it is none of these, or convnet has no such policy.

    >>> get(np.float32), get("mixed_bfloat16")
    (<DTypePolicy "float32">, <DTypePolicy "mixed_bfloat16">)
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        name = standardize_dtype(identifier)
    except ValueError:
        raise ValueError(
            "Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
            f"Received: dtype={identifier}"
        ) from None
    return DTypePolicy(name)


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """The form in which Keras stores a policy in a layer's config."""
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": policy.get_config(),
        "registered_name": None,
    }


def deserialize(config: dict[str, Any]) -> DTypePolicy:
    """The policy that `serialize`, or an older Keras, described.

    Raises:
        ValueError: if that is no policy, or convnet has no such policy.

    >>> deserialize(serialize(DTypePolicy("mixed_bfloat16")))
    <DTypePolicy "mixed_bfloat16">
    """
    inner = config.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(name, str):
        raise ValueError(f"Expected the config of a dtype policy. Received: config={config}")
    return DTypePolicy(name)


_policy = DTypePolicy("float32")


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without `dtype`, float32 by default.

    >>> dtype_policy()
    <DTypePolicy "float32">
    """
    return _policy


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Set the policy of layers that are made without `dtype` from now on.

    `"mixed_bfloat16"` lets a GPU round what it multiplies to bfloat16: see `DTypePolicy`.

    Args:
        policy: The policy, or its name.

    Raises:
        ValueError: if it is neither, or convnet has no such policy.

    >>> from convnet import layers
    >>> set_dtype_policy("mixed_bfloat16")
    >>> layers.Dense(3).dtype_policy, layers.Dense(3, dtype="float32").dtype_policy
    (<DTypePolicy "mixed_bfloat16">, <DTypePolicy "float32">)
    >>> set_dtype_policy("float32")
    """
    global _policy
    if not isinstance(policy, (str, DTypePolicy)):
        raise ValueError(
            "Invalid `policy` argument. Expected the string name of a policy (such as "
            "'mixed_bfloat16') or a `DTypePolicy` instance. "
            f"Received: policy={policy} (of type {type(policy)})"
        )
    _policy = get(policy)
