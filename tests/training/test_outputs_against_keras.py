"""Metrics, several outputs and layers' own losses in training, held against Keras's own."""

import numpy as np
import pytest

from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import (
    REGRESSION,
    TWO,
    WEIGHTS,
    N,
    assert_same,
    classes,
    classifier,
    normal,
    regression,
    trained,
    two_headed,
)

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


TWO_LOSSES = ["mse", "sparse_categorical_crossentropy"]
BY_NAME = dict(zip(("size", "kind"), TWO_LOSSES, strict=True))


@pytest.mark.parametrize(
    "arguments",
    [
        {"loss": TWO_LOSSES},
        {"loss": BY_NAME, "loss_weights": {"size": 0.3, "kind": 2.0}},
        {"loss": TWO_LOSSES, "loss_weights": [0.3, 2.0], "metrics": [["mae"], ["accuracy"]]},
        {"loss": TWO_LOSSES, "metrics": ["mae", "accuracy"]},
        {"loss": BY_NAME, "metrics": {"kind": ["accuracy"]}},
        {"loss": BY_NAME, "metrics": {"kind": "acc"}, "weighted_metrics": {"kind": "acc"}},
        {"loss": ["mse", None]},
        {"loss": BY_NAME, "metrics": ["mae", "acc"], "weighted_metrics": [["mae", "mse"], "acc"]},
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
    "weights", [[WEIGHTS, WEIGHTS[::-1]], WEIGHTS], ids=["list", "one for all"]
)
def test_weights_of_several_outputs(keras, weights):
    assert_same(
        *trained(
            keras,
            two_headed,
            lambda _: {"optimizer": "sgd", "loss": TWO_LOSSES, "weighted_metrics": ["mae", "acc"]},
            TWO,
            sample_weight=weights,
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
            (normal(N, 4), classes(N, 2, 1).astype("float32")),
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
