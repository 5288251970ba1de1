"""to_categorical and normalize."""

import numpy as np
import pytest

from convnet.utils import normalize, to_categorical


@pytest.mark.parametrize("shape", [(), (5,), (5, 1), (4, 3), (2, 3, 1), (1, 1), (1,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_to_categorical_puts_classes_on_a_new_last_axis(shape, dtype):
    labels = np.random.default_rng(0).integers(0, 6, shape).astype(dtype)
    encoded = to_categorical(labels, 6)
    kept = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
    assert encoded.shape == (*kept, 6)
    assert encoded.dtype == np.float32
    np.testing.assert_array_equal(encoded.argmax(-1), labels.reshape(kept))
    np.testing.assert_array_equal(encoded.sum(-1), np.ones(kept))


@pytest.mark.parametrize("num_classes", [None, 0])
def test_to_categorical_counts_classes_by_the_largest(num_classes):
    np.testing.assert_array_equal(to_categorical([0, 2], num_classes), [[1, 0, 0], [0, 0, 1]])


def test_to_categorical_of_nothing():
    assert to_categorical([], 3).shape == (0, 3)
    with pytest.raises(ValueError, match="Argument `num_classes` is needed when `x` is empty"):
        to_categorical([])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "from 0 to num_classes - 1 = 2. Received: 3"),
        ([0, -1], "Received: -1"),
        ([0.5, 1.0], r"Expected integer class numbers. Received: x=\[0.5 1. \]"),
        ([np.nan], "Expected integer class numbers"),
        ([np.inf], "Expected integer class numbers"),
    ],
)
def test_to_categorical_refuses_what_is_no_class_number(labels, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(labels, 3)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2])
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
def test_normalize_gives_vectors_of_norm_one(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    norms = np.linalg.norm(normalize(x, axis=axis, order=order), order, axis)
    np.testing.assert_allclose(norms, 1.0, rtol=1e-12)


def test_normalize_keeps_direction_and_zeros():
    np.testing.assert_allclose(normalize([[3, -4], [0, 0]]), [[0.6, -0.8], [0, 0]])
    assert normalize(np.ones((2, 2), np.float32)).dtype == np.float32
