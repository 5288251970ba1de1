"""CIFAR-10: small colour photographs.

50,000 training and 10,000 test images of 32 x 32 pixels in ten classes. Source: A. Krizhevsky,
"Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from convnet.datasets import cifar_batch, locate
from convnet.datasets.reading import (
    DataFileError,
    PathLike,
    Split,
    naming,
    open_maybe_gzip,
    warn_if_partial,
)
from convnet.utils.file_utils import cache_home, get_file
from convnet.utils.limited_reader import LimitedReader

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
_CACHE_NAME = "cifar-10-batches-py-target"  # Keras's, so that one cache serves both

_TEST = "test_batch"
_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")
_ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz")
_MOST_UNPACKED = 256 << 20  # the published archives unpack to 178 MiB


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Loads CIFAR-10.

    The classes are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
    8 ship, 9 truck. If some of the five training batches are missing, the rest is loaded with
    a warning.

    Args:
        path: `cifar-10-python.tar.gz` or `cifar-10-binary.tar.gz`, a folder with one of these
            or with the batches out of it, or one of the batches. By default the folder
            `cifar10` below the folder that `CONVNET_DATA` names, else the cache, else a
            download (170 MB).

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(50000, 32, 32, 3)` and
        `(10000, 32, 32, 3)`, and uint8 labels of shape `(50000, 1)` and `(10000, 1)`.

    Raises:
        FileNotFoundError: If nothing is found and the download fails, or if the test batch or
            all training batches are missing.
        ValueError: If a file is damaged, or is not what its name says.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((50000, 32, 32, 3), (10000, 1))
    """
    source = locate.find("cifar10", path) or _cached_or_downloaded()
    batches = _read_batches(source)
    train = [batches[name] for name in _TRAIN if name in batches]
    missing = [name for name in (*_TRAIN, _TEST) if name not in batches]
    if not train or _TEST in missing:
        raise FileNotFoundError(
            f"{source} has no batches of CIFAR-10 named {', '.join(missing)} (as binary files, "
            f"as Python pickles or in one of {', '.join(_ARCHIVES)})."
        )
    x_train = np.concatenate([images for images, _ in train])
    y_train = np.concatenate([labels for _, labels in train])
    warn_if_partial("CIFAR-10", len(x_train), len(_TRAIN) * cifar_batch.IMAGES, source)
    return (x_train, y_train), batches[_TEST]


def _cached_or_downloaded() -> Path:
    cached = cache_home() / "datasets" / _CACHE_NAME
    if cached.is_dir():
        return cached
    try:
        return Path(get_file(_CACHE_NAME, _ORIGIN, file_hash=_SHA256, extract=True))
    except OSError as error:
        raise locate.unavailable("CIFAR-10", "cifar10", " or ".join(_ARCHIVES), error) from error


def _read_batches(source: Path) -> dict[str, Split]:
    if source.is_dir():
        return _read_folder(source)
    if source.name.removesuffix(".bin") in (*_TRAIN, _TEST):
        return _read_folder(source.parent)
    return dict(_read_archive(source))


def _read_folder(folder: Path) -> dict[str, Split]:
    for place in (folder, *(folder / name for name in _FOLDERS)):
        for suffix in ("", ".bin"):
            paths = [place / f"{name}{suffix}" for name in (*_TRAIN, _TEST)]
            if present := [path for path in paths if path.is_file()]:
                return {path.stem: _read_file(path) for path in present}
    for name in _ARCHIVES:
        if (folder / name).is_file():
            return dict(_read_archive(folder / name))
    return {}


def _read_file(path: Path) -> Split:
    with open(path, "rb") as stream:
        return _read_batch(stream, path.name, path)


def _read_archive(path: Path) -> Iterator[tuple[str, Split]]:
    seen = set()
    with (
        naming(path),
        LimitedReader(open_maybe_gzip(path), _MOST_UNPACKED, path) as stream,
        # As a stream ("|"): members are read in their order, and nothing is written to disk.
        tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 18) as archive,
    ):
        for member in archive:
            file = os.path.basename(member.name)
            name = file.removesuffix(".bin")
            if name not in (*_TRAIN, _TEST):
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or name in seen:
                raise DataFileError(path, f"{member.name} is no file, or is there twice")
            seen.add(name)
            yield name, _read_batch(content, file, f"{path}:{member.name}")


def _read_batch(stream: IO[bytes], file_name: str, path: PathLike) -> Split:
    if file_name.endswith(".bin"):
        return cifar_batch.read_binary_batch(stream, path)
    return cifar_batch.read_python_batch(stream, path)
