"""Nested structures of lists, tuples and dicts, walked leaf by leaf.

Dictionaries are walked in the order of their sorted keys, as Keras does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a container that these functions look into."""
    return isinstance(structure, (list, tuple, dict))


def _items(structure: Any) -> list[tuple[Any, Any]]:
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in sorted(structure)]
    return list(enumerate(structure))


def _like(structure: Any, values: list[Any]) -> Any:
    if isinstance(structure, dict):
        by_key = dict(zip(sorted(structure), values, strict=True))
        return {key: by_key[key] for key in structure}
    if hasattr(structure, "_fields"):
        return type(structure)(*values)
    return tuple(values) if isinstance(structure, tuple) else list(values)


def flatten(structure: Any) -> list[Any]:
    """The leaves of a nested structure.

    >>> flatten({"b": [1, 2], "a": (3,)})
    [3, 1, 2]
    """
    if not is_nested(structure):
        return [structure]
    return [leaf for _, child in _items(structure) for leaf in flatten(child)]


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply `function` to every leaf and keep the structure.

    >>> map_structure(abs, {"a": [-1, 2]})
    {'a': [1, 2]}
    """
    if not is_nested(structure):
        return function(structure)
    return _like(structure, [map_structure(function, child) for _, child in _items(structure)])


def pack_sequence_as(structure: Any, leaves: list[Any]) -> Any:
    """Put `leaves` into the form of `structure`.

    >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    rest = iter(leaves)
    return map_structure(lambda _: next(rest), structure)


def same_structure(first: Any, second: Any) -> bool:
    """Whether two structures agree in everything but their leaves; lists and tuples are alike.

    >>> same_structure([1, {"a": 2}], ("x", {"a": None}))
    True
    """
    if is_nested(first) != is_nested(second):
        return False
    if not is_nested(first):
        return True
    if isinstance(first, dict) != isinstance(second, dict) or len(first) != len(second):
        return False
    pairs = zip(_items(first), _items(second), strict=True)
    return all(key == other and same_structure(a, b) for (key, a), (other, b) in pairs)


def is_shape(structure: Any) -> bool:
    """Whether `structure` is one shape: a list or tuple of integers and None."""
    return isinstance(structure, (list, tuple)) and all(
        size is None or isinstance(size, int) for size in structure
    )


def map_shapes(function: Callable[[tuple[int | None, ...]], Any], structure: Any) -> Any:
    """Apply `function` to every shape of a nested structure of shapes.

    >>> map_shapes(len, [(None, 3), (2, 4, 5)])
    [2, 3]
    """
    if is_shape(structure):
        return function(tuple(structure))
    if isinstance(structure, dict):
        return {key: map_shapes(function, child) for key, child in structure.items()}
    return type(structure)(map_shapes(function, child) for child in structure)


def walk(structure: Any) -> Iterator[Any]:
    """The leaves of a nested structure, in the order in which dictionaries were filled."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if not isinstance(structure, (list, tuple)):
        yield structure
        return
    for child in structure:
        yield from walk(child)
