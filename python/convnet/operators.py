"""Python's operators for everything that stands for a tensor: each calls the op of its name."""

from __future__ import annotations

from typing import Any


def _apply(op: str, *operands: Any) -> Any:
    from convnet import ops

    return getattr(ops, op)(*operands)


class TensorOperators:
    """Arithmetic, comparison and indexing through `convnet.ops`."""

    __array_ufunc__ = None  # NumPy arrays leave `array * tensor` to the tensor
    __iter__ = None  # indexing alone would make them iterable without end

    def __add__(self, other: Any) -> Any:
        return _apply("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _apply("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _apply("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _apply("divide", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _apply("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _apply("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return _apply("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return _apply("mod", other, self)

    def __pow__(self, other: Any) -> Any:
        return _apply("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _apply("power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return _apply("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _apply("matmul", other, self)

    def __neg__(self) -> Any:
        return _apply("negative", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return _apply("absolute", self)

    def __invert__(self) -> Any:
        return _apply("logical_not", self)

    def __and__(self, other: Any) -> Any:
        return _apply("logical_and", self, other)

    def __rand__(self, other: Any) -> Any:
        return _apply("logical_and", other, self)

    def __or__(self, other: Any) -> Any:
        return _apply("logical_or", self, other)

    def __ror__(self, other: Any) -> Any:
        return _apply("logical_or", other, self)

    def __lt__(self, other: Any) -> Any:
        return _apply("less", self, other)

    def __le__(self, other: Any) -> Any:
        return _apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return _apply("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return _apply("greater_equal", self, other)

    def __ne__(self, other: object) -> Any:
        return _apply("not_equal", self, other)

    # `==` stays identity, so that tensors can be looked up in lists and dictionaries.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, key: Any) -> Any:
        return _apply("get_item", self, key)

    def __bool__(self) -> bool:
        raise TypeError(
            f"A {type(self).__name__} has no truth value: control flow on values is not traced. "
            "Use `convnet.ops.where` to choose between tensors."
        )
