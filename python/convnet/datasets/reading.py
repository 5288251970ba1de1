"""Reading of data files whose content nobody vouches for.

Sizes are known before anything is allocated, no more than that is ever unpacked, and whatever
is wrong becomes a `ValueError` that names the file.
"""

from __future__ import annotations

import errno
import gzip
import os
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Split: TypeAlias = tuple[Bytes, Bytes]  # images, labels
PathLike: TypeAlias = str | os.PathLike[str]

_CHUNK = 1 << 20
_DAMAGED = (
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class DataFileError(ValueError):
    """A data file that is truncated, oversized, mislabelled or damaged.

    Args:
        path: The file.
        problem: What is wrong with it.

    Example:

    >>> print(DataFileError("t10k-labels.gz", "it is empty"))
    Invalid data file t10k-labels.gz: it is empty.
    """

    def __init__(self, path: PathLike, problem: str) -> None:
        super().__init__(f"Invalid data file {path}: {problem}.")


@contextmanager
def naming(path: PathLike) -> Iterator[None]:
    """Turns what a library raises over a damaged file into a `DataFileError` that names it.

    Args:
        path: The file that is read in the block.

    Raises:
        DataFileError: If the block raises an error that damaged content explains.

    Example:

    >>> try:
    ...     with naming("a.gz"):
    ...         raise EOFError("Compressed file ended too soon")
    ... except ValueError as error:
    ...     print(error)
    Invalid data file a.gz: Compressed file ended too soon.
    """
    try:
        yield
    except DataFileError:
        raise
    except _DAMAGED as error:
        # gzip's own errors have no errno; zipfile seeks to where a damaged offset points.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise DataFileError(path, str(error) or type(error).__name__) from error


def open_maybe_gzip(path: PathLike) -> IO[bytes]:
    """Opens a file for reading and unpacks it on the way if it begins like a gzip file.

    Args:
        path: The file, whatever its name ends in.

    Example:

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(gzip.compress(b"data"))
    ...     file.flush()
    ...     open_maybe_gzip(file.name).read()
    b'data'
    """
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else open(path, "rb")


def read_array(stream: IO[bytes], shape: tuple[int, ...], path: PathLike) -> Bytes:
    """Reads an array of bytes that must end where the stream ends.

    Args:
        stream: Where to read from.
        shape: Shape of the array.
        path: File named in errors.

    Returns:
        uint8 array of the given shape, writable.

    Raises:
        DataFileError: If the stream has fewer or more bytes.

    Example:

    >>> import io
    >>> read_array(io.BytesIO(b"abcd"), (2, 2), "a.bin")
    array([[ 97,  98],
           [ 99, 100]], dtype=uint8)
    """
    array = np.empty(shape, np.uint8)
    view = array.reshape(-1).data
    done = 0
    while done < array.size:
        chunk = stream.read(min(_CHUNK, array.size - done))
        if not chunk:
            raise DataFileError(path, f"its data ends after {done:,} of {array.size:,} bytes")
        view[done : done + len(chunk)] = chunk
        done += len(chunk)
    if stream.read(1):
        raise DataFileError(path, f"bytes are left over after the {array.size:,} of its data")
    return array


def check_labels(labels: Bytes, images: Bytes, classes: int, path: PathLike) -> None:
    """Checks that there is one label an image and that each is the number of a class.

    Args:
        labels: Class numbers, shape `(n,)` or `(n, 1)`.
        images: Images, shape `(n, ...)`.
        classes: Number of classes.
        path: File named in errors.

    Raises:
        DataFileError: If the counts disagree or a label is out of range.
    """
    if len(labels) != len(images):
        raise DataFileError(path, f"it has {len(labels):,} labels for {len(images):,} images")
    if labels.max() >= classes:
        index = int(np.argmax(labels >= classes))
        label = labels.reshape(-1)[index]
        raise DataFileError(path, f"label {index} is {label}, not one of 0 to {classes - 1}")


def warn_if_partial(title: str, count: int, full: int, source: PathLike) -> None:
    """Warns the caller of `load_data` that only a part of the training images is there.

    Args:
        title: The data set's own name.
        count: Number of training images found.
        full: Number of training images published.
        source: Where they were found.
    """
    if count < full:
        warnings.warn(
            f"{source} has only {count:,} of the {full:,} training images of {title}.",
            stacklevel=3,
        )
