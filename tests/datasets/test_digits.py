"""The digits that come with the package."""

from pathlib import Path

import numpy as np
import pytest
from dataset_files import SHARED, assert_same, needs_shared_data

from convnet.datasets import _make_digits, digits, mnist

FOLDER = Path(digits.__file__).parent


def test_shapes_types_and_balance():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, x_test.shape) == ((6000, 28, 28), (1000, 28, 28))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert np.bincount(y_train).tolist() == [600] * 10
    assert np.bincount(y_test).tolist() == [100] * 10
    assert x_train.min() == 0
    assert x_train.max() == 255


def test_any_part_of_them_has_all_digits():
    (_, y_train), _ = digits.load_data()
    assert np.bincount(y_train[-1200:], minlength=10).min() > 80


def test_the_file_is_small():
    assert (FOLDER / "digits.npz").stat().st_size < 1_000_000


def test_attribution_and_licence_lie_beside_the_file():
    text = (FOLDER / "DIGITS_LICENSE.txt").read_text(encoding="ascii")
    for part in ("LeCun", "Cortes", "Burges", "has been modified", "Attribution-ShareAlike 3.0"):
        assert part in text


@needs_shared_data
def test_they_are_the_selection_from_mnist():
    train, test = mnist.load_data(SHARED / "mnist")
    expected = _make_digits.subset(train, 600), _make_digits.subset(test, 100)
    assert_same(digits.load_data(), expected)


@pytest.mark.parametrize("per_class", [1, 3])
def test_the_selection_is_balanced_sorted_and_spread(per_class):
    labels = np.repeat(np.arange(3, dtype=np.uint8), 9)
    taken = _make_digits.select(labels, per_class)
    assert np.bincount(labels[taken]).tolist() == [per_class] * 3
    assert (np.diff(taken) >= 9 // per_class).all()
