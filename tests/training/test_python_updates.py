"""Optimizers and constraints written in Python train like those that have kernels."""

import numpy as np
import pytest

import convnet
from convnet import constraints, layers, ops, optimizers
from tests.training.nets import X

Y = X.sum(axis=1, keepdims=True)


class PythonSGD(optimizers.Optimizer):
    """Gradient descent without a kernel."""

    def update_step(self, gradient, variable, learning_rate):
        variable.assign(variable - learning_rate * gradient)


class PythonNonNeg(constraints.Constraint):
    """Weights of zero or more, without a kernel."""

    def __call__(self, w):
        return ops.maximum(w, 0.0)


def trained(optimizer, constraint=None, **fit):
    convnet.utils.set_random_seed(3)
    model = convnet.Sequential(
        [layers.Input((4,)), layers.Dense(3, kernel_constraint=constraint), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=6, epochs=3, shuffle=False, verbose=0, **fit)
    return model, history.history


def assert_same(one, other):
    for a, b in zip(one[0].get_weights(), other[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for name, values in one[1].items():
        np.testing.assert_allclose(values, other[1][name], rtol=1e-5)
    assert int(one[0].optimizer.iterations) == int(other[0].optimizer.iterations)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"weight_decay": 0.1},
        {"clipnorm": 0.1},
        {"clipvalue": 0.1},
        {"global_clipnorm": 0.1},
        {"gradient_accumulation_steps": 2},
        {"use_ema": True, "ema_momentum": 0.5},
        {"use_ema": True, "ema_overwrite_frequency": 2, "gradient_accumulation_steps": 3},
        {"loss_scale_factor": 1024.0},
    ],
    ids=str,
)
def test_an_optimizer_without_a_kernel(arguments):
    assert_same(trained(optimizers.SGD(0.05, **arguments)), trained(PythonSGD(0.05, **arguments)))


def test_an_optimizer_without_a_kernel_follows_schedules():
    def schedule():
        return optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)

    assert_same(trained(optimizers.SGD(schedule())), trained(PythonSGD(schedule())))


def test_a_constraint_without_a_kernel():
    adam = trained(optimizers.Adam(0.05), "non_neg")
    assert_same(adam, trained(optimizers.Adam(0.05), PythonNonNeg()))
    assert (adam[0].get_weights()[0] >= 0).all()


def test_switching_between_the_two_keeps_the_weights():
    model, _ = trained(PythonSGD(0.05))
    before = model.evaluate(X, Y, verbose=0)
    model.compile("adam", "mse", metrics=["mae"])
    assert model.evaluate(X, Y, verbose=0) == before
    model.fit(X, Y, epochs=5, verbose=0)
    assert model.evaluate(X, Y, verbose=0)[0] < before[0]
