"""Calls of layers and models on arrays, the first and those like it."""

import numpy as np
import pytest

import convnet
from convnet import layers
from convnet.layers.array_call import plan_of_array

ROWS = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")


def dense():
    layer = layers.Dense(3)
    layer(ROWS[:1])
    return layer


@pytest.mark.parametrize("samples", [1, 2, 9, 11, 30])
def test_later_calls_compute_with_their_own_rows(samples):
    layer = dense()
    for begin in range(4):
        x = ROWS[begin : begin + samples]
        np.testing.assert_allclose(
            layer(x), x @ layer.kernel.numpy(), rtol=1e-5, atol=1e-6, strict=True
        )


def test_a_call_like_an_earlier_one_takes_its_plan():
    layer = dense()
    layer(ROWS[:2])
    assert plan_of_array(layer, (ROWS[3:9],), {}) is not None
    for other in [ROWS[:20], ROWS[:2].astype("float64"), ROWS[:8:2], ROWS[:2].T]:
        assert plan_of_array(layer, (other,), {}) is None
    for arguments in [{"training": True}, {"training": 1}, {"mask": None}]:
        assert plan_of_array(layer, (ROWS[:2],), arguments) is None


@pytest.mark.parametrize("dtype", ["float64", "int32", ">f4"])
def test_every_type_and_stride_gives_the_same(dtype):
    layer = dense()
    x = np.round(4 * ROWS)
    expected = layer(x)
    for array in (x.astype(dtype), x.astype(dtype), np.asfortranarray(x), x[::-1][::-1]):
        assert np.array_equal(layer(array), expected)


def test_new_weights_are_seen():
    layer = dense()
    before = layer(ROWS)
    layer.kernel.assign(2 * layer.kernel)
    np.testing.assert_allclose(layer(ROWS), 2 * before, rtol=1e-6)


def test_training_is_told_apart():
    layer = layers.Dropout(0.5, seed=1)
    for _ in range(2):
        assert np.array_equal(layer(ROWS), ROWS)
        assert (layer(ROWS, training=True) == 0).any()
        assert np.array_equal(layer(ROWS, training=False), ROWS)


def test_a_layer_added_to_a_model_is_seen():
    model = convnet.Sequential([layers.Input((4,)), layers.Dense(3)])
    assert model(ROWS).shape == (30, 3)
    model.add(layers.Dense(2))
    assert model(ROWS).shape == (30, 2)


def test_other_shapes_are_still_refused():
    layer = dense()
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 4"):
        layer(ROWS[:, :3].copy())


def test_wrong_arguments_are_still_refused():
    layer = dense()
    with pytest.raises(TypeError):
        layer(ROWS, other=1)
