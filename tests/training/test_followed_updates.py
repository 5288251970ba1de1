"""Large weights are updated piece by piece while their gradients are computed: with the bits of an
update that comes when all gradients are there, for every optimizer, on any number of threads.
"""

import numpy as np
import pytest

import convnet
from convnet import config, layers, optimizers, regularizers
from convnet.training import train_step

pytestmark = pytest.mark.cpu_only("a GPU has no caches to keep pieces in")

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.9, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.01),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "clipvalue": lambda: optimizers.SGD(0.1, clipvalue=1e-3),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "ema": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=2),
    "everything": lambda: optimizers.Adam(
        0.01, weight_decay=0.1, clipvalue=1e-3, gradient_accumulation_steps=2, use_ema=True
    ),
    "clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.01),
    "global_clipnorm": lambda: optimizers.SGD(0.1, global_clipnorm=0.01),
}


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    config.set_num_threads(None)


def dense_net():
    return convnet.Sequential(
        [
            layers.Input((151,)),
            layers.Dense(211, activation="relu", kernel_regularizer=regularizers.L2(0.01)),
            layers.Dropout(0.2),
            layers.Dense(67, activation="tanh", kernel_constraint="non_neg"),
            layers.Dense(31, activation="tanh"),
            layers.Dense(3),
        ]
    )


def conv_net():
    return convnet.Sequential(
        [
            layers.Input((9, 8, 3)),
            layers.Conv2D(13, 3, activation="relu"),
            layers.Conv2D(70, 2, kernel_regularizer="l2"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def train(monkeypatch, net, optimizer, least, samples=70, threads=1):
    """Weights and the optimizer's variables after some steps, and the model."""
    monkeypatch.setattr(train_step, "_LEAST_FOLLOWED", least)
    config.set_num_threads(threads)
    convnet.utils.set_random_seed(3)
    model = net()
    model.compile(optimizer=optimizer(), loss="mse")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(samples, *model.input_shape[1:])).astype(np.float32)
    y = rng.normal(size=(samples, 3)).astype(np.float32)
    model.fit(x, y, batch_size=samples, epochs=5, verbose=0)
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)], model


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_bits_are_those_of_updates_after_all_gradients(monkeypatch, optimizer, threads):
    plain, _ = train(monkeypatch, dense_net, OPTIMIZERS[optimizer], least=1 << 40)
    followed, _ = train(monkeypatch, dense_net, OPTIMIZERS[optimizer], least=1, threads=threads)
    assert_same(followed, plain)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("optimizer", ["adamw", "everything"])
def test_sums_over_slots_are_followed_with_the_same_bits(monkeypatch, optimizer, threads):
    plain, _ = train(monkeypatch, conv_net, OPTIMIZERS[optimizer], least=1 << 40)
    followed, _ = train(monkeypatch, conv_net, OPTIMIZERS[optimizer], least=1, threads=threads)
    assert_same(followed, plain)


@pytest.mark.parametrize("threads", [1, 3])
def test_steps_of_a_few_samples_follow_with_the_same_bits(monkeypatch, threads):
    plain, _ = train(monkeypatch, dense_net, OPTIMIZERS["adamw"], least=1 << 40, samples=3)
    followed, _ = train(monkeypatch, dense_net, OPTIMIZERS["adamw"], 1, samples=3, threads=threads)
    assert_same(followed, plain)


def engine_of(model):
    return model._training_engine("fit")


def test_gradients_that_are_followed_are_not_kept(monkeypatch):
    _, model = train(monkeypatch, dense_net, OPTIMIZERS["adam"], least=1 << 13)
    parameters = engine_of(model)._parameters
    kept = {
        variable.path: bool(gradient.any())
        for variable, gradient in zip(
            parameters.variables, parameters.views(parameters.gradients), strict=True
        )
    }
    # The second kernel has a constraint, the others are small.
    assert list(kept.values()) == [False, *[True] * 7]


@pytest.mark.parametrize("optimizer", ["clipnorm", "global_clipnorm"])
def test_norms_need_whole_gradients(monkeypatch, optimizer):
    _, model = train(monkeypatch, dense_net, OPTIMIZERS[optimizer], least=1)
    parameters = engine_of(model)._parameters
    assert all(g.any() for g in parameters.views(parameters.gradients))
