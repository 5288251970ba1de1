"""What is made of weights alone is kept from run to run while weights stay."""

import threading

import numpy as np
import pytest

import convnet
from convnet import _core


@pytest.mark.parametrize("lanes", [1, 16])
def test_packed_weights_follow_announced_changes(lanes):
    graph = _core.Graph(lanes)
    w = np.ones((3, 3, 16, 16), np.float32)
    ids = graph.input([8, 8, 16], "x"), graph.parameter(w.shape, "w")
    y = graph.add("conv2d", ids, {"algorithm": "winograd6"})[0]
    plan = _core.Plan(graph, [y], 4)
    plan.bind(ids[1], w)
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 16)).astype(np.float32)

    def result():
        return plan.predict({ids[0]: x}, 4)[0]

    first = result()
    w *= 2
    assert np.array_equal(result(), first), "nobody said that weights changed"
    _core.weights_changed()
    np.testing.assert_allclose(result(), 2 * first, rtol=1e-4, atol=1e-4)
    plan.bind(ids[1], w * 2)
    np.testing.assert_allclose(result(), 4 * first, rtol=1e-4, atol=1e-4)


def small_model():
    model = convnet.Sequential(
        [
            convnet.Input((12, 12, 8)),
            convnet.layers.Conv2D(16, 3, activation="relu"),
            convnet.layers.BatchNormalization(),
            convnet.layers.Conv2D(16, 3),
            convnet.layers.GlobalAveragePooling2D(),
            convnet.layers.Dense(3),
        ]
    )
    model.compile(optimizer="sgd", loss="mse")
    return model


@pytest.mark.parametrize("samples", [1, 20])
def test_predictions_follow_every_way_weights_change(samples):
    model, other = small_model(), small_model()
    rng = np.random.default_rng(1)
    x = rng.normal(size=(samples, 12, 12, 8)).astype(np.float32)
    y = np.ones((samples, 3), np.float32)

    def train():
        model.fit(x, y, verbose=0)

    def set_weights():
        model.set_weights([w * 1.5 for w in other.get_weights()])

    def assign():
        model.layers[0].kernel.assign_add(0.1)

    def compile_again():
        model.compile(optimizer="adam", loss="mse")
        model.train_on_batch(x, y)

    for change in (train, set_weights, assign, compile_again):
        before = model.predict(x, verbose=0)
        change()
        after = model.predict(x, verbose=0)
        fresh = small_model()
        fresh.set_weights(model.get_weights())
        assert not np.array_equal(before, after), change.__name__
        assert np.array_equal(after, fresh.predict(x, verbose=0)), change.__name__


def test_predictions_beside_training_end_with_the_last_weights():
    model = small_model()
    rng = np.random.default_rng(2)
    x = rng.normal(size=(64, 12, 12, 8)).astype(np.float32)
    y = np.ones((64, 3), np.float32)
    model.fit(x, y, verbose=0)
    done = threading.Event()

    def predict():
        while not done.is_set():
            model.predict_on_batch(x[:1])

    thread = threading.Thread(target=predict)
    thread.start()
    model.fit(x, y, epochs=30, verbose=0)
    done.set()
    thread.join()
    fresh = small_model()
    fresh.set_weights(model.get_weights())
    assert np.array_equal(model.predict_on_batch(x[:1]), fresh.predict_on_batch(x[:1]))
