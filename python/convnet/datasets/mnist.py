"""MNIST: handwritten digits.

60,000 training and 10,000 test images of 28 x 28 grey pixels, with the digits as labels.
Source: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/; licence CC BY-SA 3.0.
"""

from __future__ import annotations

import os
from pathlib import Path

from convnet.datasets import locate, mnist_format
from convnet.datasets.reading import Split, warn_if_partial
from convnet.utils.file_utils import get_file

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Loads MNIST.

    Args:
        path: An npz file, a folder with one or with the four idx files (packed with gzip or
            not), or one of these. By default the folder `mnist` below the folder that
            `CONVNET_DATA` names, else the cache, else a download (11 MB). A bare name such as
            `"mnist.npz"` that is no file here is the name of the file in the cache, as in
            Keras.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(60000, 28, 28)` and
        `(10000, 28, 28)`, 0 for paper and 255 for ink, and uint8 labels of shape `(60000,)`
        and `(10000,)`.

    Raises:
        FileNotFoundError: If nothing is found and the download fails.
        ValueError: If a file is damaged, or is not what its name says.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 28, 28), (10000,))
    """
    cached_name = "mnist.npz"
    if path is not None and _is_cache_name(path):
        cached_name, path = os.fspath(path), None
    source = locate.find("mnist", path) or _cached_or_downloaded(cached_name)
    train, test = mnist_format.read(source, "mnist.npz")
    warn_if_partial("MNIST", len(train[0]), mnist_format.TRAIN_IMAGES, source)
    return train, test


def _is_cache_name(path: str | os.PathLike[str]) -> bool:
    name = os.fspath(path)
    return name.endswith(".npz") and os.path.basename(name) == name and not os.path.exists(name)


def _cached_or_downloaded(name: str) -> Path:
    try:
        return Path(get_file(name, _ORIGIN, file_hash=_SHA256))
    except OSError as error:
        files = f"mnist.npz or {', '.join(mnist_format.FILES)}"
        raise locate.unavailable("MNIST", "mnist", files, error) from error
