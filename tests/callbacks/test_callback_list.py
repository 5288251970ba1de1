"""The order of hooks, what they are told, and which batches anybody wants to see."""

from types import SimpleNamespace

import numpy as np
import pytest

from convnet.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from convnet.callbacks.logs import pythonify_logs

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def recorder(name, calls):
    return LambdaCallback(
        **{hook: lambda *args, h=hook, **kwargs: calls.append((name, h)) for hook in HOOKS}
    )


def call(callbacks, hook):
    arguments = (0,) if "batch" in hook or "epoch" in hook else ()
    getattr(callbacks, hook)(*arguments, logs={"loss": 1.0})


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_reaches_all_callbacks_in_order(hook):
    calls = []
    callbacks = CallbackList([recorder("first", calls), [recorder("second", calls)]])
    call(callbacks, hook)
    assert calls == [("first", hook), ("second", hook)]


@pytest.mark.parametrize("hook", HOOKS)
def test_unused_hooks_do_nothing(hook):
    call(Callback(), hook)


@pytest.mark.parametrize("when", ["begin", "end"])
def test_train_batch_hooks_have_an_older_name(when):
    calls = []
    callback = LambdaCallback(
        **{f"on_batch_{when}": lambda batch, logs: calls.append((batch, logs))}
    )
    getattr(CallbackList([callback]), f"on_train_batch_{when}")(3, {"loss": np.float32(0.5)})
    assert len(calls) == 1
    assert calls[0][0] == 3


def test_history_and_progress_come_last():
    user = Callback()
    callbacks = CallbackList([user], add_history=True, add_progbar=True).callbacks
    assert [type(callback) for callback in callbacks] == [Callback, History, ProgbarLogger]
    assert callbacks[0] is user


def test_history_and_progress_of_the_user_are_kept():
    mine = [ProgbarLogger(), History()]
    assert CallbackList(mine, add_history=True, add_progbar=True).callbacks == mine


def test_model_and_params_reach_all_callbacks():
    model, history = SimpleNamespace(), History()
    callbacks = CallbackList([Callback(), history], model=model, epochs=2, steps=3, verbose=0)
    for callback in (callbacks, *callbacks.callbacks):
        assert callback.model is model
        assert callback.params == {"epochs": 2, "steps": 3, "verbose": 0}
    assert model.history is history


def test_append_adds_a_callback():
    calls = []
    callbacks = CallbackList()
    callbacks.append(recorder("late", calls))
    callbacks.on_train_begin()
    assert calls == [("late", "on_train_begin")]


def test_callbacks_of_another_list_are_taken_over():
    history, calls = History(), []
    inner = CallbackList([recorder("inner", calls), history])
    callbacks = CallbackList(inner, add_history=True)
    assert callbacks.callbacks == inner.callbacks


@pytest.mark.parametrize("wrong", [EarlyStopping, "early", 3])
def test_what_is_no_callback_is_refused(wrong):
    with pytest.raises(ValueError, match="Invalid value for argument `callbacks`"):
        CallbackList([wrong])


def test_logs_are_plain_floats_in_alphabetical_order():
    logs = {"loss": np.float32(0.5), "accuracy": np.array(1), "more": {"auc": np.float64(0.25)}}
    plain = pythonify_logs(logs)
    assert list(plain) == ["accuracy", "loss", "auc"]
    assert [type(value) for value in plain.values()] == [float] * 3


def test_logs_keep_what_is_no_number():
    matrix = np.eye(2)
    plain = pythonify_logs({"confusion": matrix, "text": "fine", "one": np.ones(1)})
    assert plain["confusion"] is matrix
    assert plain["text"] == "fine"
    assert plain["one"].shape == (1,)


def test_callbacks_of_one_call_share_logs_and_the_caller_s_are_left_alone():
    history, mine = History(), {"loss": 1.0}
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(learning_rate=0.5))
    CallbackList([add, history]).on_epoch_end(0, mine)
    assert history.history == {"loss": [1.0], "learning_rate": [0.5]}
    assert mine == {"loss": 1.0}


def test_predictions_reach_callbacks_as_they_are():
    outputs, seen = {"a": np.ones((1, 1)), "b": [np.zeros(2), np.zeros(3)]}, []
    listen = LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(logs["outputs"]))
    CallbackList([listen]).on_predict_batch_end(0, {"outputs": outputs})
    assert seen == [outputs]


def test_history_collects_epochs():
    history = History()
    callbacks = CallbackList([history])
    callbacks.on_train_begin()
    callbacks.on_epoch_end(4, {"loss": 2.0, "accuracy": 0.5, "val_loss": 3.0})
    callbacks.on_epoch_end(5, {"loss": 1.0, "accuracy": 0.75})
    assert history.epoch == [4, 5]
    assert history.history == {"accuracy": [0.5, 0.75], "loss": [2.0, 1.0], "val_loss": [3.0]}
    assert list(history.history) == ["accuracy", "loss", "val_loss"]


def test_history_goes_on_over_several_trainings_but_counts_epochs_anew():
    history = History()
    for _ in range(2):
        history.on_train_begin()
        history.on_epoch_end(0, {"loss": 1.0})
    assert history.epoch == [0]
    assert history.history == {"loss": [1.0, 1.0]}


class Overrides(Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


class ChecksToo(ModelCheckpoint):
    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)


@pytest.mark.parametrize(
    "callback",
    [
        Callback(),
        History(),
        ProgbarLogger(),
        EarlyStopping(),
        ReduceLROnPlateau(),
        LearningRateScheduler(lambda epoch: 0.1),
        CSVLogger("log.csv"),
        ModelCheckpoint("a.keras"),
        BackupAndRestore("backup"),
        LambdaCallback(on_epoch_end=print, on_train_begin=print),
        LambdaCallback(on_test_batch_end=print, on_predict_batch_begin=print),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_training_may_run_many_batches_at_once(callback):
    assert not CallbackList([callback], add_progbar=True).wants_batches


@pytest.mark.parametrize(
    "callback",
    [
        Overrides(),
        TerminateOnNaN(),
        ModelCheckpoint("a.keras", save_freq=10),
        ChecksToo("a.keras"),
        BackupAndRestore("backup", save_freq=10),
        LambdaCallback(on_batch_begin=print),
        LambdaCallback(on_train_batch_begin=print),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_training_must_stop_at_each_batch(callback):
    callbacks = CallbackList([Callback(), callback])
    assert callbacks.wants_batches
    assert not callbacks.wants_test_batches
    assert not callbacks.wants_predict_batches


@pytest.mark.parametrize("mode", ["test", "predict"])
@pytest.mark.parametrize("when", ["begin", "end"])
def test_evaluation_and_prediction_have_their_own_wish(mode, when):
    callbacks = CallbackList([LambdaCallback(**{f"on_{mode}_batch_{when}": print})])
    assert callbacks.wants_test_batches == (mode == "test")
    assert callbacks.wants_predict_batches == (mode == "predict")
    assert not callbacks.wants_batches
