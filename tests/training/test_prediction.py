"""`predict` for any number of samples: whole shards, a few beyond them, a few in all."""

import numpy as np
import pytest

import convnet
from convnet import layers


def cnn():
    return convnet.Sequential(
        [
            layers.Input((6, 5, 2)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def mlp():
    return convnet.Sequential(
        [layers.Input((20, 15)), layers.Flatten(), layers.Dense(33, "relu"), layers.Dense(4)]
    )


def two_ends():
    image, row = layers.Input((6, 5, 2), name="image"), layers.Input((7,), name="row")
    flat = layers.Flatten()(layers.Conv2D(3, 3)(image))
    joined = layers.Concatenate()([flat, row])
    ends = {"a": layers.Dense(2)(joined), "b": layers.Dense(3)(flat)}
    return convnet.Model({"image": image, "row": row}, ends)


def samples(model, n):
    rng = np.random.default_rng(n)
    return convnet.tree.map_structure(
        lambda t: rng.normal(size=(n, *t.shape[1:])).astype(np.float32), model.input
    )


@pytest.mark.parametrize("n", [1, 2, 10, 11, 16, 17, 26, 27, 31, 42, 300])
@pytest.mark.parametrize("make", [cnn, mlp, two_ends])
def test_a_sample_predicts_the_same_in_any_company(make, n):
    convnet.utils.set_random_seed(1)
    model = make()
    x = samples(model, n)
    got = convnet.tree.flatten(model.predict(x, verbose=0))
    for row in {0, n // 2, n - 1}:
        alone = convnet.tree.map_structure(lambda a, row=row: a[row : row + 1], x)
        for one, all_ in zip(
            convnet.tree.flatten(model.predict(alone, verbose=0)), got, strict=True
        ):
            assert all_.shape == (n, *one.shape[1:])
            np.testing.assert_allclose(all_[row : row + 1], one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [5, 16, 20])
def test_arrays_like_the_last_give_their_own_results(n):
    model = cnn()
    first, second = samples(model, n), samples(model, n + 1)[:n]
    expected = model.predict(second, verbose=0)
    for x in (first, second, first, second[::-1]):
        got = model.predict(x, verbose=0)
    np.testing.assert_allclose(got[::-1], expected, rtol=1e-4)
    assert np.array_equal(model.predict(second, verbose=0), expected)


def test_changed_weights_are_seen_by_the_parts_of_a_batch():
    model = cnn()
    x = samples(model, 20)
    before = model.predict(x, verbose=0)
    model.set_weights([2 * w for w in model.get_weights()])
    after = model.predict(x, verbose=0)
    assert (before != after).any(axis=1).all()


@pytest.mark.parametrize("n", [1, 5, 19])
def test_whatever_follows_a_prediction_is_looked_at_anew(n):
    model = cnn()
    x = np.round(4 * samples(model, n))
    expected = model.predict(x, verbose=0)
    strided = np.zeros((2 * n, *x.shape[1:]), "float32")
    strided[::2] = x
    for other in [x.astype("float64"), x.astype("int8"), x.astype(">f4"), strided[::2], x.tolist()]:
        assert np.array_equal(model.predict(x, verbose=0), expected)
        assert np.array_equal(model.predict(other, verbose=0), expected)
    assert model.predict(np.repeat(x, 2, axis=0), verbose=0).shape == (2 * n, 4)
    for wrong in [x[:0], x[..., :1], x[0], x.astype(str)]:
        with pytest.raises(ValueError):
            model.predict(wrong, verbose=0)
