"""Weights: named float32 arrays that layers own, optimizers update and files store."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from convnet import _core, config
from convnet.dtype_policies import standardize_dtype
from convnet.memory_limit import charge
from convnet.naming import auto_name, current_path
from convnet.operators import TensorOperators

Shape = tuple[int, ...]

_CACHE_LINE = 64
_making = threading.Lock()  # a value that several threads need at once is made once
moves = 0  # of any variable's value to other memory, so far


def _checked_shape(shape: Any) -> Shape:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    for size in shape:
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 0:
            raise ValueError(
                "Shapes used to initialize variables must be fully-defined (no `None` dimensions). "
                f"Received: shape={shape}"
            )
    return tuple(int(size) for size in shape)


def _own_memory(value: np.ndarray, dtype: np.dtype[Any], kept: bool) -> np.ndarray:
    """`value` in memory of its own, which is its present memory unless someone else keeps that.

    Kernels read weights faster where vectors do not lie across cache lines.
    """
    if dtype != np.float32:
        return np.array(value, dtype=dtype, order="C", copy=kept or None)
    if (
        kept
        or value.dtype != dtype
        or not value.flags.c_contiguous
        or value.__array_interface__["data"][0] % _CACHE_LINE
    ):
        memory = _core.aligned_zeros(value.size).reshape(value.shape)
        memory[...] = value
        return memory
    return value


class Variable(TensorOperators):
    """A named array that keeps its memory: every assignment writes in place.

    Args:
        initializer: The first value: an array, a number, or a callable `(shape, dtype) -> array`
            such as an initializer or its name.
        shape: Shape of the value; needed where `initializer` is a callable or a name.
        dtype: Data type, `"float32"` by default. Counters may be integers.
        trainable: Whether an optimizer may update the variable.
        autocast: Accepted for compatibility.
        aggregation: Accepted for compatibility.
        name: Name, `"variable"` with a number by default; may not contain `/`.
        regularizer: Callable whose value at the variable is added to the loss.
        constraint: Callable that projects the value after each update.

    Raises:
        ValueError: if the name or the shape is invalid, or the shape is missing.

    >>> v = Variable([1.0, 2.0], name="scale")
    >>> v.assign([3.0, 4.0]).numpy()
    array([3., 4.], dtype=float32)
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        name: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        if not isinstance(self.name, str) or "/" in self.name:
            raise ValueError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name}"
            )
        scope = current_path()
        self.path = f"{scope}/{self.name}" if scope else self.name
        self.trainable = bool(trainable)
        self.autocast = bool(autocast)
        self.aggregation = aggregation
        self.regularizer = regularizer
        self.constraint = constraint
        self.overwrite_with_gradient = False
        # Until the value is needed, what will write it: it may then be written where it is to stay.
        self._fill: Callable[[np.ndarray], None] | None = None
        self._memory = self._initial_value(initializer, shape, dtype)

    def _initial_value(self, initializer: Any, shape: Any, dtype: Any) -> np.ndarray | None:
        if isinstance(initializer, str):
            from convnet import initializers

            initializer = initializers.get(initializer)
        if callable(initializer):
            if shape is None:
                raise ValueError(
                    "When creating a Variable from an initializer, the `shape` argument should be "
                    f"specified. Received: initializer={initializer} and shape={shape}"
                )
            shape = _checked_shape(shape)
            charge(shape)
            dtype = standardize_dtype(dtype)
            kept = not type(initializer).__module__.startswith("convnet.")
            if dtype == "float32" and not kept and hasattr(initializer, "filler"):
                self._fill, self._shape = initializer.filler(shape), shape
                if self._fill is not None:
                    return None
            value = np.asarray(initializer(shape, dtype=dtype))
            if value.shape != shape:
                raise ValueError(
                    f"The initializer of variable '{self.path}' returned an array of shape "
                    f"{value.shape}. Expected shape {shape}."
                )
        else:
            value = np.asarray(initializer)
            kept = True
            if dtype is None:
                dtype = "float32" if value.dtype.kind == "f" else standardize_dtype(value.dtype)
            if shape is not None:
                value = np.broadcast_to(value, _checked_shape(shape))
        # The package's own initializers give new arrays; others may keep what they return.
        return _own_memory(value, np.dtype(standardize_dtype(dtype)), kept)

    @property
    def memory(self) -> np.ndarray:
        """Where the value lies, for plans to be bound to; a GPU may have a newer value."""
        return self._make() if self._memory is None else self._memory

    @property
    def _value(self) -> np.ndarray:
        """The memory, up to date, to be read and written."""
        memory = self.memory
        _core.fetch(memory, to_write=True)
        return memory

    @_value.setter
    def _value(self, memory: np.ndarray) -> None:
        self._memory = memory
        _core.weights_changed(memory)

    def _read(self) -> np.ndarray:
        """The memory, up to date, not to be written."""
        memory = self.memory
        _core.fetch(memory)
        return memory

    def _make(self, filled: bool = True) -> np.ndarray:
        """Give the value memory, with what is to be in it first unless that is not needed."""
        with _making:
            if self._memory is None:
                memory = _core.aligned_zeros(math.prod(self._shape)).reshape(self._shape)
                if filled and self._fill is not None:
                    self._fill(memory)
                self._memory, self._fill = memory, None
            return self._memory

    @property
    def value(self) -> np.ndarray:
        """The variable's own memory, read-only: it changes with every assignment.

        What a GPU changes is brought back when this is asked for.
        """
        view = self._read().view()
        view.flags.writeable = False
        return view

    @property
    def shape(self) -> Shape:
        """Shape of the value."""
        return self._shape if self._memory is None else self._memory.shape

    @property
    def dtype(self) -> str:
        """Name of the data type."""
        return "float32" if self._memory is None else self._memory.dtype.name

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def numpy(self) -> np.ndarray:
        """A copy of the value."""
        return self._read().copy()

    def assign(self, value: Any) -> Variable:
        """Write a new value of the same shape.

        Args:
            value: Array, number or variable.

        Raises:
            ValueError: if the shapes differ.
        """
        from convnet.tracing import GraphTensor

        if isinstance(value, GraphTensor):
            value.trace.assign(self, value)
            return self
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(
                "The shape of the target variable and the shape of the target value in "
                "`variable.assign(value)` must match. "
                f"variable.shape={self.shape}, Received: value.shape={value.shape}. "
                f"Target variable: {self.path}"
            )
        if self._memory is None:
            self._make(filled=False)
        self._value[...] = value
        _core.weights_changed(self._memory)
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add `value` in place."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Variable:
        """Subtract `value` in place."""
        return self.assign(self - value)

    def rebase(self, memory: np.ndarray) -> None:
        """Move the value into `memory`, an array of the same shape, and keep it there.

        The trainer lays all trainable weights of a model into one buffer this way.
        """
        _core.fetch(memory, to_write=True)  # what else is in its block stays
        if self._fill is not None:
            self._fill(memory)
        else:
            memory[...] = self._read()
        self.adopt(memory)

    @property
    def made(self) -> bool:
        """Whether the value has memory yet: it gets some when it is needed."""
        return self._memory is not None

    def lies_in(self, buffer: np.ndarray) -> bool:
        """Whether the value is a part of `buffer`."""
        return self._memory is not None and self._memory.base is buffer

    def adopt(self, memory: np.ndarray) -> None:
        """Keep the value in `memory`, an array of the same shape, which holds it already."""
        global moves
        _core.fetch(memory, to_write=True)
        self._memory, self._fill = memory, None
        moves += 1
        _core.weights_changed(memory)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._read(), dtype=dtype)

    def __getstate__(self) -> dict[str, Any]:
        if self._memory is not None:
            self._read()
        return self.__dict__

    def _shared(self) -> Any:
        """The value where the device in use has it."""
        on_gpu = config.gpu() >= 0 and self.dtype == "float32"
        return _core.resident(self.memory, config.gpu()) if on_gpu else self._read()

    def __dlpack__(self, **options: Any) -> Any:
        return self._shared().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = self._shared().__dlpack_device__()
        return device

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        interface: dict[str, Any] = self._shared().__cuda_array_interface__
        return interface

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __bool__(self) -> bool:
        return bool(self._read())

    def __len__(self) -> int:
        return len(self.memory)

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, "
            f"value={self._read()}>"
        )
