"""Groups, attributes and datasets of an HDF5 file that nobody vouches for."""

from __future__ import annotations

import os
import struct
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from convnet.saving import hdf5_format as form
from convnet.saving.hdf5_format import Message


class Dataset:
    """An array in a file. Its shape and type are known before any value is read.

    Args:
        source: The file.
        name: The path of the array in it.
        messages: The array's object header.
    """

    def __init__(
        self, source: form.Source, name: str, messages: list[tuple[int, memoryview]]
    ) -> None:
        self.name = name
        found = dict(messages)
        if Message.EXTERNAL_FILES in found:
            raise source.error(f"the data of {name!r} lie in another file; that is refused")
        dtype = form.read_datatype(source, found[Message.DATATYPE])
        if dtype.kind not in "fiu":
            raise source.error(f"{name!r} holds text; expected numbers")
        shape = form.read_dataspace(source, found[Message.DATASPACE])
        if shape is None:
            raise source.error(f"{name!r} holds no value")
        self.shape = shape
        self.dtype = dtype
        self._data = _stored_bytes(source, name, found[Message.LAYOUT])
        declared = form.element_count(shape) * dtype.itemsize
        if len(self._data) != declared:
            raise source.error(
                f"{name!r} declares shape {shape}, {declared} bytes, "
                f"but stores {len(self._data)} bytes"
            )

    def read(self) -> np.ndarray[Any, Any]:
        """Gives the values, as a read-only view of the file's bytes."""
        return np.frombuffer(self._data, self.dtype).reshape(self.shape)


class Group:
    """A folder of groups and datasets, with attributes.

    Args:
        source: The file.
        name: The path of the group in it.
        messages: The group's object header.
    """

    def __init__(
        self, source: form.Source, name: str, messages: list[tuple[int, memoryview]]
    ) -> None:
        self.name = name
        self._source = source
        self._messages = messages
        self._opened: dict[str, Group | Dataset] = {}

    @cached_property
    def _links(self) -> dict[str, int]:
        return form.read_links(self._source, self._messages)

    @cached_property
    def _attributes(self) -> dict[str, form.Field]:
        return form.read_attributes(self._source, self._messages)

    @property
    def file_size(self) -> int:
        """Size of the whole file in bytes."""
        return len(self._source.data)

    def keys(self) -> list[str]:
        """Gives the names of the members."""
        return list(self._links)

    def attribute(self, name: str) -> Any:
        """Gives an attribute: text, a list of texts or a NumPy value; `None` if it is absent.

        Args:
            name: The name of the attribute.
        """
        if name not in self._attributes:
            return None
        what = f"attribute {name!r} of {self.name!r}"
        return form.decode(self._source, self._attributes[name], what)

    def has(self, path: str) -> bool:
        """Says whether there is a member at `path`, parts separated by slashes.

        Args:
            path: The path from this group.
        """
        head, _, tail = path.partition("/")
        if head not in self._links:
            return False
        if not tail:
            return True
        member = self._member(head)
        return isinstance(member, Group) and member.has(tail)

    def group(self, path: str) -> Group:
        """Gives the group at `path`.

        Args:
            path: The path from this group.

        Raises:
            ValueError: If there is none.
        """
        member = self._find(path)
        if not isinstance(member, Group):
            raise self._source.error(f"{member.name!r} is an array; expected a group")
        return member

    def dataset(self, path: str) -> Dataset:
        """Gives the array at `path`.

        Args:
            path: The path from this group.

        Raises:
            ValueError: If there is none.
        """
        member = self._find(path)
        if not isinstance(member, Dataset):
            raise self._source.error(f"{member.name!r} is a group; expected an array")
        return member

    def _find(self, path: str) -> Group | Dataset:
        head, _, tail = path.partition("/")
        if head not in self._links:
            raise self._source.error(f"there is no {head!r} in {self.name!r}")
        member = self._member(head)
        if not tail:
            return member
        if not isinstance(member, Group):
            raise self._source.error(f"{member.name!r} is an array; expected a group")
        return member._find(tail)

    def _member(self, name: str) -> Group | Dataset:
        if name not in self._opened:
            messages = form.read_header(self._source, self._links[name])
            kinds = {kind for kind, _ in messages}
            is_array = {Message.DATASPACE, Message.DATATYPE, Message.LAYOUT} <= kinds
            make = Dataset if is_array else Group
            self._opened[name] = make(self._source, f"{self.name.rstrip('/')}/{name}", messages)
        return self._opened[name]


def open_hdf5(file: str | os.PathLike[str] | bytes, name: str | None = None) -> Group:
    """Opens an HDF5 file for reading and gives its root group.

    Args:
        file: A path, or the bytes of the file.
        name: What to call the file in errors; by default its path.

    Raises:
        ValueError: If the file is damaged, cut short, or uses what Keras never writes: links
            that lead elsewhere, external or virtual data, compression, named types.

    Example:

    >>> open_hdf5(b"not HDF5", name="weights.h5")
    Traceback (most recent call last):
    ValueError: Invalid HDF5 file weights.h5: it does not begin with the HDF5 signature.
    """
    data = file if isinstance(file, bytes) else Path(file).read_bytes()
    source = form.Source(data, name or os.fspath(file))  # type: ignore[arg-type]
    return Group(source, "/", form.read_header(source, form.read_superblock(source)))


def _stored_bytes(source: form.Source, name: str, layout: memoryview) -> memoryview:
    if len(layout) < 4 or layout[0] != 3 or layout[1] not in (0, 1):
        raise source.error(
            f"{name!r} is stored in pieces, compressed or virtual; expected plain values"
        )
    if layout[1] == 0:
        (size,) = struct.unpack_from("<H", layout, 2)
        return layout[4 : 4 + size]
    if len(layout) < 18:
        raise source.error(f"the layout of {name!r} is damaged")
    address, size = struct.unpack_from("<QQ", layout, 2)
    if address == form.UNDEFINED:
        return memoryview(b"")
    return source.take(address, size, f"the data of {name!r}")
