"""Makes digits.npz from MNIST: `python -m convnet.datasets._make_digits MNIST_FOLDER`."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convnet.datasets import mnist
from convnet.datasets.reading import Bytes, Split

TRAIN_PER_CLASS = 600
TEST_PER_CLASS = 100


def select(labels: Bytes, per_class: int) -> NDArray[np.int64]:
    """Returns which images to take: at even distances within each class, in their order.

    Args:
        labels: Class numbers of all images.
        per_class: Number of images to take of each class.

    Example:

    >>> select(np.array([0, 1, 0, 1, 0, 1, 0, 1], np.uint8), per_class=2)
    array([0, 1, 4, 5])
    """
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    taken = [members[np.arange(per_class) * len(members) // per_class] for members in classes]
    return np.sort(np.concatenate(taken))


def subset(split: Split, per_class: int) -> Split:
    """Returns the images and labels that `select` takes.

    Args:
        split: Images and labels.
        per_class: Number of images to take of each class.
    """
    images, labels = split
    indices = select(labels, per_class)
    return images[indices], labels[indices]


def main(folder: str) -> None:
    """Writes digits.npz beside this file.

    Args:
        folder: Folder with MNIST.
    """
    train, test = mnist.load_data(folder)
    x_train, y_train = subset(train, TRAIN_PER_CLASS)
    x_test, y_test = subset(test, TEST_PER_CLASS)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    write_npz(Path(__file__).with_name("digits.npz"), arrays)


def write_npz(path: Path, arrays: dict[str, Bytes]) -> None:
    """Writes what `np.load` reads, a sixth smaller than `np.savez_compressed` does.

    Args:
        path: The file.
        arrays: Arrays by name.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # of a fixed date, so that the file is the same
            info.compress_type = zipfile.ZIP_LZMA
            with archive.open(info, "w") as member:
                np.lib.format.write_array(member, array, version=(1, 0))


if __name__ == "__main__":
    main(sys.argv[1])
