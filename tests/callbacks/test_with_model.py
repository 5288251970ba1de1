"""Callbacks at work in a real training."""

import re

import numpy as np
import pytest

import convnet
from convnet.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


@pytest.fixture
def model():
    convnet.utils.set_random_seed(0)
    model = convnet.Sequential([convnet.Input((3,)), convnet.layers.Dense(1, name="out")])
    model.compile(optimizer=convnet.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    return model


class Recorder(Callback):
    """Notes every hook and what it was told."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.logs = []

    def __getattribute__(self, name):
        if not name.startswith("on_") or name in ("on_batch_begin", "on_batch_end"):
            return super().__getattribute__(name)

        def note(*args, logs=None):
            *index, logs = args if logs is None else (*args, logs)
            self.calls.append(" ".join([name.removeprefix("on_"), *map(str, index)]))
            self.logs.append(logs)

        return note


def test_hooks_of_fit_come_in_keras_s_order(model):
    recorder = Recorder()
    model.fit(X, Y, batch_size=16, validation_split=0.5, callbacks=[recorder], verbose=0)
    assert recorder.calls == [
        "train_begin",
        "epoch_begin 0",
        "train_batch_begin 0",
        "train_batch_end 0",
        "train_batch_begin 1",
        "train_batch_end 1",
        "test_begin",
        "test_batch_begin 0",
        "test_batch_end 0",
        "test_batch_begin 1",
        "test_batch_end 1",
        "test_end",
        "epoch_end 0",
        "train_end",
    ]


def test_logs_are_plain_floats_and_complete_at_the_end_of_an_epoch(model):
    recorder = Recorder()
    model.fit(X, Y, validation_split=0.5, callbacks=[recorder], verbose=0)
    values = [value for logs in recorder.logs for value in logs.values()]
    assert {type(value) for value in values} == {float}
    assert list(recorder.logs[-1]) == ["loss", "mae", "val_loss", "val_mae"]


@pytest.mark.parametrize(("run", "hook"), [("evaluate", "test"), ("predict", "predict")])
def test_hooks_of_evaluate_and_predict(model, run, hook):
    recorder = Recorder()
    arguments = (X, Y) if run == "evaluate" else (X,)
    getattr(model, run)(*arguments, batch_size=32, callbacks=[recorder], verbose=0)
    batches = [f"{hook}_batch_{when} {i}" for i in (0, 1) for when in ("begin", "end")]
    assert recorder.calls == [f"{hook}_begin", *batches, f"{hook}_end"]


def test_predictions_are_in_the_logs(model):
    shapes = []
    listen = LambdaCallback(
        on_predict_batch_end=lambda batch, logs: shapes.append(logs["outputs"].shape)
    )
    model.predict(X, batch_size=32, callbacks=[listen], verbose=0)
    assert shapes == [(32, 1), (8, 1)]


def test_history(model):
    history = model.fit(X, Y, epochs=2, validation_split=0.5, verbose=0)
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 1}
    assert model.history is history


def test_best_weights_come_back(model):
    weights = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()))
    spoil = LearningRateScheduler(lambda epoch, rate: 5.0 if epoch == 3 else 0.1)
    stop = EarlyStopping(monitor="loss", patience=1, restore_best_weights=True)
    history = model.fit(X, Y, epochs=9, callbacks=[keep, spoil, stop], verbose=0)
    best = int(np.argmin(history.history["loss"]))
    assert best < len(weights) - 1
    for found, expected in zip(model.get_weights(), weights[best], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_direction_comes_from_the_compiled_metric():
    model = convnet.Sequential([convnet.Input((3,)), convnet.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    stop = EarlyStopping(monitor="val_accuracy", patience=9)
    model.fit(X, Y[:, 0] > 0, validation_split=0.5, callbacks=[stop], verbose=0)
    assert stop.monitor_op(1.0, 0.5)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_checkpoint_can_be_loaded(model, tmp_path, ending):
    path = tmp_path / f"{{epoch}}{ending}"
    model.fit(X, Y, epochs=2, callbacks=[ModelCheckpoint(path)], verbose=0)
    loaded = convnet.models.load_model(tmp_path / f"2{ending}")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_checkpoint_of_weights_can_be_loaded(model, tmp_path):
    path = tmp_path / "best.weights.h5"
    checkpoint = ModelCheckpoint(path, "loss", save_weights_only=True, save_best_only=True)
    model.fit(X, Y, epochs=2, callbacks=[checkpoint], verbose=0)
    expected = model.get_weights()
    model.set_weights([0 * weight for weight in expected])
    model.load_weights(path)
    for found, weight in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, weight)


def test_learning_rate_takes_effect(model):
    before = model.get_weights()[0].copy()
    still = LearningRateScheduler(lambda epoch: 0.0)
    history = model.fit(X, Y, callbacks=[still], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    assert history.history["learning_rate"] == [0.0]


def test_plateau_lowers_the_optimizer_s_rate(model):
    model.optimizer.learning_rate = 0.5
    flat = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    model.fit(X, Y, epochs=3, callbacks=[flat], verbose=0)
    assert float(model.optimizer.learning_rate) == 0.125


def test_nan_stops_training_at_once(model):
    seen = []
    listen = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model.optimizer.learning_rate = 1e30
    model.fit(X, Y, batch_size=8, callbacks=[listen, TerminateOnNaN()], verbose=0)
    assert seen == [0, 1]


@pytest.mark.parametrize(
    ("verbose", "start"), [(1, f"3/3 {'━' * 20} T T/step"), (2, "3/3 - T - T/step"), (0, None)]
)
def test_lines_of_fit(model, verbose, start, capsys):
    model.fit(X, Y, batch_size=16, epochs=2, validation_data=(X, Y), verbose=verbose)
    text = re.sub(r"\d+(s|ms|us)\b", "T", capsys.readouterr().out)
    if start is None:
        assert text == ""
        return
    line = re.escape(start) + "".join(
        rf" - {name}: \d\.\d{{4}}" for name in ("loss", "mae", "val_loss", "val_mae")
    )
    assert re.fullmatch(f"Epoch 1/2\n{line}\nEpoch 2/2\n{line}\n", text)
