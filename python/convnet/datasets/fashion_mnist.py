"""Fashion-MNIST: articles of clothing, in MNIST's form.

60,000 training and 10,000 test images of 28 x 28 grey pixels in ten classes. Source: H. Xiao,
K. Rasul, R. Vollgraf, https://github.com/zalandoresearch/fashion-mnist; licence MIT, copyright
Zalando SE.
"""

from __future__ import annotations

import os
from pathlib import Path

from convnet.datasets import locate, mnist_format
from convnet.datasets.reading import Split, warn_if_partial
from convnet.utils.file_utils import get_file

_ORIGIN = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Loads Fashion-MNIST.

    The classes are 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
    7 sneaker, 8 bag, 9 ankle boot.

    Args:
        path: A folder with the four idx files (packed with gzip or not) or with
            `fashion_mnist.npz`, or one of these files. By default the folder `fashion_mnist`
            below the folder that `CONVNET_DATA` names, else the cache, else a download (31 MB).

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(60000, 28, 28)` and
        `(10000, 28, 28)`, and uint8 labels of shape `(60000,)` and `(10000,)`.

    Raises:
        FileNotFoundError: If nothing is found and the download fails.
        ValueError: If a file is damaged, or is not what its name says.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 28, 28), (10000,))
    """
    source = locate.find("fashion_mnist", path) or _cached_or_downloaded()
    train, test = mnist_format.read(source, "fashion_mnist.npz")
    warn_if_partial("Fashion-MNIST", len(train[0]), mnist_format.TRAIN_IMAGES, source)
    return train, test


def _cached_or_downloaded() -> Path:
    folder = os.path.join("datasets", "fashion-mnist")
    try:
        paths = [
            get_file(name, _ORIGIN + name, file_hash=md5, cache_subdir=folder)
            for name, md5 in _MD5.items()
        ]
    except OSError as error:
        files = f"{', '.join(_MD5)} or fashion_mnist.npz"
        raise locate.unavailable("Fashion-MNIST", "fashion_mnist", files, error) from error
    return Path(paths[0]).parent
