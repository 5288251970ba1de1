"""Reader of the batches that CIFAR-10 is published in: 10,000 images each.

The binary version has one byte of label and 3 x 32 x 32 bytes of pixels an image; the Python
version is a pickled dict with the same bytes in `data` and a list in `labels`. Source:
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from typing import IO

import numpy as np

from convnet.datasets import restricted_pickle
from convnet.datasets.reading import (
    Bytes,
    DataFileError,
    PathLike,
    Split,
    check_labels,
    naming,
    read_array,
)

CLASSES = 10
IMAGES = 10_000  # of one batch

_PIXELS = 3 * 32 * 32
_MOST_BYTES_BESIDE_PIXELS = 4 << 20  # labels and file names, of a pickled batch


def read_binary_batch(stream: IO[bytes], path: PathLike) -> Split:
    """Reads a batch of the binary version.

    Args:
        stream: Where to read from.
        path: File named in errors.

    Returns:
        uint8 images of shape `(10000, 32, 32, 3)` and labels of shape `(10000, 1)`.

    Raises:
        DataFileError: If the batch is truncated, too long or has a label out of range.
    """
    with naming(path):
        records = read_array(stream, (IMAGES, 1 + _PIXELS), path)
        return _checked(records[:, 1:], records[:, :1].copy(), path)


def read_python_batch(stream: IO[bytes], path: PathLike) -> Split:
    """Reads a batch of the Python version without unpickling it.

    Args:
        stream: Where to read from.
        path: File named in errors.

    Returns:
        uint8 images of shape `(10000, 32, 32, 3)` and labels of shape `(10000, 1)`.

    Raises:
        DataFileError: If the batch is damaged, holds anything but data, or has a label out of
            range.
    """
    most = IMAGES * _PIXELS + _MOST_BYTES_BESIDE_PIXELS
    with naming(path):
        data = stream.read(most + 1)
        if len(data) > most:
            raise DataFileError(path, f"it has more than the {most:,} bytes of a batch")
        content = restricted_pickle.load(data)
        pixels, labels = _entry(content, "data"), _entry(content, "labels")
        if not isinstance(pixels, np.ndarray) or pixels.shape != (IMAGES, _PIXELS):
            shape = getattr(pixels, "shape", type(pixels).__name__)
            raise DataFileError(path, f"its data is {shape}, not {(IMAGES, _PIXELS)} bytes")
        return _checked(pixels, _label_array(labels), path)


def _entry(content: object, name: str) -> object:
    if isinstance(content, dict):
        for key in (name, name.encode()):
            if key in content:
                return content[key]
    raise ValueError(f"it has no entry {name!r}")


def _label_array(labels: object) -> Bytes:
    if not isinstance(labels, list) or not all(
        type(label) is int and 0 <= label < 256 for label in labels
    ):
        raise ValueError(f"its labels are not a list of numbers from 0 to {CLASSES - 1}")
    return np.array(labels, np.uint8).reshape(-1, 1)


def _checked(pixels: Bytes, labels: Bytes, path: PathLike) -> Split:
    check_labels(labels, pixels, CLASSES, path)
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels
