"""Constructor arguments of layers: checking them, and their form in configs."""

from __future__ import annotations

from typing import Any

from convnet import activations, constraints, initializers, regularizers

_KINDS: dict[str, Any] = {
    "activation": activations,
    "constraint": constraints,
    "initializer": initializers,
    "regularizer": regularizers,
}


def resolve(name: str, value: Any) -> Any:
    """The object that an argument means: `"he_normal"` for `kernel_initializer`, and so on."""
    kind = _KINDS.get(name.rpartition("_")[2])
    return value if kind is None else kind.get(value)


def to_config(name: str, value: Any) -> Any:
    """The JSON form of an argument."""
    kind = _KINDS.get(name.rpartition("_")[2])
    return value if kind is None or value is None else kind.serialize(value)


def positive_integer(name: str, value: Any) -> int:
    """`value`, if it is a positive integer.

    Raises:
        ValueError: if it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected a positive integer. "
            f"Received: {name}={value}"
        )
    return value


def integers(name: str, value: Any, count: int, minimum: int = 1) -> tuple[int, ...]:
    """One integer for each axis, from one for all or from several.

    Raises:
        ValueError: if there are more or fewer than `count`, or one is below `minimum`.

    >>> integers("strides", 2, count=2)
    (2, 2)
    """
    message = f"The `{name}` argument must be a tuple of {count} integers. Received {name}={value}"
    if isinstance(value, int):
        value = (value,) * count
    try:
        values = tuple(int(n) for n in value)
    except (TypeError, ValueError):
        raise ValueError(message) from None
    if len(values) != count or any(int(n) != n for n in value):
        raise ValueError(message)
    wrong = {n for n in values if n < minimum}
    if wrong:
        relation = "> 0" if minimum == 1 else f">= {minimum}"
        raise ValueError(
            f"{message}, including values {wrong} that do not satisfy `value {relation}`"
        )
    return values


def padding(value: Any, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """A padding mode in lower case.

    Raises:
        ValueError: if it is none of `allowed`.
    """
    mode = str(value).lower()
    if mode not in allowed:
        raise ValueError(
            "Invalid value for argument `padding`. Expected one of "
            f"{', '.join(map(repr, allowed))}. Received: padding={value}"
        )
    return mode


def rate(name: str, value: Any) -> float:
    """A fraction from 0 to 1.

    Raises:
        ValueError: if it is not.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(
            f"Invalid value received for argument `{name}`. Expected a float value between 0 and "
            f"1. Received: {name}={value}"
        )
    return value


def unsupported(**values: Any) -> None:
    """Refuse arguments that convnet knows only by name, unless they have their neutral value.

    Raises:
        ValueError: if a value is neither None nor False.
    """
    for name, value in values.items():
        if value not in (None, False):
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected None, because convnet does not "
                f"support it. Received: {name}={value}"
            )


def revived(config: Any, custom_objects: Any = None) -> Any:
    """The layer or function that a part of a config describes."""
    from convnet.saving.serialization import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)
