"""From losses of samples to one number: weights, masks, reductions, shapes."""

import numpy as np
import pytest

from convnet import losses
from convnet.losses.reduction import reduce_weighted_values
from tests.losses import cases
from tests.reference import losses as reference
from tests.reference.real_keras import against_keras, real_keras

TARGETS, PREDICTIONS = (x.astype("float32") for x in cases.numbers((6, 4)))
VALUES = reference.mean_squared_error(TARGETS, PREDICTIONS)
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0, 1.0, 3.0], "float32")


@pytest.mark.parametrize(
    "reduction, expected",
    [
        ("sum_over_batch_size", VALUES.mean()),
        ("mean", VALUES.mean()),
        ("mean_with_sample_weight", VALUES.mean()),
        ("sum", VALUES.sum()),
        ("none", VALUES),
        (None, VALUES),
    ],
)
def test_reductions(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(TARGETS, PREDICTIONS), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "reduction, expected",
    [
        ("sum_over_batch_size", (VALUES * WEIGHTS).sum() / 6),
        ("mean", (VALUES * WEIGHTS).sum() / 6),
        ("mean_with_sample_weight", (VALUES * WEIGHTS).sum() / WEIGHTS.sum()),
        ("sum", (VALUES * WEIGHTS).sum()),
        ("none", VALUES * WEIGHTS),
    ],
)
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_weighted_reductions(reduction, expected, shape):
    loss = losses.MeanSquaredError(reduction=reduction)
    value = loss(TARGETS, PREDICTIONS, WEIGHTS.reshape(shape))
    np.testing.assert_allclose(np.squeeze(value), expected, rtol=1e-5)


def test_a_weight_of_a_sample_applies_to_all_its_positions():
    targets, predictions = (x.astype("float32") for x in cases.numbers((6, 5, 4)))
    values = reference.mean_squared_error(targets, predictions)
    expected = (values * WEIGHTS[:, np.newaxis]).mean()
    loss = losses.MeanSquaredError()(targets, predictions, WEIGHTS)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_weights_of_positions():
    targets, predictions = (x.astype("float32") for x in cases.numbers((6, 5, 4)))
    values = reference.mean_squared_error(targets, predictions)
    weights = np.arange(30.0).reshape(6, 5)
    loss = losses.MeanSquaredError()(targets, predictions, weights)
    np.testing.assert_allclose(loss, (values * weights).mean(), rtol=1e-5)


def test_weights_of_zero_give_zero():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert float(loss(TARGETS, PREDICTIONS, np.zeros(6))) == 0.0


def test_a_mask_leaves_the_mean_over_what_it_keeps():
    mask = np.array([True, True, False, True, False, False])
    loss = reduce_weighted_values(VALUES.astype("float32"), mask=mask)
    np.testing.assert_allclose(loss, VALUES[mask].mean(), rtol=1e-5)
    summed = reduce_weighted_values(VALUES.astype("float32"), mask=mask, reduction="sum")
    np.testing.assert_allclose(summed, VALUES[mask].sum(), rtol=1e-5)
    nothing = reduce_weighted_values(VALUES.astype("float32"), mask=np.zeros(6, bool))
    assert float(nothing) == 0.0


def test_ignored_classes_do_not_count():
    targets, predictions = cases.sparse((7, 4))
    values = reference.sparse_categorical_crossentropy(targets, predictions)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1)(targets, predictions)
    np.testing.assert_allclose(loss, values[targets != 1].mean(), rtol=1e-5)


@pytest.mark.parametrize("target_shape", [(6,), (6, 1)])
@pytest.mark.parametrize("prediction_shape", [(6,), (6, 1)])
def test_a_missing_last_axis_is_no_other_axis(target_shape, prediction_shape):
    targets, predictions = TARGETS[:, 0], PREDICTIONS[:, 0]
    loss = losses.MeanSquaredError()
    value = loss(targets.reshape(target_shape), predictions.reshape(prediction_shape))
    np.testing.assert_allclose(value, ((targets - predictions) ** 2).mean(), rtol=1e-5)


def test_lists_are_tensors():
    assert float(losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]])) == 2.5


def test_unknown_reductions_are_named():
    with pytest.raises(ValueError, match=r"`reduction`. Expected one of .* reduction=max"):
        losses.MeanSquaredError(reduction="max")


def test_a_loss_of_ones_own_needs_only_call():
    class Largest(losses.Loss):
        def call(self, y_true, y_pred):
            return abs(y_true - y_pred).max(axis=-1)

    value = Largest()(TARGETS, PREDICTIONS, WEIGHTS)
    expected = (np.abs(TARGETS - PREDICTIONS).max(-1) * WEIGHTS).mean()
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "targets, message",
    [
        ([0, 4, 1], "0 to 4 .*. Received: 4"),
        ([0, -1, 1], "Received: -1"),
        ([0.0, 1.5], "Received: 1.5"),
        ([0.0, np.nan], "Received: nan"),
    ],
)
def test_targets_that_are_no_class_are_named(targets, message):
    loss = losses.SparseCategoricalCrossentropy()
    loss.check_targets(np.array([[0], [3]]), (None, 4))
    with pytest.raises(ValueError, match=message):
        loss.check_targets(np.array(targets), (None, 4))
    losses.MeanSquaredError().check_targets(np.array(targets), (None, 4))


def test_an_ignored_class_may_be_out_of_range():
    losses.SparseCategoricalCrossentropy(ignore_class=255).check_targets(np.array([255]), (None, 4))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS[:, np.newaxis]])
@against_keras
def test_values_are_those_of_keras(reduction, weights):
    keras = real_keras()
    own = losses.MeanAbsoluteError(reduction=reduction)
    theirs = keras.losses.MeanAbsoluteError(reduction=reduction)
    expected = float(theirs(TARGETS, PREDICTIONS, weights))
    np.testing.assert_allclose(own(TARGETS, PREDICTIONS, weights), expected, rtol=1e-5)
