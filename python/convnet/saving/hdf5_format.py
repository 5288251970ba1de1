"""The parts of an HDF5 file, read from its bytes without libhdf5.

libhdf5 follows what a file says: links into other files, virtual and external data, shapes far
larger than the data; and a damaged file can make it crash or loop. This reader knows only the
layout that h5py writes by default (version 0 superblock, version 1 object headers, symbol table
groups, contiguous data), which is all that Keras has ever used, checks every offset and refuses
the rest. Source: HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1
MAX_STEPS = 2_000_000  # parts looked at; ends loops that a hostile file builds
MAX_RANK = 32
MAX_DIMENSION = 2**40
MAX_NAME = 4096

VARIABLE_STRING = np.dtype(object)

# Exponent and mantissa layout of IEEE floats by size in bytes: sign bit, then the properties.
_IEEE = {
    2: (15, (0, 16, 10, 5, 0, 10, 15)),
    4: (31, (0, 32, 23, 8, 0, 23, 127)),
    8: (63, (0, 64, 52, 11, 0, 52, 1023)),
}


class Message(IntEnum):
    """Object header messages by their number."""

    DATASPACE = 0x01
    LINK_INFO = 0x02
    DATATYPE = 0x03
    LINK = 0x06
    EXTERNAL_FILES = 0x07
    LAYOUT = 0x08
    FILTERS = 0x0B
    ATTRIBUTE = 0x0C
    CONTINUATION = 0x10
    SYMBOL_TABLE = 0x11
    ATTRIBUTE_INFO = 0x15


class Source:
    """The bytes of a file; every read is checked against their end.

    Args:
        data: The whole file.
        name: What to call it in errors.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data = memoryview(data)
        self.name = name
        self._steps = 0
        self._heaps: dict[int, dict[int, memoryview]] = {}

    def error(self, problem: str) -> ValueError:
        return ValueError(f"Invalid HDF5 file {self.name}: {problem}.")

    def take(self, offset: int, size: int, what: str) -> memoryview:
        if offset + size > len(self.data):
            raise self.error(
                f"{what} lies at bytes {offset} to {offset + size}, "
                f"beyond the file's {len(self.data)} bytes"
            )
        return self.data[offset : offset + size]

    def unpack(self, form: str, offset: int, what: str) -> tuple[Any, ...]:
        form = "<" + form
        return struct.unpack(form, self.take(offset, struct.calcsize(form), what))

    def step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise self.error("it is made of too many parts, or its parts form a loop")

    def expect(self, mark: bytes, offset: int, what: str) -> None:
        self.step()
        if self.take(offset, len(mark), what) != mark:
            raise self.error(f"no {what} at byte {offset}")

    def heap_object(self, address: int, index: int) -> memoryview:
        """One object of a global heap collection: the text of a variable-length string."""
        if address not in self._heaps:
            self._heaps[address] = self._read_heap(address)
        if index not in self._heaps[address]:
            raise self.error(f"no object {index} in the heap at byte {address}")
        return self._heaps[address][index]

    def _read_heap(self, address: int) -> dict[int, memoryview]:
        self.expect(b"GCOL", address, "heap collection")
        (size,) = self.unpack("Q", address + 8, "heap collection")
        self.take(address, size, "heap collection")
        objects = {}
        offset, end = address + 16, address + size
        while offset + 16 <= end:
            self.step()
            index, _, length = self.unpack("HH4xQ", offset, "heap object")
            if index == 0:
                break
            objects[index] = self.take(offset + 16, length, "heap object")
            offset += 16 + _padded(length)
        return objects


def read_superblock(source: Source) -> int:
    """Checks the head of the file and gives the address of the root group."""
    if bytes(source.data[:8]) != SIGNATURE:
        raise source.error("it does not begin with the HDF5 signature")
    version, offsets, lengths = source.unpack("8xB4xBB", 0, "superblock")
    if version > 1:
        raise source.error(
            f"its superblock has version {version}; expected 0 or 1, as Keras writes it"
        )
    if (offsets, lengths) != (8, 8):
        raise source.error(f"addresses have {offsets} and {lengths} bytes; expected 8")
    start = 24 if version == 0 else 28
    base, _, end, _, _, root = source.unpack("QQQQQQ", start, "superblock")
    if base != 0:
        raise source.error(f"its base address is {base}; expected 0")
    if end > len(source.data):
        raise source.error(f"it is cut short: {len(source.data)} of {end} bytes are there")
    return int(root)


def read_header(source: Source, address: int) -> list[tuple[int, memoryview]]:
    """The messages of an object header, in order: their type and their bytes."""
    source.step()
    version, count, size = source.unpack("BxH4xI", address, "object header")
    if version != 1:
        raise source.error(f"no object header of version 1 at byte {address}")
    blocks = [(address + 16, size)]
    messages: list[tuple[int, memoryview]] = []
    for start, length in blocks:  # grows while continuations are found
        block = source.take(start, length, "object header")
        offset = 0
        while offset + 8 <= length and len(messages) < count:
            source.step()
            kind, size, flags = struct.unpack_from("<HHB", block, offset)
            if offset + 8 + size > length:
                raise source.error(f"a message at byte {start + offset} overruns its header")
            if flags & 2:
                raise source.error("a named (shared) type is used, which Keras never writes")
            body = block[offset + 8 : offset + 8 + size]
            messages.append((kind, body))
            if kind == Message.CONTINUATION:
                blocks.append(_unpack(source, "QQ", body, "continuation"))
            offset += 8 + size
    return messages


def read_links(source: Source, messages: list[tuple[int, memoryview]]) -> dict[str, int]:
    """The members of a group: header addresses by name. Only hard links are accepted."""
    links: dict[str, int] = {}
    for kind, body in messages:
        if kind == Message.SYMBOL_TABLE:
            tree, heap = _unpack(source, "QQ", body, "symbol table")
            source.expect(b"HEAP", heap, "name heap")
            size, _, start = source.unpack("QQQ", heap + 8, "name heap")
            names = source.take(start, size, "name heap")
            _read_tree(source, tree, names, links, depth=0)
        elif kind == Message.LINK:
            name, address = _read_link(source, body)
            links[name] = address
        elif kind == Message.LINK_INFO and _unpack(source, "xBQ", body, "links")[1] != UNDEFINED:
            raise source.error("a group has the newer layout, which Keras never writes")
    return links


def _read_tree(
    source: Source, address: int, names: memoryview, links: dict[str, int], depth: int
) -> None:
    source.expect(b"TREE", address, "group tree")
    kind, level, entries = source.unpack("4xBBH", address, "group tree")
    if kind != 0 or depth > 32:
        raise source.error(f"the group tree at byte {address} is damaged")
    for i in range(entries):
        (child,) = source.unpack("Q", address + 32 + 16 * i, "group tree")
        if level:
            _read_tree(source, child, names, links, depth + 1)
        else:
            _read_symbols(source, child, names, links)


def _read_symbols(source: Source, address: int, names: memoryview, links: dict[str, int]) -> None:
    source.expect(b"SNOD", address, "symbol node")
    (count,) = source.unpack("6xH", address, "symbol node")
    for i in range(count):
        source.step()
        offset, header, cache = source.unpack("QQI", address + 8 + 40 * i, "symbol")
        raw = bytes(names[offset : offset + MAX_NAME]).split(b"\0", 1)[0]
        name = _text(source, raw, "the name of a member")
        if cache == 2:
            raise source.error(f"{name!r} is a soft link; links are not followed")
        links[name] = header


def _read_link(source: Source, body: memoryview) -> tuple[str, int]:
    """A member of a group whose few links lie in its header: name and header address."""
    _, flags, kind = _unpack(source, "BBB", body, "link")
    offset = 2 + bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
    width = 1 << (flags & 3)
    length = int.from_bytes(body[offset : offset + width], "little")
    start = offset + width
    name = _text(source, bytes(body[start : start + length]), "the name of a member")
    if flags & 8 and kind != 0:
        what = {1: "a soft link", 64: "an external link"}.get(kind, "a user-defined link")
        raise source.error(f"{name!r} is {what}; links are not followed")
    return name, _unpack(source, f"{start + length}xQ", body, "link")[0]


@dataclass(frozen=True)
class Field:
    """An attribute: its type, shape (`None` if it is empty by declaration) and bytes."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None
    data: memoryview


def read_attributes(source: Source, messages: list[tuple[int, memoryview]]) -> dict[str, Field]:
    """The attributes of an object, undecoded."""
    fields = {}
    for kind, body in messages:
        if kind == Message.ATTRIBUTE:
            name, field = _read_attribute(source, body)
            fields[name] = field
        elif kind == Message.ATTRIBUTE_INFO:
            raise source.error("attributes have the newer layout, which Keras never writes")
    return fields


def _read_attribute(source: Source, body: memoryview) -> tuple[str, Field]:
    version, flags, *sizes = _unpack(source, "BBHHH", body, "attribute")
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise source.error("an attribute is of a kind that Keras never writes")
    offset = 9 if version == 3 else 8
    parts = []
    for size in sizes:
        parts.append(body[offset : offset + size])
        offset += _padded(size) if version == 1 else size
    if offset > len(body):
        raise source.error("an attribute overruns its message")
    name = _text(source, bytes(parts[0]).split(b"\0", 1)[0], "the name of an attribute")
    dtype, shape = read_datatype(source, parts[1]), read_dataspace(source, parts[2])
    return name, Field(dtype, shape, body[offset:])


def decode(source: Source, field: Field, what: str) -> Any:
    """The value of an attribute: a `str`, a list of `str`, a NumPy number or a NumPy array."""
    if field.shape is None:
        return []
    itemsize = 16 if field.dtype == VARIABLE_STRING else field.dtype.itemsize
    count = element_count(field.shape)
    if count * itemsize > len(field.data):
        raise source.error(f"{what} declares shape {field.shape} but stores less")
    data = field.data[: count * itemsize]
    if field.dtype == VARIABLE_STRING:
        texts = _variable_strings(source, data, what)
    elif field.dtype.kind == "S":
        items = (bytes(data[i * itemsize : (i + 1) * itemsize]) for i in range(count))
        texts = [_text(source, item.rstrip(b"\0"), what) for item in items]
    else:
        values = np.frombuffer(data, field.dtype).reshape(field.shape)
        return values if field.shape else values[()]
    return texts if field.shape else texts[0]


def _variable_strings(source: Source, data: memoryview, what: str) -> list[str]:
    texts, total = [], 0
    for length, address, index in struct.iter_unpack("<IQI", data):
        total += length
        if total > len(source.data):  # many references to one long text
            raise source.error(f"{what} is longer than the whole file")
        text = source.heap_object(address, index) if length else memoryview(b"")
        if length > len(text):
            raise source.error(f"{what} is {len(text)} bytes long; expected {length}")
        texts.append(_text(source, bytes(text[:length]), what))
    return texts


def read_dataspace(source: Source, body: memoryview) -> tuple[int, ...] | None:
    """The shape that a dataspace message declares; `None` for a null space."""
    version, rank, _, kind = _unpack(source, "BBBB", body, "shape")
    if version not in (1, 2) or rank > MAX_RANK:
        raise source.error(f"a shape of rank {rank} (version {version}) is not supported")
    if version == 2 and kind == 2:
        return None
    skipped = 8 if version == 1 else 4
    shape = _unpack(source, f"{skipped}x{rank}Q", body, "shape")
    if any(size > MAX_DIMENSION for size in shape):
        raise source.error(f"the shape {shape} is impossible")
    return shape


def read_datatype(source: Source, body: memoryview) -> np.dtype[Any]:
    """The NumPy type of a datatype message; `VARIABLE_STRING` for text of any length."""
    head, bits, sign, _, size = _unpack(source, "BBBBI", body, "type")
    kind = head & 15
    order = ">" if bits & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8):
        if _unpack(source, "8xHH", body, "type") == (0, 8 * size):
            return np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}")
    elif kind == 1 and size in _IEEE:
        properties = _unpack(source, "8xHHBBBBI", body, "type")
        if (sign, properties) == _IEEE[size] and bits & 0x40 == 0:
            return np.dtype(f"{order}f{size}")
    elif kind == 3 and 0 < size < 2**16:
        return np.dtype(f"S{size}")
    elif kind == 9 and bits & 15 == 1 and size == 16:
        return VARIABLE_STRING
    names = {5: "opaque", 6: "compound", 7: "reference", 8: "enumeration", 9: "variable-length"}
    raise source.error(f"a value has a type that is not supported ({names.get(kind, kind)})")


def element_count(shape: tuple[int, ...]) -> int:
    """The number of elements of an array, in Python's unbounded integers."""
    count = 1
    for size in shape:
        count *= size
    return count


def _unpack(source: Source, form: str, body: memoryview, what: str) -> tuple[Any, ...]:
    try:
        return struct.unpack_from("<" + form, body)
    except struct.error:
        raise source.error(f"a {what} message is only {len(body)} bytes long") from None


def _text(source: Source, text: bytes, what: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise source.error(f"{what} is not UTF-8 text") from None


def _padded(size: int) -> int:
    return (size + 7) // 8 * 8
