"""Reader of npz files with the arrays x_train, y_train, x_test and y_test.

Only arrays of unsigned bytes are read, so that nothing in the file can be a pickle.
"""

from __future__ import annotations

import re
import zipfile
from typing import IO

from convnet.datasets.reading import (
    Bytes,
    DataFileError,
    PathLike,
    Split,
    naming,
    read_array,
)

# What NumPy writes; its own reader evaluates a header as Python source.
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': (.+), 'fortran_order': (False|True), 'shape': \(([0-9L, ]{0,99})\), \}\s*"
)


def read_npz(
    path: PathLike, image_shape: tuple[int, ...], most: tuple[int, int]
) -> tuple[Split, Split]:
    """Reads an npz file of images and labels in unsigned bytes.

    Args:
        path: The file.
        image_shape: Expected shape of one image.
        most: Largest numbers of training and of test images that are accepted.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays of shape `(n, *image_shape)` and
        `(n,)`.

    Raises:
        DataFileError: If an array is missing, has another type or shape, or is damaged.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> x, y = np.zeros((2, 3, 3), np.uint8), np.ones(2, np.uint8)
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     np.savez(file, x_train=x, y_train=y, x_test=x, y_test=y)
    ...     file.flush()
    ...     (x_train, y_train), _ = read_npz(file.name, (3, 3), most=(10, 10))
    >>> x_train.shape, y_train
    ((2, 3, 3), array([1, 1], dtype=uint8))
    """
    with naming(path), zipfile.ZipFile(path) as archive:
        _check_names(archive, path)
        train, test = (
            (
                _read_member(archive, f"x_{part}", image_shape, count, path),
                _read_member(archive, f"y_{part}", (), count, path),
            )
            for part, count in zip(("train", "test"), most, strict=True)
        )
        return train, test


def _check_names(archive: zipfile.ZipFile, path: PathLike) -> None:
    names = archive.namelist()
    for name in ("x_train", "y_train", "x_test", "y_test"):
        count = names.count(f"{name}.npy")
        if count != 1:
            raise DataFileError(path, f"it has {count} arrays named {name}, not 1")


def _read_member(
    archive: zipfile.ZipFile, name: str, item_shape: tuple[int, ...], most: int, path: PathLike
) -> Bytes:
    with archive.open(f"{name}.npy") as stream:
        dtype, fortran_order, shape = _read_header(stream)
        if dtype != "|u1":
            raise DataFileError(path, f"{name} has dtype {dtype}, not |u1 (unsigned bytes)")
        if not shape or shape[1:] != item_shape or not 0 < shape[0] <= most:
            wanted = ", ".join(str(size) for size in (f"1 to {most:,}", *item_shape))
            raise DataFileError(path, f"{name} has shape {shape}, not ({wanted})")
        if fortran_order:
            return read_array(stream, shape[::-1], path).T
        return read_array(stream, shape, path)


def _read_header(stream: IO[bytes]) -> tuple[str, bool, tuple[int, ...]]:
    start = stream.read(10)
    if not start.startswith(_MAGIC) or len(start) < 10:
        raise ValueError("it has a member that is not in version 1.0 of the npy format")
    header = stream.read(int.from_bytes(start[8:], "little")).decode("latin-1")
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError(f"it has an array with the header {header[:80]!r}")
    dtype, order, shape = match.groups()
    sizes = tuple(int(size) for size in re.findall("[0-9]+", shape))
    return dtype.strip("'"), order == "True", sizes
