"""The same logs, drawn at random, given to Keras's own callbacks: same acts, same words."""

import os
import warnings

import numpy as np
import pytest
from stand_in import StandIn, train

from convnet import callbacks as convnet_callbacks


@pytest.fixture(scope="module")
def keras_callbacks():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").callbacks


class SinglePrecision:
    """An optimizer that keeps its learning rate as Keras does."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __setattr__(self, name, value):
        super().__setattr__(name, np.float32(value))


def outcome(module, name, arguments, epochs, capsys, batches=0):
    """Everything that can be seen of a callback at work."""
    model = StandIn()
    model.optimizer = SinglePrecision(learning_rate=0.1)
    callback = getattr(module, name)(**arguments)
    log_at_batch = {"loss": 0.5, "val_loss": 0.5}
    logs = train(callback, model, epochs, batches, log_at_batch)
    return {
        "logs": logs,
        "weights": model.weights,
        "saved": model.saved,
        "rate": model.optimizer.learning_rate,
        "printed": capsys.readouterr().out,
        "best": getattr(callback, "best", None),
        "wait": getattr(callback, "wait", None),
    }


def random_epochs(rng, count):
    """Logs of some epochs, in few enough values for ties."""
    values = rng.integers(1, 8, count) / 8 - 0.05 * np.arange(count)
    return [{"loss": 1.0, "val_loss": float(value)} for value in values]


def check(keras_callbacks, name, arguments, epochs, capsys, batches=0):
    ours = outcome(convnet_callbacks, name, arguments, epochs, capsys, batches)
    assert ours == outcome(keras_callbacks, name, arguments, epochs, capsys, batches)


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping(keras_callbacks, seed, capsys):
    rng = np.random.default_rng(seed)
    arguments = {
        "min_delta": rng.choice([0, 0.1, -0.2]),
        "patience": int(rng.integers(0, 4)),
        "verbose": 1,
        "mode": str(rng.choice(["auto", "min", "max"])),
        "baseline": rng.choice([None, 0.3]),
        "restore_best_weights": bool(rng.integers(2)),
        "start_from_epoch": int(rng.integers(0, 3)),
    }
    check(keras_callbacks, "EarlyStopping", arguments, random_epochs(rng, 12), capsys)


@pytest.mark.parametrize("seed", range(60))
def test_reduce_lr_on_plateau(keras_callbacks, seed, capsys):
    rng = np.random.default_rng(seed)
    arguments = {
        "factor": rng.choice([0.1, 0.5]),
        "patience": int(rng.integers(0, 4)),
        "verbose": 1,
        "mode": str(rng.choice(["auto", "min", "max"])),
        "min_delta": rng.choice([1e-4, 0.2]),
        "cooldown": int(rng.integers(0, 3)),
        "min_lr": rng.choice([0.0, 0.02]),
    }
    check(keras_callbacks, "ReduceLROnPlateau", arguments, random_epochs(rng, 12), capsys)


@pytest.mark.parametrize("seed", range(40))
def test_model_checkpoint(keras_callbacks, seed, capsys, tmp_path):
    rng = np.random.default_rng(seed)
    by_batch = bool(rng.integers(2))
    weights_only = bool(rng.integers(2))
    stem = "{epoch:02d}-{batch}" if by_batch else "{epoch:02d}-{val_loss:.2f}"
    arguments = {
        "filepath": str(tmp_path / stem) + (".weights.h5" if weights_only else ".keras"),
        "verbose": 1,
        "save_best_only": not by_batch and bool(rng.integers(2)),
        "save_weights_only": weights_only,
        "mode": str(rng.choice(["auto", "min", "max"])),
        "save_freq": int(rng.integers(1, 9)) if by_batch else "epoch",
        "initial_value_threshold": rng.choice([None, 0.5]),
    }
    check(keras_callbacks, "ModelCheckpoint", arguments, random_epochs(rng, 6), capsys, batches=5)


@pytest.mark.parametrize(
    "schedule", [lambda epoch, rate: rate * 0.5, lambda epoch: 0.1 / (epoch + 3)]
)
def test_learning_rate_scheduler(keras_callbacks, schedule, capsys):
    arguments = {"schedule": schedule, "verbose": 1}
    check(keras_callbacks, "LearningRateScheduler", arguments, [{"loss": 1.0}] * 4, capsys)


@pytest.mark.parametrize("append", [False, True])
def test_csv_logger(keras_callbacks, append, tmp_path, capsys):
    texts = []
    for module in (convnet_callbacks, keras_callbacks):
        path = tmp_path / module.__name__
        for epochs in (random_epochs(np.random.default_rng(0), 3), [{"loss": 0.5}] * 2):
            arguments = {"filename": str(path), "append": append, "separator": ";"}
            outcome(module, "CSVLogger", arguments, epochs, capsys)
        texts.append(path.read_bytes())
    assert texts[0] == texts[1]
