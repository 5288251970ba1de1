"""Losses, metrics and weights of a training, held against Keras's own."""

import numpy as np
import pytest

from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import assert_same, classes, normal, one_hot, trained

pytestmark = against_keras

N = 28  # three batches and a half


@pytest.fixture(scope="module")
def keras():
    return real_keras()


def regression(library, **dense):
    layers = library.layers
    return library.Sequential(
        [library.Input((4,)), layers.Dense(5, activation="tanh", **dense), layers.Dense(1)]
    )


def classifier(library, units=3, activation="softmax"):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.Dense(units, activation=activation),
        ]
    )


def two_headed(library):
    layers = library.layers
    inputs = library.Input((4,), name="features")
    x = layers.Dense(6, activation="tanh")(inputs)
    outputs = [layers.Dense(1, name="size")(x), layers.Dense(3, "softmax", name="kind")(x)]
    return library.Model(inputs, outputs)


def masked_sequences(library):
    layers = library.layers
    inputs = library.Input((5, 3))
    x = layers.Masking()(inputs)
    return library.Model(inputs, layers.TimeDistributed(layers.Dense(2))(x))


def padded(seed=0):
    x = normal(N, 5, 3, seed=seed)
    for i in range(N):
        x[i, 1 + i % 5 :] = 0.0
    return x


REGRESSION = (normal(N, 4), normal(N, 1, seed=1))
CLASSES = (normal(N, 4), classes(N, 3))
TWO = (normal(N, 4), [normal(N, 1, seed=1), classes(N, 3)])
SEQUENCES = (padded(), normal(N, 5, 2, seed=1))
WEIGHTS = np.random.default_rng(5).uniform(0, 2, N).astype("float32")

OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.05}),
    ("RMSprop", {"learning_rate": 0.02}),
    ("RMSprop", {"learning_rate": 0.02, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {"learning_rate": 0.05}),
    ("Nadam", {"learning_rate": 0.05}),
    ("Lion", {"learning_rate": 0.01}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.2}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.05}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.3}),
    ("Adam", {"learning_rate": 0.05, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8}),
    ("SGD", {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3}),
    ("Adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 3}),
]


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS, ids=str)
def test_optimizers(keras, name, arguments):
    assert_same(
        *trained(
            keras,
            regression,
            lambda k: {
                "optimizer": getattr(k.optimizers, name)(**arguments),
                "loss": "mse",
                "metrics": ["mae"],
            },
            REGRESSION,
        )
    )


SCHEDULES = [
    ("ExponentialDecay", (0.1, 2, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([2, 5], [0.1, 0.05, 0.01]), {}),
    ("CosineDecay", (0.1, 6), {"warmup_target": 0.2, "warmup_steps": 2}),
    ("PolynomialDecay", (0.1, 5), {"power": 2.0}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), SCHEDULES, ids=lambda v: str(v)[:24])
def test_schedules(keras, name, arguments, options):
    def compiled(k):
        schedule = getattr(k.optimizers.schedules, name)(*arguments, **options)
        return {"optimizer": k.optimizers.Adam(schedule), "loss": "mse"}

    assert_same(*trained(keras, regression, compiled, REGRESSION))


LOSSES = [
    ("mse", 1, None, "real"),
    ("mae", 1, None, "real"),
    ("huber", 1, None, "real"),
    ("log_cosh", 1, None, "real"),
    ("binary_crossentropy", 1, "sigmoid", "binary"),
    ("sparse_categorical_crossentropy", 3, "softmax", "sparse"),
    ("categorical_crossentropy", 3, "softmax", "one_hot"),
    ("kl_divergence", 3, "softmax", "one_hot"),
    ("poisson", 1, "softplus", "binary"),
    ("hinge", 1, "tanh", "binary"),
    ("categorical_focal_crossentropy", 3, "softmax", "one_hot"),
    ("crossentropy", 1, "sigmoid", "binary"),
    ("crossentropy", 3, "softmax", "sparse"),
    ("ce", 3, "softmax", "one_hot"),
]
TARGETS = {
    "real": normal(N, 1, seed=1),
    "binary": classes(N, 2, 1),
    "sparse": classes(N, 3),
    "column": classes(N, 3, 1),
    "one_hot": one_hot(classes(N, 3), 3),
}


@pytest.mark.parametrize(("loss", "units", "activation", "targets"), LOSSES)
def test_losses_by_name(keras, loss, units, activation, targets):
    assert_same(
        *trained(
            keras,
            lambda k: classifier(k, units, activation),
            lambda _: {"optimizer": "adam", "loss": loss},
            (normal(N, 4), TARGETS[targets]),
        )
    )


@pytest.mark.parametrize(
    ("units", "activation", "targets", "loss"),
    [
        (1, "sigmoid", "binary", "binary_crossentropy"),
        (3, "softmax", "sparse", "sparse_categorical_crossentropy"),
        (3, "softmax", "column", "sparse_categorical_crossentropy"),
        (3, "softmax", "one_hot", "categorical_crossentropy"),
        (3, "sigmoid", "one_hot", "binary_crossentropy"),
    ],
)
@pytest.mark.parametrize("metric", ["accuracy", "acc"])
def test_accuracy_is_resolved_by_shapes_and_keeps_its_name(
    keras, units, activation, targets, loss, metric
):
    theirs, ours = trained(
        keras,
        lambda k: classifier(k, units, activation),
        lambda _: {"optimizer": "sgd", "loss": loss, "metrics": [metric]},
        (normal(N, 4), TARGETS[targets]),
    )
    assert_same(theirs, ours)
    assert metric in ours.history.history


@pytest.mark.parametrize(
    "weights", [WEIGHTS, np.zeros(N, "float32"), WEIGHTS.reshape(N, 1)], ids=["1-D", "0", "(n, 1)"]
)
def test_sample_weights_count_in_the_loss_and_in_weighted_metrics_alone(keras, weights):
    assert_same(
        *trained(
            keras,
            classifier,
            lambda k: {
                "optimizer": "adam",
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"],
                "weighted_metrics": ["accuracy", "sparse_top_k_categorical_accuracy"],
            },
            CLASSES,
            sample_weight=weights,
            validation_data=(*CLASSES, weights[::-1]),
        )
    )


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight", "sum_over_batch_size"])
def test_reductions(keras, reduction):
    assert_same(
        *trained(
            keras,
            regression,
            lambda k: {"optimizer": "sgd", "loss": k.losses.MeanSquaredError(reduction=reduction)},
            REGRESSION,
            sample_weight=WEIGHTS,
        )
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_masks_and_temporal_weights(keras, masked, weighted):
    x = SEQUENCES[0] if masked else normal(N, 5, 3)
    weights = np.random.default_rng(3).uniform(0, 2, (N, 5)).astype("float32")
    assert_same(
        *trained(
            keras,
            masked_sequences,
            lambda k: {
                "optimizer": k.optimizers.SGD(0.1),
                "loss": "mse",
                "metrics": ["mae"],
                "weighted_metrics": ["mse"],
            },
            (x, SEQUENCES[1]),
            sample_weight=weights if weighted else None,
        )
    )


@pytest.mark.parametrize("labels", ["sparse", "column", "one_hot"])
def test_class_weights(keras, labels):
    loss = "categorical_crossentropy" if labels == "one_hot" else "sparse_categorical_crossentropy"
    assert_same(
        *trained(
            keras,
            classifier,
            lambda k: {"optimizer": "adam", "loss": loss, "weighted_metrics": ["accuracy"]},
            (CLASSES[0], TARGETS[labels]),
            class_weight={0: 2.0, 2: 0.25},
        )
    )


TWO_LOSSES = ["mse", "sparse_categorical_crossentropy"]
BY_NAME = dict(zip(("size", "kind"), TWO_LOSSES, strict=True))


@pytest.mark.parametrize(
    "arguments",
    [
        {"loss": TWO_LOSSES},
        {"loss": BY_NAME, "loss_weights": {"size": 0.3}},
        {"loss": TWO_LOSSES, "loss_weights": [0.3, 2.0], "metrics": [["mae"], ["accuracy"]]},
        {"loss": TWO_LOSSES, "metrics": ["mae", "accuracy"]},
        {"loss": BY_NAME, "metrics": {"kind": ["accuracy"]}},
        {"loss": BY_NAME, "metrics": {"kind": "acc"}, "weighted_metrics": {"kind": "acc"}},
        {"loss": ["mse", None]},
        {"loss": {"kind": "sparse_categorical_crossentropy"}, "metrics": {"size": "mse"}},
    ],
    ids=str,
)
def test_several_outputs(keras, arguments):
    theirs, ours = trained(keras, two_headed, lambda _: {"optimizer": "adam"} | arguments, TWO)
    assert_same(theirs, ours)
    x, y = TWO
    expected = theirs.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), expected, rtol=2e-5)
    logs = ours.evaluate(x, y, verbose=0, return_dict=True)
    assert logs.keys() == theirs.evaluate(x, y, verbose=0, return_dict=True).keys()


@pytest.mark.parametrize(
    "weights", [[WEIGHTS, WEIGHTS[::-1]], WEIGHTS, {"size": WEIGHTS, "kind": WEIGHTS[::-1]}],
    ids=["list", "one for all", "dict"],
)
def test_weights_of_several_outputs(keras, weights):
    if isinstance(weights, np.ndarray):
        given = weights
    else:
        given = weights
    assert_same(
        *trained(
            keras,
            two_headed,
            lambda _: {"optimizer": "sgd", "loss": TWO_LOSSES, "weighted_metrics": ["mae", "acc"]},
            TWO if not isinstance(weights, dict) else (TWO[0], dict(size=TWO[1][0], kind=TWO[1][1])),
            sample_weight=given,
        )
    )


def test_regularizers_enter_the_reported_losses(keras):
    arguments = {
        "kernel_regularizer": "l2",
        "bias_regularizer": "l1",
        "activity_regularizer": "l2",
    }
    assert_same(
        *trained(
            keras,
            lambda k: regression(k, **arguments),
            lambda k: {"optimizer": k.optimizers.SGD(0.1), "loss": "mse", "metrics": ["mse"]},
            REGRESSION,
            validation_data=REGRESSION,
        )
    )


def test_losses_that_layers_add(keras):
    def build(library):
        class Penalty(library.layers.Layer):
            def call(self, x):
                self.add_loss(0.1 * library.ops.mean(library.ops.square(x)))
                return x

        layers = library.layers
        return library.Sequential(
            [library.Input((4,)), layers.Dense(3), Penalty(), layers.Dense(1)]
        )

    assert_same(
        *trained(
            keras,
            build,
            lambda k: {"optimizer": k.optimizers.SGD(0.1), "loss": "mse"},
            REGRESSION,
            validation_data=REGRESSION,
        )
    )


@pytest.mark.parametrize("constraint", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_constraints(keras, constraint):
    assert_same(
        *trained(
            keras,
            lambda k: regression(k, kernel_constraint=constraint, bias_constraint="non_neg"),
            lambda k: {"optimizer": k.optimizers.SGD(0.2), "loss": "mse"},
            REGRESSION,
        )
    )


def test_functions_as_loss_and_metric(keras):
    def arguments(library):
        def cubed(y_true, y_pred):
            return library.ops.mean(library.ops.abs(y_true - y_pred) ** 3, axis=-1)

        def bias(y_true, y_pred):
            return library.ops.mean(y_pred - y_true)

        return {"optimizer": "sgd", "loss": cubed, "metrics": [cubed, bias, "mae"]}

    assert_same(*trained(keras, regression, arguments, REGRESSION))


def test_metric_objects(keras):
    def arguments(library):
        metrics = library.metrics
        return {
            "optimizer": "adam",
            "loss": "binary_crossentropy",
            "metrics": [
                metrics.Precision(),
                metrics.Recall(thresholds=0.4),
                metrics.AUC(num_thresholds=20),
                metrics.BinaryAccuracy(threshold=0.3, name="lenient"),
                metrics.RootMeanSquaredError(),
            ],
            "weighted_metrics": [metrics.F1Score(threshold=0.5), metrics.AUC(name="weighted")],
        }

    assert_same(
        *trained(
            keras,
            lambda k: classifier(k, 1, "sigmoid"),
            arguments,
            (normal(N, 4), TARGETS["binary"].astype("float32")),
            sample_weight=WEIGHTS,
        )
    )


def test_metrics_of_the_same_name_are_told_apart(keras):
    assert_same(
        *trained(
            keras,
            regression,
            lambda k: {
                "optimizer": "sgd",
                "loss": "mse",
                "metrics": ["mae", k.metrics.MeanAbsoluteError(name="mae")],
                "weighted_metrics": ["mae"],
            },
            REGRESSION,
            sample_weight=WEIGHTS,
        )
    )


def test_convolution_and_normalisation(keras):
    def build(library):
        layers = library.layers
        return library.Sequential(
            [
                library.Input((8, 8, 2)),
                layers.Conv2D(4, 3, padding="same", activation="relu"),
                layers.BatchNormalization(),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ]
        )

    assert_same(
        *trained(
            keras,
            build,
            lambda k: {
                "optimizer": k.optimizers.SGD(0.01),
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"],
            },
            (normal(N, 8, 8, 2), classes(N, 3)),
            validation_split=0.25,
        )
    )


def test_recurrent_classifier_of_words(keras):
    def build(library):
        layers = library.layers
        return library.Sequential(
            [
                library.Input((6,), dtype="int32"),
                layers.Embedding(9, 4, mask_zero=True),
                layers.LSTM(5),
                layers.Dense(1, activation="sigmoid"),
            ]
        )

    assert_same(
        *trained(
            keras,
            build,
            lambda k: {
                "optimizer": k.optimizers.RMSprop(0.01),
                "loss": "binary_crossentropy",
                "metrics": ["accuracy"],
            },
            (np.sort(classes(N, 9, 6))[:, ::-1], classes(N, 2, 1)),
        )
    )
