"""What `fit`, `evaluate` and `predict` print."""

import re

import pytest

from convnet.callbacks import CallbackList, LambdaCallback, ProgbarLogger
from convnet.utils.io_utils import print_msg

LOGS = {"loss": 1.2195, "accuracy": 0.48}


def plain(capsys):
    """What was printed, with times left out."""
    return re.sub(r"\d+(s|ms|us)\b", "T", capsys.readouterr().out)


def fit(verbose, epochs=1, steps=3, callbacks=(), validate=False):
    callbacks = CallbackList(
        list(callbacks), add_history=True, add_progbar=True, model=Model(),
        verbose=verbose, epochs=epochs, steps=steps,
    )  # fmt: skip
    callbacks.on_train_begin()
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(3):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, LOGS)
        if validate:
            evaluate(callbacks)
        callbacks.on_epoch_end(epoch, {**LOGS, "val_loss": 1.0503} if validate else LOGS)
    callbacks.on_train_end(LOGS)


def evaluate(callbacks):
    callbacks.on_test_begin()
    for batch in range(3):
        callbacks.on_test_batch_end(batch, LOGS)
    callbacks.on_test_end(LOGS)


def predict(callbacks):
    callbacks.on_predict_begin()
    for batch in range(3):
        callbacks.on_predict_batch_end(batch, {"outputs": [1, 2]})
    callbacks.on_predict_end()


class Model:
    history = None


BAR = "━" * 20


@pytest.mark.parametrize(
    ("verbose", "line"),
    [
        (1, f"3/3 {BAR} T T/step - accuracy: 0.4800 - loss: 1.2195\n"),
        ("auto", f"3/3 {BAR} T T/step - accuracy: 0.4800 - loss: 1.2195\n"),
        (2, "3/3 - T - T/step - accuracy: 0.4800 - loss: 1.2195\n"),
        (0, ""),
    ],
)
@pytest.mark.parametrize("epochs", [1, 2])
def test_fit_into_a_file(verbose, line, epochs, capsys):
    fit(verbose, epochs)
    titles = ["Epoch 1/2\n", "Epoch 2/2\n"] if epochs == 2 and verbose else [""] * epochs
    assert plain(capsys) == "".join(title + line for title in titles)


def test_validation_within_fit_is_silent(capsys):
    fit(2, validate=True)
    line = "3/3 - T - T/step - accuracy: 0.4800 - loss: 1.2195 - val_loss: 1.0503\n"
    assert plain(capsys) == line


@pytest.mark.parametrize(
    ("run", "metrics"), [(evaluate, " - accuracy: 0.4800 - loss: 1.2195"), (predict, "")]
)
@pytest.mark.parametrize("verbose", [1, 2])
def test_evaluate_and_predict(run, metrics, verbose, capsys):
    run(CallbackList(add_progbar=True, verbose=verbose, epochs=1, steps=3))
    start = f"3/3 {BAR} T T/step" if verbose == 1 else "3/3 - T - T/step"
    assert plain(capsys) == start + metrics + "\n"


def test_number_of_steps_is_known_once_an_epoch_has_ended(capsys):
    fit(2, epochs=2, steps=None)
    assert plain(capsys).count("3/3 - T") == 2


def test_message_of_a_callback_stands_between_title_and_line(capsys):
    speak = LambdaCallback(on_epoch_end=lambda epoch, logs: print_msg("\nEpoch 1: saved"))
    fit(2, callbacks=[speak])
    assert plain(capsys).startswith("\nEpoch 1: saved\n3/3 - T")


def test_bar_shows_running_means_as_they_are(monkeypatch, capsys):
    monkeypatch.setattr("convnet.utils.console.display_kind", lambda: "notebook")
    logger = ProgbarLogger()
    logger.set_params({"verbose": 1, "epochs": 1, "steps": 99})
    logger.on_epoch_begin(0)
    logger.progbar.interval = 0.0
    for batch, loss in enumerate([4.0, 2.0, 1.0]):
        logger.on_train_batch_end(batch, {"loss": loss})
    assert re.findall(r"loss: (\S+)", capsys.readouterr().out) == ["4.0000", "2.0000", "1.0000"]
