"""Arguments of `compile`, `fit` and their kin that mean nothing are refused by name."""

import re

import numpy as np
import pytest

import convnet
from convnet import layers, losses
from tests.training.nets import X, Y, classifier

NOT_POSITIVE = [0, -1, 2.5, 4.0, "4", True, [4]]


@pytest.mark.parametrize("value", NOT_POSITIVE, ids=repr)
@pytest.mark.parametrize(
    "name", ["batch_size", "steps_per_epoch", "validation_steps", "validation_batch_size"]
)
def test_sizes_of_fit_are_positive_integers(name, value):
    message = f"`{name}`. Expected a positive integer. Received: {name}={value!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier().fit(X, Y, validation_data=(X, Y), verbose=0, **{name: value})


@pytest.mark.parametrize("value", NOT_POSITIVE, ids=repr)
@pytest.mark.parametrize("name", ["batch_size", "steps"])
def test_sizes_of_evaluate_and_predict_are_positive_integers(name, value):
    for call in (classifier().predict, lambda x, **sizes: classifier().evaluate(x, Y, **sizes)):
        with pytest.raises(ValueError, match=re.escape(f"Received: {name}={value!r}")):
            call(X, verbose=0, **{name: value})


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": 1.5},
        {"epochs": "2"},
        {"epochs": None},
        {"initial_epoch": 0.5},
        {"verbose": "loud"},
        {"verbose": 3},
        {"validation_split": 1.0},
        {"validation_split": -0.5},
        {"validation_split": "0.2"},
        {"validation_freq": 0},
        {"validation_freq": -1},
        {"validation_freq": "2"},
        {"validation_freq": 1.5},
    ],
    ids=str,
)
def test_other_arguments_of_fit(arguments):
    (name, value), *_ = arguments.items()
    with pytest.raises(ValueError, match=re.escape(f"Received: {name}={value!r}")):
        classifier().fit(X, Y, **{"verbose": 0} | arguments)


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_split_needs_samples_on_both_sides(share):
    with pytest.raises(ValueError, match="contains 1 samples, which is not sufficient to split"):
        classifier().fit(X[:1], Y[:1], validation_split=share, verbose=0)


@pytest.mark.parametrize("epochs", [{"epochs": 0}, {"epochs": -1}, {"initial_epoch": 5}], ids=str)
def test_no_epochs_train_nothing(epochs):
    model = classifier()
    before = model.get_weights()
    assert model.fit(X, Y, verbose=0, **epochs).history == {}
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_batches_may_be_larger_than_the_data_and_numpy_integers_are_integers():
    model = classifier()
    model.fit(X, Y, batch_size=10**9, verbose=0)
    model.fit(X, Y, batch_size=np.int64(7), epochs=np.int32(1), verbose=0)
    assert model.predict(X, batch_size=10**9, verbose=0).shape == (20, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adamm"}, "Could not interpret optimizer identifier: adamm"),
        ({"optimizer": 3}, "Could not interpret optimizer identifier: 3"),
        ({"optimizer": None}, "`fit()` needs an optimizer"),
        ({"loss": "msee"}, "Could not interpret loss identifier: msee"),
        ({"loss": 3}, "Could not interpret loss identifier: 3"),
        ({"loss": None}, "No loss to compute. Provide a `loss` argument in `compile()`."),
        ({"loss": ["mse", "mse"]}, "Received: 2 entries. Expected: 1"),
        ({"loss": {"other": "mse"}}, "the keys ['other'] do not correspond to any model output"),
        ({"loss_weights": [1.0, 2.0]}, "Received: 2 entries. Expected: 1"),
        ({"loss_weights": "1"}, "Received instead: loss_weights='1'"),
        ({"metrics": ["accuracyy"]}, "Could not interpret metric identifier: accuracyy"),
        ({"metrics": "accuracy"}, "to be a list, tuple, or dict. Received instead: metrics=acc"),
        ({"metrics": [3]}, "Could not interpret metric identifier: 3"),
        ({"metrics": [None]}, "Expected metric, received `None`"),
        ({"weighted_metrics": "acc"}, "Received instead: weighted_metrics=acc"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_arguments_of_compile(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier(**arguments).fit(X, Y, verbose=0)


@pytest.mark.parametrize("result", [3.0, None], ids=str)
def test_a_loss_must_return_a_tensor(result):
    with pytest.raises(TypeError, match=re.escape(f"Received: {result}")):
        classifier(loss=lambda y_true, y_pred: result).fit(X, Y, verbose=0)


def test_a_loss_must_be_reduced():
    loss = losses.SparseCategoricalCrossentropy(reduction="none")
    with pytest.raises(ValueError, match="reduction='none'"):
        classifier(loss=loss).fit(X, Y, verbose=0)


def test_a_metric_must_return_numbers():
    with pytest.raises(TypeError, match="'nothing' must return numbers"):

        def nothing(y_true, y_pred):
            return None

        classifier(metrics=[nothing]).fit(X, Y, verbose=0)


def test_errors_in_functions_of_the_user_come_through():
    def broken(y_true, y_pred):
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        classifier(loss=broken).fit(X, Y, verbose=0)
    with pytest.raises(KeyError, match="broken"):
        classifier(metrics=[broken]).fit(X, Y, verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_must_be_compiled(method):
    model = convnet.Sequential([layers.Dense(3)])
    with pytest.raises(ValueError, match=re.escape(f"compile()` before calling `{method}()`")):
        getattr(model, method)(X, Y)


def test_a_model_without_an_optimizer_evaluates():
    assert classifier(optimizer=None).evaluate(X, Y, verbose=0) > 0


def test_a_model_without_layers():
    with pytest.raises(ValueError, match="because it has no layers"):
        convnet.Sequential([]).predict(X, verbose=0)


def test_unknown_arguments():
    with pytest.raises(ValueError, match=re.escape("Arguments not recognized: {'sample': 3}")):
        classifier().evaluate(X, Y, sample=3)
    with pytest.raises(TypeError, match="sample"):
        classifier().fit(X, Y, sample=3)


def test_callbacks_must_be_callbacks():
    with pytest.raises(ValueError, match="Expected instances of `Callback`"):
        classifier().fit(X, Y, callbacks=[3], verbose=0)
