"""Losses inside a recorded computation."""

import numpy as np
import pytest

from convnet import execution, losses, ops
from tests.losses import cases
from tests.reference import losses as reference


def traced(function, targets, predictions, *weights):
    """What a function of tensors gives in one compiled step of all samples."""
    arrays = [np.asarray(x, "float32") for x in (targets, predictions, *weights)]
    call = execution.PlannedCall(
        lambda tensors: function(*tensors), [x.shape[1:] for x in arrays], len(arrays[0])
    )
    return call(arrays)


@pytest.mark.parametrize(
    "name, kind",
    [
        ("mean_squared_error", cases.numbers),
        ("mean_absolute_percentage_error", cases.positive),
        ("huber", cases.numbers),
        ("cosine_similarity", cases.numbers),
        ("hinge", cases.binary),
        ("kl_divergence", cases.distributions),
        ("poisson", cases.positive),
        ("categorical_hinge", cases.one_hot),
        ("binary_crossentropy", cases.binary),
        ("categorical_crossentropy", cases.one_hot),
        ("sparse_categorical_crossentropy", cases.sparse),
        ("categorical_focal_crossentropy", cases.one_hot),
        ("binary_focal_crossentropy", cases.binary),
    ],
)
@pytest.mark.parametrize("shape", [(19, 4), (19, 3, 4)])
def test_functions_follow_the_formulas(name, kind, shape):
    targets, predictions = kind(shape)
    values = traced(getattr(losses, name), targets, predictions)
    expected = getattr(reference, name)(targets, predictions)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        losses.sparse_categorical_crossentropy,
        losses.SparseCategoricalCrossentropy(reduction="none"),
    ],
)
def test_the_loss_of_a_softmax_is_computed_from_its_logits(loss):
    logits = np.array([[0.0, 90.0], [3.0, 3.0]])
    labels = np.array([0, 1])
    values = traced(lambda y_true, x: loss(y_true, ops.softmax(x)), labels, logits)
    # From the probabilities it would be -log(1e-7) = 16.1.
    np.testing.assert_allclose(values, [90.0, np.log(2)], rtol=1e-6)


def test_the_loss_of_a_sigmoid_is_computed_from_its_logits():
    def loss(y_true, x):
        return losses.binary_crossentropy(y_true, ops.sigmoid(x))

    values = traced(loss, np.array([[1.0], [0.0]]), np.array([[-90.0], [-90.0]]))
    np.testing.assert_allclose(values, [90.0, 0.0], rtol=1e-6, atol=1e-6)


def test_a_sigmoid_is_no_softmax():
    targets, logits = cases.one_hot_logits((7, 4))

    def loss(y_true, x):
        return losses.categorical_crossentropy(y_true, ops.sigmoid(x))

    expected = reference.categorical_crossentropy(targets, 1 / (1 + np.exp(-logits)))
    np.testing.assert_allclose(traced(loss, targets, logits), expected, rtol=1e-4)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_reductions_of_weighted_losses(reduction):
    targets, predictions = cases.numbers((19, 4))
    weights = np.linspace(0.0, 2.0, 19)
    values = reference.mean_squared_error(targets, predictions) * weights
    loss = losses.MeanSquaredError(reduction=reduction)
    divisor = {"sum": 1.0, "mean_with_sample_weight": weights.sum()}.get(reduction, 19.0)
    result = traced(loss, targets, predictions, weights)
    np.testing.assert_allclose(result, values.sum() / divisor, rtol=1e-5)


def test_ignored_classes_do_not_count():
    targets, predictions = cases.sparse((19, 4))
    values = reference.sparse_categorical_crossentropy(targets, predictions)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1)
    result = traced(loss, targets, predictions)
    np.testing.assert_allclose(result, values[targets != 1].mean(), rtol=1e-5)
