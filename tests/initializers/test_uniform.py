"""Uniform draws are those of NumPy's generator, whoever makes them."""

import numpy as np
import pytest

from convnet import _core, random


def drawn(shape, key, scale, offset):
    numbers = np.empty(shape, np.float32)
    _core.fill_uniform(numbers, key, scale, offset)
    return numbers


def numpy_uniform(shape, key, scale, offset):
    generator = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
    return generator.random(shape, np.float32) * np.float32(scale) + np.float32(offset)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (8,), (9,), (3, 5, 70), (1027, 4)])
@pytest.mark.parametrize("key", [(0, 0), (7, 1), (2**63 + 5, 2**64 - 1)])
def test_every_number_is_that_of_numpy(shape, key):
    got = drawn(shape, np.array(key, np.uint64), 0.3, -0.15)
    assert np.array_equal(got, numpy_uniform(shape, key, 0.3, -0.15))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_large_draws_are_the_same_on_any_number_of_threads(threads):
    _core.set_num_threads(threads)
    try:
        got = drawn((1001, 700), [5, 6], 2.0, -1.0)
    finally:
        _core.set_num_threads(0)
    assert np.array_equal(got, numpy_uniform((1001, 700), (5, 6), 2.0, -1.0))


def test_other_types_are_rounded_from_float32():
    draws = random.uniform((100,), -2, 2, seed=4)
    assert np.array_equal(random.uniform((100,), -2, 2, "float16", 4), draws.astype(np.float16))
