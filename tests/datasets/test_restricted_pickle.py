"""The pickle reader agrees with Python on data, and refuses everything else."""

import os
import pickle
import struct

import numpy as np
import pytest
from dataset_files import python2_pickle, random_bytes

from convnet.datasets import restricted_pickle

ARRAY = random_bytes(3, 4)
VALUES = {
    b"data": ARRAY,
    "labels": [0, 255, 256, -1, 70_000, 2**40, -(2**40)],
    "texts": ("", "abc", "\u00e9\u4e2d", "x" * 300),
    "bytes": [b"", b"abc", b"y" * 300],
    "others": [None, True, False, 1.5, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, {1: [2]}],
}
PYTHON2 = python2_pickle(ARRAY.tobytes(), ARRAY.shape, [1, 2, 3])


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_agrees_with_pickle(protocol):
    loaded = restricted_pickle.load(pickle.dumps(VALUES, protocol))
    np.testing.assert_array_equal(loaded.pop(b"data"), ARRAY, strict=True)
    assert loaded == {name: value for name, value in VALUES.items() if name != b"data"}


def test_reads_an_array_that_protocol_5_wrote_from_a_buffer():
    content = pickle.dumps({"a": ARRAY}, protocol=5)
    assert b"_frombuffer" in content
    np.testing.assert_array_equal(restricted_pickle.load(content)["a"], ARRAY, strict=True)


def test_values_that_occur_twice_are_recalled():
    twice = ["a long enough text"] * 300
    assert restricted_pickle.load(pickle.dumps(twice)) == twice


def test_reads_a_pickle_of_python_2():
    loaded = restricted_pickle.load(PYTHON2)
    np.testing.assert_array_equal(loaded.pop(b"data"), ARRAY, strict=True)
    assert loaded == {
        b"batch_label": b"training batch 1 of 5",
        b"labels": [1, 2, 3],
        b"filenames": [b"a.png", b"b.png"],
    }


def test_the_python_2_pickle_of_these_tests_is_one():
    loaded = pickle.loads(PYTHON2, encoding="bytes")
    np.testing.assert_array_equal(loaded[b"data"], ARRAY, strict=True)


class _Call:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        _Call(os.system, "exit 1"),
        _Call(eval, "1 + 1"),
        _Call(getattr, "text", "upper"),
        _Call(np.load, "some.npy"),
        os.system,
        pickle.Unpickler,
        np.zeros(3),
        np.array([None]),
        np.zeros(3, np.int8),
        np.float64(1.5),
        object(),
        {1, 2},
        2 + 1j,
    ],
    ids=repr,
)
def test_refuses_what_is_no_data(protocol, value):
    with pytest.raises(ValueError, match=r"no array|not made of bytes|other than an array"):
        restricted_pickle.load(pickle.dumps(value, protocol))


def test_calls_nothing(monkeypatch):
    monkeypatch.setattr(os, "system", lambda _: pytest.fail("os.system was called"))
    for attack in (b"cos\nsystem\n(U\x04exittR.", b"(U\x04exitios\nsystem\n.", b"(cos\nsystem\no."):
        with pytest.raises(ValueError, match=r"os system|opcode"):
            restricted_pickle.load(b"\x80\x02" + attack)


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY = b"cnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
EMPTY_ARRAY = RECONSTRUCT + NDARRAY + b"K\x00\x85U\x01b\x87R"


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"K\x01K\x02.",
        b"(K\x01.",
        b"e.",
        b"K\x01a.",
        b"K\x01(K\x02e.",
        b"}(K\x01u.",
        b"}]K\x01s.",
        b"h\x05.",
        b"\x80\x63K\x01.",
        b"K\x01K\x02b.",
        b"K\x01)R.",
        b"P1\n.",
        b"\x82\x01.",
        RECONSTRUCT + b".",
        NDARRAY + b")R.",
        NDARRAY + b")\x81.",
        DTYPE + b".",
        EMPTY_ARRAY + b".",
        RECONSTRUCT + NDARRAY + b"J\x00\x00\x00\x7f\x85U\x01b\x87R.",
        EMPTY_ARRAY + b"K\x07b.",
        EMPTY_ARRAY + b"(K\x01K\x04\x85" + DTYPE + b"\x89U\x03abctb.",
        EMPTY_ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + DTYPE + b"\x89U\x00tb.",
        EMPTY_ARRAY + b"(K\x01U\x01a\x85" + DTYPE + b"\x89U\x01atb.",
        EMPTY_ARRAY + b"(K\x01K\x03\x85" + DTYPE + b"\x88U\x03abctb.",
        b"\x8e" + struct.pack("<Q", 2**62) + b"abc.",
        b"B\xff\xff\xff\xffabc.",
        b"X\x02\x00\x00\x00\xff\xff.",
        b"cnumpy",
    ],
)
def test_refuses_malformed_programs(program):
    with pytest.raises(ValueError, match=r".+"):
        restricted_pickle.load(program)


def test_a_pickle_cut_off_at_any_byte_is_refused():
    for content in (PYTHON2, *(pickle.dumps(VALUES, protocol) for protocol in (3, 4, 5))):
        for length in range(len(content)):
            with pytest.raises(ValueError, match=r".+"):
                restricted_pickle.load(content[:length])


def test_random_damage_gives_data_or_a_value_error():
    rng = np.random.default_rng(0)
    for _ in range(4000):
        damaged = np.frombuffer(PYTHON2, np.uint8).copy()
        places = rng.integers(0, len(damaged), rng.integers(1, 4))
        damaged[places] = rng.integers(0, 256, len(places))
        try:
            restricted_pickle.load(damaged.tobytes())
        except ValueError:
            continue


def test_deep_nesting_does_not_exhaust_the_stack():
    depth = 100_000
    value = restricted_pickle.load(b"]" * depth + b"a" * (depth - 1) + b".")
    for _ in range(depth - 1):
        (value,) = value
    assert value == []
