"""Trainings of models with state, frozen layers, named outputs and custom parts, against Keras."""

import numpy as np
import pytest

import convnet
from tests.layers.keras_pairs import randomize
from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import (
    REGRESSION,
    WEIGHTS,
    N,
    assert_same,
    classes,
    classifier,
    normal,
    one_hot,
    padded,
    regression,
    trained,
    two_headed,
)

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


def normalized(library, **arguments):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((4,)),
            layers.Dense(5, name="first"),
            layers.BatchNormalization(name="norm", **arguments),
            layers.Dense(1, name="last"),
        ]
    )


def sgd(library):
    return {"optimizer": library.optimizers.SGD(0.05), "loss": "mse", "metrics": ["mae"]}


@pytest.mark.parametrize("arguments", [{}, {"momentum": 0.5, "scale": False}], ids=str)
def test_moving_statistics(keras, arguments):
    theirs, ours = trained(
        keras, lambda k: normalized(k, **arguments), sgd, REGRESSION, validation_data=REGRESSION
    )
    assert_same(theirs, ours)
    np.testing.assert_allclose(
        ours.evaluate(*REGRESSION, verbose=0), theirs.evaluate(*REGRESSION, verbose=0), rtol=1e-4
    )


@pytest.mark.parametrize("frozen", [["first"], ["norm"], ["first", "norm"], ["first", "last"]])
def test_frozen_layers(keras, frozen):
    pair = []
    for library in (keras, convnet):
        model = normalized(library)
        randomize(model)
        for name in frozen:
            model.get_layer(name).trainable = False
        model.compile(**sgd(library))
        model.fit(*REGRESSION, epochs=2, batch_size=8, shuffle=False, verbose=0)
        pair.append(model)
    assert_same(*pair)


def test_freezing_between_two_fits(keras):
    theirs, ours = trained(keras, normalized, sgd, REGRESSION)
    for model, library in ((theirs, keras), (ours, convnet)):
        model.get_layer("first").trainable = False
        model.compile(**sgd(library))
        model.fit(*REGRESSION, epochs=2, batch_size=8, shuffle=False, verbose=0)
        model.get_layer("first").trainable = True
        model.compile("sgd", "mae", metrics=["mse"])
        model.fit(*REGRESSION, epochs=1, batch_size=8, shuffle=False, verbose=0)
    assert_same(theirs, ours)


def dict_outputs(library):
    layers = library.layers
    inputs = library.Input((4,))
    outputs = {
        "size": layers.Dense(1, name="b")(inputs),
        "kind": layers.Dense(3, "softmax", name="a")(inputs),
    }
    return library.Model(inputs, outputs)


def subclassed(structure):
    def build(library):
        class Net(library.Model):
            def __init__(self):
                super().__init__()
                self.size = library.layers.Dense(1)
                self.kind = library.layers.Dense(3, activation="softmax")

            def call(self, x):
                return structure(self.size(x), self.kind(x))

        model = Net()
        model(np.zeros((1, 4), "float32"))
        return model

    return build


TARGETS = {"size": normal(N, 1, seed=1), "kind": classes(N, 3)}
BY_NAME = {"size": "mse", "kind": "sparse_categorical_crossentropy"}


@pytest.mark.parametrize(
    "build",
    [dict_outputs, subclassed(lambda a, b: {"size": a, "kind": b})],
    ids=["functional", "subclassed"],
)
@pytest.mark.parametrize(
    "arguments",
    [
        {"loss": BY_NAME},
        {"loss": BY_NAME, "loss_weights": {"size": 0.5, "kind": 2.0}},
        {"loss": BY_NAME, "metrics": {"kind": ["accuracy"], "size": ["mae"]}},
        {"loss": "mse", "metrics": {"size": ["mae"]}},
    ],
    ids=str,
)
def test_outputs_in_a_dict(keras, build, arguments):
    targets = (
        TARGETS if arguments["loss"] != "mse" else TARGETS | {"kind": one_hot(classes(N, 3), 3)}
    )
    theirs, ours = trained(
        keras, build, lambda _: {"optimizer": "sgd"} | arguments, (normal(N, 4), targets)
    )
    assert_same(theirs, ours)
    assert ours.predict(normal(2, 4), verbose=0).keys() == {"size", "kind"}


@pytest.mark.parametrize(
    "structure", [lambda a, b: [a, b], lambda a, b: (a, b)], ids=["list", "tuple"]
)
def test_outputs_of_a_subclassed_model_in_a_list(keras, structure):
    assert_same(
        *trained(
            keras,
            subclassed(structure),
            lambda _: {"optimizer": "sgd", "loss": [*BY_NAME.values()]},
            (normal(N, 4), [*TARGETS.values()]),
        )
    )


def test_targets_by_name(keras):
    assert_same(
        *trained(
            keras,
            two_headed,
            lambda _: {"optimizer": "sgd", "loss": BY_NAME},
            (normal(N, 4), {"kind": TARGETS["kind"], "size": TARGETS["size"]}),
        )
    )


@pytest.mark.parametrize(
    ("name", "arguments", "activation", "y"),
    [
        ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "softmax", one_hot(classes(N, 3), 3)),
        ("CategoricalCrossentropy", {"from_logits": True}, None, one_hot(classes(N, 3), 3)),
        ("SparseCategoricalCrossentropy", {"from_logits": True}, None, classes(N, 3)),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "softmax", classes(N, 3)),
        (
            "BinaryCrossentropy",
            {"from_logits": True, "label_smoothing": 0.1},
            None,
            classes(N, 2, 3),
        ),
        ("BinaryFocalCrossentropy", {"apply_class_balancing": True}, "sigmoid", classes(N, 2, 3)),
        ("Huber", {"delta": 0.3}, None, normal(N, 3)),
        ("CosineSimilarity", {}, None, normal(N, 3)),
        ("Dice", {}, "sigmoid", classes(N, 2, 3)),
        ("Tversky", {}, "sigmoid", classes(N, 2, 3)),
    ],
    ids=lambda value: "y" if isinstance(value, np.ndarray) else str(value),
)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_loss_objects(keras, name, arguments, activation, y, weights):
    if name in ("Dice", "Tversky") and weights is not None:
        pytest.skip("one loss for the whole batch")
    assert_same(
        *trained(
            keras,
            lambda k: classifier(k, 3, activation),
            lambda k: {"optimizer": "sgd", "loss": getattr(k.losses, name)(**arguments)},
            (normal(N, 4), y.astype("float32") if name.startswith("Binary") else y),
            sample_weight=weights,
        )
    )


def word_tagger(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.LSTM(5, return_sequences=True),
            layers.TimeDistributed(layers.Dense(3, activation="softmax")),
        ]
    )


WORDS = -np.sort(-classes(N, 9, 6), axis=1)  # zeros at the end


TEMPORAL = np.random.default_rng(6).uniform(0, 2, (N, 6)).astype("float32")


@pytest.mark.parametrize("weights", [None, TEMPORAL], ids=["plain", "weighted"])
def test_masks_reach_loss_and_metrics(keras, weights):
    assert_same(
        *trained(
            keras,
            word_tagger,
            lambda k: {
                "optimizer": k.optimizers.SGD(0.1),
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"],
            },
            (WORDS, classes(N, 3, 6, seed=4)),
            sample_weight=weights,
        )
    )


def test_custom_losses_and_metrics(keras):
    def compiled(library):
        class Quartic(library.losses.Loss):
            def call(self, y_true, y_pred):
                return library.ops.mean(library.ops.square(library.ops.square(y_true - y_pred)), -1)

        class Largest(library.metrics.Metric):
            def __init__(self, name="largest", **kwargs):
                super().__init__(name=name, **kwargs)
                self.value = self.add_variable((), "zeros", name="value")

            def update_state(self, y_true, y_pred, sample_weight=None):
                largest = float(library.ops.max(y_pred))
                self.value.assign(max(float(library.ops.convert_to_numpy(self.value)), largest))

            def result(self):
                return float(library.ops.convert_to_numpy(self.value))

        return {"optimizer": "sgd", "loss": Quartic(), "metrics": [Largest(), "mse"]}

    assert_same(*trained(keras, regression, compiled, REGRESSION, validation_data=REGRESSION))


def test_losses_of_layers_alone(keras):
    def build(library):
        class Autoencoder(library.layers.Layer):
            def build(self, shape):
                self.dense = library.layers.Dense(shape[-1])
                self.dense.build(shape)

            def call(self, x):
                y = self.dense(x)
                self.add_loss(library.ops.mean(library.ops.square(x - y)))
                return y

        return library.Sequential([library.Input((4,)), Autoencoder()])

    theirs, ours = trained(keras, build, lambda _: {"optimizer": "sgd"}, (normal(N, 4),))
    assert_same(theirs, ours)
    np.testing.assert_allclose(
        ours.evaluate(normal(N, 4), verbose=0), theirs.evaluate(normal(N, 4), verbose=0), rtol=1e-5
    )


def test_padded_sequences_with_regularized_recurrence(keras):
    def build(library):
        layers = library.layers
        return library.Sequential(
            [
                library.Input((5, 3)),
                layers.Masking(),
                layers.GRU(4, recurrent_regularizer="l2", kernel_regularizer="l1"),
                layers.Dense(1),
            ]
        )

    assert_same(*trained(keras, build, sgd, (padded(), REGRESSION[1]), validation_split=0.25))
