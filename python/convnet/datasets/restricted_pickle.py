"""Reader of pickles that can build data and nothing else.

Python's own unpickler calls whatever a file names. This one interprets the binary opcodes of
protocols 1 to 5 that numbers, text, bytes, lists, tuples, dicts and arrays of unsigned bytes
are written with; it has no way to look a name up or to call it. An array is recognised by the
names NumPy writes for one, and rebuilt here from its shape and bytes. Opcodes: Python's
Lib/pickletools.py.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from convnet.datasets.reading import Bytes

_ARRAY_NAMES = {
    "numpy dtype": "dtype",
    "numpy ndarray": "ndarray",
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy._core.multiarray _reconstruct": "reconstruct",
    "numpy.core.numeric _frombuffer": "frombuffer",
    "numpy._core.numeric _frombuffer": "frombuffer",
}


class _Name:
    """A name from the table above, as it lies on the stack."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


class _ByteType:
    """Stands for the dtype of unsigned bytes."""


class _Array:
    """An array between its creation and the opcode that gives it its content."""

    content: Bytes | None = None


def load(data: bytes) -> Any:
    """Rebuilds what a pickle holds.

    Args:
        data: The pickle.

    Returns:
        A value of type int, float, bool, `None`, str, bytes, list, tuple, dict or uint8 array;
        arrays are rebuilt as the value itself and as values of a dict, and are read-only.

    Raises:
        ValueError: If the pickle names or needs anything else, or is truncated.

    Example:

    >>> import pickle
    >>> load(pickle.dumps({b"labels": [6, 9], b"data": np.zeros(2, np.uint8)}))
    {b'labels': [6, 9], b'data': array([0, 0], dtype=uint8)}
    >>> load(pickle.dumps(print))
    Traceback (most recent call last):
    ...
    ValueError: it names 'builtins print', which is no array
    """
    value = _Machine(data).run()
    if isinstance(value, dict):
        return {key: _finished(item) for key, item in value.items()}
    return _finished(value)


def _finished(value: Any) -> Any:
    if isinstance(value, _Array):
        if value.content is None:
            raise ValueError("it has an array without content")
        return value.content
    if isinstance(value, (_Name, _ByteType)):
        raise ValueError("it has a type where a value should be")
    return value


class _Machine:
    """The stack machine that a pickle is a program for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        while (opcode := self.take(1)) != b".":
            handler = _HANDLERS.get(opcode)
            if handler is None:
                raise ValueError(f"it has the opcode {opcode!r}, which no array needs")
            handler(self)
        if len(self._stack) != 1 or self._marks:
            raise ValueError("it does not end with one value")
        return self._stack[0]

    def take(self, count: int) -> bytes:
        chunk = self._data[self._at : self._at + count]
        if len(chunk) < count:
            raise ValueError("it is truncated")
        self._at += count
        return chunk

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise ValueError("it is truncated")
        line = self.take(end - self._at).decode()
        self._at += 1
        return line

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise ValueError("it takes a value from an empty stack")
        return self._stack.pop()

    def pop_many(self, count: int) -> tuple[Any, ...]:
        return tuple(self._pop() for _ in range(count))[::-1]

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            raise ValueError("it goes back to a mark that is not there")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _top(self, kind: type[Any]) -> Any:
        value = self._pop()
        if not isinstance(value, kind):
            raise ValueError(f"it changes a {type(value).__name__} as if it were {kind.__name__}")
        self._stack.append(value)
        return value

    def check_protocol(self) -> None:
        if (protocol := self.number("<B")) > 5:
            raise ValueError(f"it is of protocol {protocol}, later than 5")

    def begin_frame(self) -> None:
        self.take(8)

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def push_tuple(self) -> None:
        self.push(tuple(self._pop_mark()))

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def append(self) -> None:
        value = self._pop()
        self._top(list).append(value)

    def append_many(self) -> None:
        values = self._pop_mark()
        self._top(list).extend(values)

    def set_item(self) -> None:
        key, value = self.pop_many(2)
        self._set_items([key, value])

    def set_items(self) -> None:
        self._set_items(self._pop_mark())

    def _set_items(self, values: list[Any]) -> None:
        keys = values[::2]
        if len(values) % 2 or not all(isinstance(key, (str, bytes, int)) for key in keys):
            raise ValueError("it has a dict with keys that are neither text nor numbers")
        self._top(dict).update(zip(keys, values[1::2], strict=True))

    def store(self, index: int) -> None:
        value = self._pop()
        self._stack.append(value)
        self._memo[index] = value

    def store_next(self) -> None:
        self.store(len(self._memo))

    def recall(self, index: int) -> None:
        if index not in self._memo:
            raise ValueError("it recalls a value that was not stored")
        self.push(self._memo[index])

    def name(self) -> None:
        module = self._line()
        self._push_name(module, self._line())

    def name_from_stack(self) -> None:
        module, name = self.pop_many(2)
        self._push_name(module, name)

    def _push_name(self, module: Any, name: Any) -> None:
        kind = _ARRAY_NAMES.get(f"{module} {name}")
        if kind is None:
            raise ValueError(f"it names {f'{module} {name}'[:80]!r}, which is no array")
        self.push(_Name(kind))

    def reduce(self) -> None:
        name, arguments = self.pop_many(2)
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise ValueError("it calls what is no array")
        self.push(_rebuild(name.kind, arguments))

    def build(self) -> None:
        state = self._pop()
        target = self._pop()
        self.push(target)
        if isinstance(target, _Array):
            target.content = _array_from_state(state)
        elif not isinstance(target, _ByteType):
            raise ValueError("it gives a state to what is no array")


def _rebuild(kind: str, arguments: tuple[Any, ...]) -> Any:
    match kind, arguments:
        case "reconstruct", (_Name(kind="ndarray"), (0,), b"b"):
            return _Array()
        case "dtype", ("u1" | b"u1", *_):
            return _ByteType()
        case "frombuffer", (bytes(content), _ByteType(), tuple(shape), "C"):
            array = _Array()
            array.content = _array(shape, content)
            return array
    raise ValueError(f"it builds something other than an array of bytes, with numpy's {kind!r}")


def _array_from_state(state: Any) -> Bytes:
    match state:
        case (int(), tuple(shape), _ByteType(), False | 0, bytes(content)):
            return _array(shape, content)
    raise ValueError("it has an array that is not made of bytes in C order")


def _array(shape: tuple[Any, ...], content: bytes) -> Bytes:
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("it has an array whose shape is not made of numbers")
    if math.prod(shape) != len(content):
        raise ValueError(f"it has an array of shape {shape} with {len(content):,} bytes")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _push_sized(form: str, decode: Callable[[bytes], Any] = bytes) -> Callable[[_Machine], None]:
    return lambda m: m.push(decode(m.take(m.number(form))))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


_HANDLERS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine.check_protocol,
    b"\x95": _Machine.begin_frame,
    b"(": _Machine.mark,
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"J": lambda m: m.push(m.number("<i")),
    b"\x8a": _push_sized("<B", _long),
    b"G": lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    b"U": _push_sized("<B"),
    b"T": _push_sized("<I"),
    b"C": _push_sized("<B"),
    b"B": _push_sized("<I"),
    b"\x8e": _push_sized("<Q"),
    b"\x96": _push_sized("<Q"),
    b"\x8c": _push_sized("<B", _text),
    b"X": _push_sized("<I", _text),
    b"]": lambda m: m.push([]),
    b"a": _Machine.append,
    b"e": _Machine.append_many,
    b"}": lambda m: m.push({}),
    b"s": _Machine.set_item,
    b"u": _Machine.set_items,
    b")": lambda m: m.push(()),
    b"t": _Machine.push_tuple,
    b"\x85": lambda m: m.push(m.pop_many(1)),
    b"\x86": lambda m: m.push(m.pop_many(2)),
    b"\x87": lambda m: m.push(m.pop_many(3)),
    b"q": lambda m: m.store(m.number("<B")),
    b"r": lambda m: m.store(m.number("<I")),
    b"\x94": _Machine.store_next,
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    b"c": _Machine.name,
    b"\x93": _Machine.name_from_stack,
    b"R": _Machine.reduce,
    b"b": _Machine.build,
}
