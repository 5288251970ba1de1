"""Ctrl-C and stopping in the midst of training leave a model that works."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import convnet
from convnet import callbacks, layers
from tests.devices import emulated
from tests.training.nets import classifier

X = np.random.default_rng(0).normal(size=(20000, 4)).astype("float32")
Y = np.arange(20000) % 3
SOON = 20.0 if emulated() else 1.0  # seconds


def interrupted(call):
    """Seconds from a Ctrl-C until `call` gives up."""
    sent = []

    def interrupt():
        time.sleep(0.3)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Thread(target=interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call()
    delay = time.monotonic() - sent[0]
    timer.join()
    return delay


def assert_usable(model):
    x, y = X[:64], Y[:64]
    assert np.isfinite(model.predict(x, verbose=0)).all()
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=20, batch_size=16, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before


def large_net():
    model = convnet.Sequential(
        [layers.Input((4,)), *[layers.Dense(256, "relu") for _ in range(4)], layers.Dense(3)]
    )
    model.compile("sgd", convnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("make", [classifier, large_net])
@pytest.mark.parametrize("batch_size", [16, 512])
@pytest.mark.parametrize("listens", [False, True], ids=["alone", "with a callback"])
def test_fit(make, batch_size, listens):
    model = make()
    model.fit(X[:64], Y[:64], verbose=0)
    listener = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    arguments = {"epochs": 10**6, "batch_size": batch_size, "verbose": 0}
    delay = interrupted(
        lambda: model.fit(X, Y, callbacks=[listener] if listens else None, **arguments)
    )
    assert delay < SOON, f"{delay * 1e3:.0f} ms; 100 ms is the aim on an idle machine"
    assert_usable(model)


def test_evaluate_and_predict():
    model = large_net()
    times = 1 if emulated() else 20
    many = np.tile(X, (times, 1))
    model.evaluate(X[:64], Y[:64], verbose=0)
    model.predict(X[:64], verbose=0)
    labels = np.tile(Y, times)

    def evaluate():
        while True:
            model.evaluate(many, labels, verbose=0)

    def predict():
        while True:
            model.predict(many, batch_size=256, verbose=0)

    assert interrupted(evaluate) < SOON
    assert interrupted(predict) < 2 * SOON
    assert_usable(model)


def test_errors_in_callbacks_leave_a_usable_model():
    class Broken(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyError("broken")

    model = classifier()
    with pytest.raises(KeyError, match="broken"):
        model.fit(X, Y, callbacks=[Broken()], verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert_usable(model)


def test_the_progress_bar_and_predict_from_a_callback_can_share_the_model():
    seen = []

    class Looks(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 0:
                seen.append(self.model.predict(X[:3], verbose=0))

        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.evaluate(X[:3], Y[:3], verbose=0))

    classifier().fit(X[:64], Y[:64], epochs=2, callbacks=[Looks()], verbose=0)
    assert len(seen) == 4
    assert not np.array_equal(seen[0], seen[2])
