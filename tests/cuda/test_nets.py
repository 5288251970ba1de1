"""Whole nets on the GPU: trained beside the CPU, twice to the same bits, and on both in turn."""

import numpy as np
import pytest

import convnet
from convnet import config, constraints, layers, optimizers
from tests.invariants import nets
from tests.training.agreement import assert_trained_alike

pytestmark = pytest.mark.cuda


def text():
    """Words of two directions, masked, and windows over them."""
    convnet.utils.set_random_seed(21)
    rng = np.random.default_rng(21)
    words = layers.Input((9,))
    known = layers.Embedding(30, 6, mask_zero=True)(words)
    both = layers.Bidirectional(layers.GRU(5, dropout=0.2, recurrent_dropout=0.1))(known)
    windows = layers.Conv1D(7, 3, activation="relu")(layers.Embedding(30, 6)(words))
    merged = layers.Concatenate()([both, layers.GlobalMaxPooling1D()(windows)])
    model = convnet.Model(words, layers.Dense(1, activation="sigmoid")(merged))
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model, rng.integers(0, 30, (70, 9)), rng.integers(0, 2, 70)


def residual():
    """Two outputs of an image; separable and transposed convolutions, sums and averages."""
    convnet.utils.set_random_seed(22)
    rng = np.random.default_rng(22)
    image = layers.Input((10, 9, 3))
    x = layers.SeparableConv2D(8, 3, padding="same")(image)
    y = layers.LayerNormalization()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.LeakyReLU()(layers.Add()([x, y]))
    x = layers.SpatialDropout2D(0.3)(layers.AveragePooling2D(2)(x))
    again = layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="again")(x)
    label = layers.Dense(4, activation="softmax", name="label")(layers.GlobalAveragePooling2D()(x))
    model = convnet.Model(image, [again, label])
    losses = ["mae", "categorical_crossentropy"]
    model.compile(optimizers.SGD(0.05, momentum=0.9), losses, loss_weights=[0.3, 1.0])
    targets = [rng.normal(size=(50, 10, 8, 3)), np.eye(4)[rng.integers(0, 4, 50)]]
    return model, rng.normal(size=(50, 10, 9, 3)).astype(np.float32), targets


def frames():
    """The same layers for each frame of a sequence, then a recurrent one."""
    convnet.utils.set_random_seed(23)
    rng = np.random.default_rng(23)
    model = convnet.Sequential(
        [
            layers.Input((4, 6, 7, 2)),
            layers.TimeDistributed(layers.Conv2D(5, 3, activation="tanh")),
            layers.TimeDistributed(layers.MaxPooling2D(2)),
            layers.TimeDistributed(layers.Flatten()),
            layers.SimpleRNN(6, return_sequences=True),
            layers.LSTM(5),
            layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    return model, rng.normal(size=(37, 4, 6, 7, 2)).astype(np.float32), rng.normal(size=(37, 2))


ALL = [*nets.ALL, text, residual, frames]
each_net = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)


def trained(make, *devices, shuffle=True):
    """Weights, what was reported and predictions of a net that trains an epoch on each device."""
    model, x, y = make()
    options = {"validation_data": (x, y), "shuffle": shuffle, "verbose": 0}
    reported = {}
    for device in devices:
        with config.device(device):
            history = model.fit(x, y, batch_size=24, **options).history
        for name, values in history.items():
            reported.setdefault(name, []).extend(values)
    with config.device(devices[-1]):
        predictions = model.predict(x, verbose=0)
    predictions = predictions if isinstance(predictions, list) else [predictions]
    return [*model.get_weights(), *predictions], reported


@each_net
def test_trains_and_predicts_as_the_cpu_does(make):
    assert_trained_alike(trained(make, "gpu", "gpu"), trained(make, "cpu", "cpu"))


@each_net
def test_training_twice_gives_the_same_bits(make):
    for a, b in zip(trained(make, "gpu")[0], trained(make, "gpu")[0], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [nets.normalized_cnn, nets.lstm], ids=lambda make: make.__name__)
def test_training_goes_on_where_the_other_device_stopped(make):
    """Each device draws numbers of its own: nothing is shuffled or dropped."""
    actual = trained(make, "gpu", "cpu", "gpu", shuffle=False)
    assert_trained_alike(actual, trained(make, "cpu", "cpu", "cpu", shuffle=False))


@pytest.mark.parametrize("samples", [1, 7, 300])
def test_predictions_of_any_number_of_samples_follow_the_device(samples):
    model, x, _ = nets.cnn()
    x = np.resize(x, (samples, *x.shape[1:]))
    expected = model.predict(x, verbose=0)
    with config.device("gpu"):
        there = model.predict(x, verbose=0)
    np.testing.assert_allclose(there, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)


UPDATES = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.01, centered=True, momentum=0.5),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "lion": lambda: optimizers.Lion(0.001),
    "clipped values": lambda: optimizers.SGD(0.1, clipvalue=0.01),
    "clipped norms": lambda: optimizers.SGD(0.1, clipnorm=0.1),
    "a clipped norm": lambda: optimizers.SGD(0.1, global_clipnorm=0.1),
    "accumulated gradients": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "averages": lambda: optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
}


@pytest.mark.parametrize("update", UPDATES)
def test_updates_weights_as_the_cpu_does(update):
    """A table that is large and rarely read, weights enough to be followed, and constraints."""

    def make():
        convnet.utils.set_random_seed(24)
        rng = np.random.default_rng(24)
        model = convnet.Sequential(
            [
                layers.Input((3,)),
                layers.Embedding(2000, 40, embeddings_initializer="normal"),
                layers.Flatten(),
                layers.Dense(600, "tanh", kernel_regularizer="l2"),
                layers.Dense(
                    2, kernel_constraint=constraints.MaxNorm(0.5), bias_constraint="non_neg"
                ),
            ]
        )
        model.compile(UPDATES[update](), "mse")
        return model, rng.integers(0, 2000, (60, 3)), rng.normal(size=(60, 2))

    assert_trained_alike(trained(make, "gpu"), trained(make, "cpu"))
