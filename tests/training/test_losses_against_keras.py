"""Trainings with losses, weights and masks, held against Keras's own."""

import numpy as np
import pytest

from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import (
    CLASSES,
    REGRESSION,
    SEQUENCES,
    WEIGHTS,
    N,
    assert_same,
    classes,
    classifier,
    masked_sequences,
    normal,
    one_hot,
    regression,
    trained,
)

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


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
                # On PyTorch, Keras's loss changes weights in place where there is a mask.
                "weighted_metrics": [] if masked and weighted else ["mse"],
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
            lambda k: classifier(k, units=3),
            lambda _: {"optimizer": "adam", "loss": loss, "weighted_metrics": ["accuracy"]},
            (CLASSES[0], TARGETS[labels]),
            class_weight={0: 2.0, 2: 0.25},
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
