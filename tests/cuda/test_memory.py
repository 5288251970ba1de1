"""What happens when the GPU has no memory left."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import convnet
from convnet import DeviceArray, _core, layers
from tests.cuda.nets import X, Y, assert_same_bits, mlp, trained

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("on_gpu", "emulation")]


def test_the_message_says_what_was_asked_and_what_is_free(leave):
    leave(5 << 20)
    with pytest.raises(MemoryError, match=r"asked for 8 MB, 5 MB of \d+ MB are free"):
        DeviceArray(np.zeros(1 << 20))


def test_training_goes_on_when_there_is_memory_again(leave):
    model, same = mlp(rate=0.0), mlp(rate=0.0)
    leave(1000)
    with pytest.raises(MemoryError, match="The GPU has no memory left"):
        model.fit(X, Y, verbose=0)
    leave(None)
    for net in (model, same):
        net.fit(X, Y, shuffle=False, verbose=0)
    assert_same_bits(model, same)


@pytest.mark.parametrize("free", [600, 5_000, 20_000])
def test_wherever_memory_ends_weights_stay(leave, free):
    model = trained()[0]
    expected = trained()[0].get_weights()
    leave(free)
    wide = np.zeros((600, 6), np.uint8)
    with pytest.raises(MemoryError):
        model.predict(wide, verbose=0)
    for a, b in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    leave(None)
    with convnet.device("cpu"):
        on_cpu = model.predict(wide, verbose=0)
    np.testing.assert_allclose(model.predict(wide, verbose=0), on_cpu, rtol=1e-5, atol=1e-6)


def test_a_chunk_becomes_smaller_where_there_is_no_memory_for_a_larger_one(leave):
    model = convnet.Sequential([layers.Input((1 << 8, 1)), layers.GlobalMaxPooling1D()])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((300, 1 << 8, 1), dtype=np.float32)
    model.evaluate(x[:4], np.zeros((4, 1)), batch_size=4, verbose=0)
    leave(9_000)  # of 7000 that a step needs and 12000 that two do
    loss = model.evaluate(x, x.max(axis=1), batch_size=4, verbose=0)
    assert loss == 0


def test_memory_is_given_back():
    def used() -> int:
        device = _core.cuda_devices()[0]
        return int(device["memory"] - device["free"])

    gc.collect()
    before = used()
    for _ in range(2):
        model = trained(validation_data=(X, Y))[0]
        model.predict(DeviceArray(X), verbose=0)
        del model
    gc.collect()
    assert used() <= before
