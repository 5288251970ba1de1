"""Reader of idx files, the format MNIST is published in.

Two zero bytes, the type of the values (8: unsigned byte), the number of axes, the length of
each axis as a big-endian 32-bit number, the values. Source: http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import struct
from typing import IO

from convnet.datasets.reading import (
    Bytes,
    DataFileError,
    PathLike,
    naming,
    open_maybe_gzip,
    read_array,
)

_UNSIGNED_BYTE = 8
_CONTENT = {0x801: "labels", 0x803: "images"}


def read_idx(path: PathLike, item_shape: tuple[int, ...], most: int) -> Bytes:
    """Reads an idx file of unsigned bytes, packed with gzip or not.

    Args:
        path: The file.
        item_shape: Expected shape of one item: `()` for labels, `(28, 28)` for images.
        most: Largest number of items that is accepted.

    Returns:
        uint8 array of shape `(items, *item_shape)`.

    Raises:
        DataFileError: If the file is anything else, truncated, or has bytes left over.

    Example:

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     file.flush()
    ...     read_idx(file.name, (), most=10)
    array([7, 2, 1], dtype=uint8)
    """
    with naming(path), open_maybe_gzip(path) as stream:
        shape = _read_header(stream, 1 + len(item_shape), path)
        if shape[1:] != item_shape:
            raise DataFileError(path, f"its items have shape {shape[1:]}, not {item_shape}")
        if not 0 < shape[0] <= most:
            raise DataFileError(path, f"it has {shape[0]:,} items, not 1 to {most:,}")
        return read_array(stream, shape, path)


def _read_header(stream: IO[bytes], axes: int, path: PathLike) -> tuple[int, ...]:
    header = stream.read(4 + 4 * axes)
    if len(header) < 4:
        raise DataFileError(path, f"it ends after {len(header)} bytes, within its header")
    (magic,) = struct.unpack_from(">I", header)
    expected = _UNSIGNED_BYTE << 8 | axes
    if magic != expected:
        raise DataFileError(
            path,
            f"it begins with the magic number {_describe(magic)}, not {_describe(expected)}",
        )
    if len(header) < 4 + 4 * axes:
        raise DataFileError(path, f"it ends after {len(header)} bytes, within its header")
    return struct.unpack_from(f">{axes}I", header, 4)


def _describe(magic: int) -> str:
    content = f" ({_CONTENT[magic]})" if magic in _CONTENT else ""
    return f"0x{magic:08x}{content}"
