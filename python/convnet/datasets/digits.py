"""Digits: a part of MNIST that comes with the package.

6,000 training and 1,000 test images, 600 and 100 of each digit, taken at even distances from
MNIST's and left in its order. Source: Y. LeCun, C. Cortes, C. Burges,
http://yann.lecun.com/exdb/mnist/; licence CC BY-SA 3.0, see DIGITS_LICENSE.txt.
"""

from __future__ import annotations

from pathlib import Path

from convnet.datasets.npz import read_npz
from convnet.datasets.reading import Split

_FILE = Path(__file__).with_name("digits.npz")


def load_data() -> tuple[Split, Split]:
    """Loads the digits; needs no network.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(6000, 28, 28)` and
        `(1000, 28, 28)`, 0 for paper and 255 for ink, and uint8 labels of shape `(6000,)` and
        `(1000,)`.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((6000, 28, 28), (1000, 28, 28))
    >>> y_train[:8]
    array([5, 0, 4, 1, 9, 2, 3, 6], dtype=uint8)
    """
    return read_npz(_FILE, (28, 28), most=(6_000, 1_000))
