"""What training prints and tells callbacks, held against Keras's own."""

import re

import numpy as np
import pytest

import convnet
from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import CLASSES, REGRESSION, classifier, regression, trained

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


def compiled(_):
    return {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


def lines(text):
    """The lines as a terminal shows them in the end, with times replaced."""
    shown = [re.split(r"[\r\b]+", line)[-1] for line in text.rstrip("\n").split("\n")]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in shown]
    return [re.sub(r"\b\d+(s|ms|us)\b", "TIME", line) for line in plain]


def printed(capsys, *calls):
    """What each call prints."""
    texts = []
    for call in calls:
        capsys.readouterr()
        call()
        texts.append(lines(capsys.readouterr().out))
    return texts


FITS = [
    {"verbose": 0},
    {"verbose": 1},
    {"verbose": 2},
    {"verbose": 2, "epochs": 1},
    {"verbose": 1, "epochs": 1},
    {"verbose": "auto", "epochs": 1},
    {"verbose": 2, "validation_split": 0.25},
    {"verbose": 1, "validation_split": 0.25},
    {"verbose": 2, "validation_split": 0.25, "validation_freq": 2, "epochs": 3},
    {"verbose": 2, "epochs": 12, "initial_epoch": 10},
    {"verbose": 2, "batch_size": 1, "epochs": 1},
    {"verbose": 1, "batch_size": 1, "epochs": 1},
    {"verbose": 2, "steps_per_epoch": 2},
]


@pytest.mark.parametrize("arguments", FITS, ids=str)
def test_fit(keras, capsys, arguments):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    arguments = {"epochs": 2, "batch_size": 8, "shuffle": False} | arguments
    expected, text = printed(
        capsys,
        lambda: theirs.fit(*CLASSES, **arguments),
        lambda: ours.fit(*CLASSES, **arguments),
    )
    assert text == expected


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_evaluate_and_predict(keras, capsys, method, verbose):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    data = CLASSES if method == "evaluate" else CLASSES[:1]
    expected, text = printed(
        capsys,
        lambda: getattr(theirs, method)(*data, batch_size=8, verbose=verbose),
        lambda: getattr(ours, method)(*data, batch_size=8, verbose=verbose),
    )
    assert text == expected


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_generator_of_unknown_length(keras, capsys, verbose):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)

    def batches():
        for start in range(0, 24, 8):
            yield CLASSES[0][start : start + 8], CLASSES[1][start : start + 8]

    expected, text = printed(
        capsys,
        lambda: theirs.fit(batches(), verbose=verbose),
        lambda: ours.fit(batches(), verbose=verbose),
    )
    assert text == expected


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_small_and_large_values(keras, capsys, scale):
    x, y = REGRESSION
    adam = {"optimizer": "adam", "loss": "mse"}
    theirs, ours = trained(keras, regression, lambda _: adam, (x, y))
    expected, text = printed(
        capsys,
        lambda: theirs.evaluate(x, np.float32(scale) * y, verbose=2),
        lambda: ours.evaluate(x, np.float32(scale) * y, verbose=2),
    )
    assert text == expected


def recorder(library, stop=None):
    """A callback that writes down every call with its arguments."""
    calls = []
    names = [
        f"on_{part}_{moment}"
        for part in ("train", "test", "predict", "epoch", "train_batch", "test_batch")
        for moment in ("begin", "end")
    ]

    def hook(name):
        def method(self, *args, logs=None):
            if args and isinstance(args[-1], dict):
                *args, logs = args
            calls.append((name, *args, {k: round(float(v), 4) for k, v in (logs or {}).items()}))
            if (name, *args) == stop:
                self.model.stop_training = True

        return method

    members = {name: hook(name) for name in names}
    return type("Recorder", (library.callbacks.Callback,), members)(), calls


@pytest.mark.parametrize(
    "stop", [None, ("on_train_batch_end", 1), ("on_epoch_end", 0), ("on_epoch_begin", 1)], ids=str
)
def test_calls_of_callbacks(keras, stop):
    made = {}

    def callbacks(library):
        callback, made[library.__name__] = recorder(library, stop)
        return [callback]

    theirs, ours = trained(
        keras, classifier, compiled, CLASSES, epochs=3, validation_split=0.3, callbacks=callbacks
    )
    assert made["convnet"] == made["keras"]
    assert ours.history.epoch == theirs.history.epoch
    assert ours.history.params == theirs.history.params


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_calls_of_callbacks_outside_of_fit(keras, method):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    recorded = []
    for model, library in ((theirs, keras), (ours, convnet)):
        callback, calls = recorder(library)
        data = CLASSES if method == "evaluate" else CLASSES[:1]
        getattr(model, method)(*data, batch_size=8, verbose=0, callbacks=[callback])
        recorded.append(calls)
    assert recorded[1] == recorded[0]
