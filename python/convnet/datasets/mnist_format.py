"""Reader of MNIST and of data sets published in its form.

That is four idx files, each packed with gzip or not, or Keras's npz file with the same arrays.
"""

from __future__ import annotations

from pathlib import Path

from convnet.datasets import idx
from convnet.datasets.npz import read_npz
from convnet.datasets.reading import DataFileError, PathLike, Split, check_labels

TRAIN_IMAGES = 60_000
TEST_IMAGES = 10_000

IMAGE_SHAPE = (28, 28)
CLASSES = 10

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def read(source: Path, npz_name: str) -> tuple[Split, Split]:
    """Reads a data set in MNIST's form.

    Args:
        source: An npz file, one of the four idx files (the others lie beside it), or a folder
            with either.
        npz_name: Name of the npz file in a folder.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(n, 28, 28)` and labels
        from 0 to 9 of shape `(n,)`.

    Raises:
        FileNotFoundError: If the folder has neither form, or only a part of the idx files.
        DataFileError: If a file is damaged, or is not what its name says.
    """
    npz = source / npz_name if source.is_dir() else source
    if npz.is_file() and _is_zip(npz):
        train, test = read_npz(npz, IMAGE_SHAPE, (TRAIN_IMAGES, TEST_IMAGES))
        _check(train, npz)
        _check(test, npz)
        return train, test
    if source.is_file() and not any(source.name in _spellings(name) for name in FILES):
        raise DataFileError(source, f"it is neither an npz file nor one of {', '.join(FILES)}")
    return _read_idx_files(source if source.is_dir() else source.parent, npz_name)


def _read_idx_files(folder: Path, npz_name: str) -> tuple[Split, Split]:
    found = [_find(folder, name) for name in FILES]
    missing = [name for name, path in zip(FILES, found, strict=True) if path is None]
    if missing:
        raise FileNotFoundError(
            f"{folder} has no {npz_name}, and of the idx files it lacks {', '.join(missing)}."
        )
    train_images, train_labels, test_images, test_labels = (path for path in found if path)
    return (
        _read_split(train_images, train_labels, TRAIN_IMAGES),
        _read_split(test_images, test_labels, TEST_IMAGES),
    )


def _read_split(images: Path, labels: Path, most: int) -> Split:
    split = idx.read_idx(images, IMAGE_SHAPE, most), idx.read_idx(labels, (), most)
    _check(split, labels)
    return split


def _check(split: Split, path: PathLike) -> None:
    images, labels = split
    check_labels(labels, images, CLASSES, path)


def _find(folder: Path, name: str) -> Path | None:
    return next((folder / n for n in _spellings(name) if (folder / n).is_file()), None)


def _spellings(name: str) -> tuple[str, ...]:
    plain = name.removesuffix(".gz")
    dotted = plain.replace("-idx", ".idx")
    return name, plain, f"{dotted}.gz", dotted


def _is_zip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"PK"
