"""Uniform draws are Philox's on every instruction set and number of threads."""

import numpy as np
import pytest

from convnet import _core, random

UNIT = 64  # numbers that are drawn at once: four words of sixteen blocks


def philox(counters, key):
    """The four words [4, blocks] of Philox4x32-10 of these counters [4, blocks]."""
    x = [np.asarray(words, np.uint64) for words in counters]
    key = list(key)
    for _ in range(10):
        first, third = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
        high = [first >> np.uint64(32), third >> np.uint64(32)]
        low = [first & np.uint64(0xFFFFFFFF), third & np.uint64(0xFFFFFFFF)]
        x = [high[1] ^ x[1] ^ np.uint64(key[0]), low[1], high[0] ^ x[3] ^ np.uint64(key[1]), low[0]]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return np.stack(x)


def halves(word):
    return word % 2**32, word >> 32


def expected(shape, key, scale, offset):
    size = int(np.prod(shape))
    units = -(-size // UNIT)
    blocks = np.arange(16 * units, dtype=np.uint64)
    upper = [np.full_like(blocks, half) for half in halves(key[1])]
    words = philox([blocks, np.zeros_like(blocks), *upper], halves(key[0]))
    numbers = words.reshape(4, units, 16).transpose(1, 0, 2).ravel()[:size]
    u = (numbers >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    return (u * np.float32(scale) + np.float32(offset)).reshape(shape)


def drawn(shape, key, scale, offset):
    numbers = np.empty(shape, np.float32)
    _core.fill_uniform(numbers, np.array(key, np.uint64), scale, offset)
    return numbers


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # the known answers of the Random123 library
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([2**32 - 1] * 4, [2**32 - 1] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ],
)
def test_the_oracle_knows_the_published_answers(counter, key, words):
    assert philox([[word] for word in counter], key)[:, 0].tolist() == words


@pytest.mark.parametrize("shape", [(), (0,), (1,), (63,), (64,), (65,), (3, 5, 70), (1027, 4)])
@pytest.mark.parametrize("key", [(0, 0), (7, 1), (2**63 + 5, 2**64 - 1)])
def test_every_number_is_that_of_the_oracle(shape, key):
    assert np.array_equal(drawn(shape, key, 0.3, -0.15), expected(shape, key, 0.3, -0.15))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_large_draws_are_the_same_on_any_number_of_threads(threads):
    _core.set_num_threads(threads)
    try:
        got = drawn((1001, 700), (5, 6), 2.0, -1.0)
    finally:
        _core.set_num_threads(0)
    assert np.array_equal(got, expected((1001, 700), (5, 6), 2.0, -1.0))


def test_numbers_fill_the_interval_evenly():
    numbers = drawn((1 << 20,), (3, 0), 1.0, 0.0)
    counts, _ = np.histogram(numbers, 64, (0, 1))
    assert numbers.min() >= 0 and numbers.max() < 1
    assert (np.abs(counts - 2**14) < 5 * 2**7).all()  # five standard deviations


def test_other_types_are_rounded_from_float32():
    draws = random.uniform((100,), -2, 2, seed=4)
    assert np.array_equal(random.uniform((100,), -2, 2, "float16", 4), draws.astype(np.float16))
