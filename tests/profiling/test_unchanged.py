"""A profile leaves the model, and what comes after it, as they would be without it."""

import random

import numpy as np
import pytest

import convnet
from convnet import constraints, layers, metrics, ops, optimizers
from tests.invariants import nets

pytestmark = pytest.mark.cpu_only("its ops and threads")


def dropout_net(**compiled):
    """A net whose training draws random numbers, keeps moving averages and adds penalties."""
    convnet.utils.set_random_seed(5)
    model = convnet.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", kernel_constraint="max_norm"),
        ]
    )
    options = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"}
    model.compile(**options | {"metrics": ["accuracy"]} | compiled)
    rng = np.random.default_rng(5)
    return model, rng.normal(size=(40, 6)).astype(np.float32), rng.integers(0, 3, 40)


def state(model):
    """All that a training changes."""
    optimizer = model.optimizer
    return [
        *(v.numpy() for v in model.variables),
        *(v.numpy() for v in optimizer.variables),
        *(a.copy() for metric in model.metrics for a in metric.accumulators),
    ]


def assert_same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [dropout_net, *nets.ALL])
@pytest.mark.parametrize("trained", [False, True])
def test_weights_optimizer_and_metrics_stay(make, trained):
    model, x, y = make()
    if trained:
        model.fit(x, y, epochs=2, verbose=0)
    before, history, built = state(model), model.history, model.optimizer.built
    memory = [v._value for v in model.variables]
    assert model.profile(x, y, batch_size=16, steps=3).mode == "training"
    assert model.profile(x, steps=2).mode == "prediction"
    assert_same(state(model), before)
    assert all(v._value is m for v, m in zip(model.variables, memory, strict=True))
    assert model.history is history and model.optimizer.built == built


@pytest.mark.parametrize("make", [dropout_net, nets.cnn])
@pytest.mark.parametrize("trained", [False, True])
def test_a_training_goes_on_with_the_same_bits(make, trained):
    def train(profiled):
        model, x, y = make()
        if trained:
            model.fit(x, y, verbose=0)
        if profiled:
            model.profile(x, y, steps=2)
            model.profile(x, steps=2)
        logs = model.fit(x, y, epochs=2, verbose=0).history
        return [*state(model), model.predict(x, verbose=0), *logs.values()]

    assert_same(train(profiled=True), train(profiled=False))


def test_seeds_stay():
    def draws(profiled):
        model, x, y = dropout_net()
        if profiled:
            model.profile(x, y, steps=2)
        return random.random(), convnet.random.uniform((3,)).tolist(), np.random.rand()  # noqa: NPY002

    assert draws(profiled=True) == draws(profiled=False)


def test_a_model_without_weights_gets_those_that_training_would_give_it():
    def weights(first):
        convnet.utils.set_random_seed(3)
        model = convnet.Sequential([layers.Dense(4), layers.Dropout(0.5), layers.Dense(2)])
        model.compile("sgd", "mse")
        first(model, np.ones((8, 3), np.float32), np.ones((8, 2), np.float32))
        return model.get_weights()

    before = weights(lambda model, x, y: model.build(x.shape))
    assert_same(weights(lambda model, x, y: model.profile(x, y, steps=1)), before)
    assert_same(weights(lambda model, x, y: model.profile(x, steps=1)), before)


def test_a_profile_that_fails_leaves_all_as_it_was():
    class Failing(optimizers.SGD):
        kernel = None

        def update_step(self, gradient, variable, learning_rate):
            variable.assign(gradient)
            raise RuntimeError("enough")

    model, x, y = dropout_net(optimizer=Failing(0.1))
    before = state(model)
    with pytest.raises(RuntimeError, match="enough"):
        model.profile(x, y, steps=1)
    assert_same(state(model), before)


class Positive(constraints.Constraint):
    """A constraint that the core does not know."""

    def __call__(self, w):
        return np.maximum(np.asarray(w), 0)


class OwnOptimizer(optimizers.Optimizer):
    """An optimizer that updates in Python."""

    def __init__(self, learning_rate=0.1, **kwargs):
        super().__init__(learning_rate, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        variable.assign(variable.numpy() - learning_rate * gradient)


@pytest.mark.parametrize(
    "compiled",
    [
        {"optimizer": OwnOptimizer()},
        {"optimizer": optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))},
        {"optimizer": optimizers.Adam(use_ema=True, gradient_accumulation_steps=2)},
        {"optimizer": optimizers.SGD(lambda: 0.1)},
        {"metrics": [metrics.SparseCategoricalAccuracy()]},
        {"loss": lambda y, p: ops.mean(ops.square(p), axis=-1), "metrics": None},
    ],
    ids=["own optimizer", "schedule", "average", "function", "metrics", "own loss"],
)
def test_whatever_the_model_was_compiled_with(compiled):
    model, x, y = dropout_net(**compiled)
    model.fit(x, y, verbose=0)
    before = state(model)
    profile = model.profile(x, y, batch_size=20, steps=3)
    assert profile.flops > 0
    assert_same(state(model), before)


def test_constraints_that_the_core_does_not_know():
    convnet.utils.set_random_seed(1)
    model = convnet.Sequential([layers.Input((4,)), layers.Dense(2, kernel_constraint=Positive())])
    model.compile("sgd", "mse")
    before = state(model)
    model.profile(np.ones((20, 4)), np.ones((20, 2)), batch_size=10, steps=3)
    assert_same(state(model), before)


def test_metrics_computed_in_python_keep_their_state():
    convnet.utils.set_random_seed(1)
    model = convnet.Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])
    auc = metrics.AUC()
    model.compile("sgd", "binary_crossentropy", metrics=[auc])
    x, y = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2
    model.fit(x, y, verbose=0)
    before = [v.numpy() for v in auc.variables]
    model.profile(x, y, steps=3)
    assert_same([v.numpy() for v in auc.variables], before)


def test_frozen_layers_stay_frozen_in_the_step():
    model, x, y = dropout_net()
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    rows = model.profile(x, y, steps=1).rows
    weight_gradients = [row.layer for row in rows if row.op == "dense_backward_weight"]
    assert weight_gradients == [model.layers[-1].name]


def test_models_with_several_inputs_and_outputs():
    a, b = layers.Input((3,), name="a"), layers.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    model = convnet.Model([a, b], [layers.Dense(1, name="p")(joined), layers.Dense(2)(joined)])
    model.compile("sgd", ["mse", "mae"])
    x = {"a": np.ones((20, 3)), "b": np.ones((20, 2))}
    profile = model.profile(x, [np.ones((20, 1)), np.ones((20, 2))], steps=1)
    assert {"p", "optimizer", "input"} <= {row.layer for row in profile.rows}
    assert model.profile(x, steps=1).flops == 20 * 2 * 5 * 3
