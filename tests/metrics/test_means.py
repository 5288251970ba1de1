"""Metrics that are the weighted mean of a function."""

import numpy as np
import pytest

from convnet import metrics
from tests.losses import cases
from tests.reference import losses as loss_reference
from tests.reference import metrics as reference
from tests.reference.real_keras import against_keras, real_keras


def equal_numbers(shape):
    targets, predictions = cases.numbers(shape)
    return np.round(targets), np.round(predictions)


def sorted_ids(shape):
    labels, predictions = cases.sparse(shape)
    return labels, np.argsort(-predictions, axis=-1)


def in_sorted_ids(t, p, k=5):
    return np.any(p[..., :k] == t[..., np.newaxis], axis=-1).astype(float)


# class, kind of data, arguments, values of samples and positions
MEANS = [
    ("Accuracy", equal_numbers, {}, reference.accuracy),
    ("BinaryAccuracy", cases.binary, {}, reference.binary_accuracy),
    ("BinaryAccuracy", cases.binary, {"threshold": 0.8}, reference.binary_accuracy),
    ("MeanSquaredError", cases.numbers, {}, loss_reference.mean_squared_error),
    ("MeanAbsoluteError", cases.numbers, {}, loss_reference.mean_absolute_error),
    (
        "MeanAbsolutePercentageError",
        cases.positive,
        {},
        loss_reference.mean_absolute_percentage_error,
    ),
    (
        "MeanSquaredLogarithmicError",
        cases.positive,
        {},
        loss_reference.mean_squared_logarithmic_error,
    ),
    ("LogCoshError", cases.numbers, {}, loss_reference.log_cosh),
    ("Poisson", cases.positive, {}, loss_reference.poisson),
    ("Hinge", cases.binary, {}, loss_reference.hinge),
    ("SquaredHinge", cases.binary, {}, loss_reference.squared_hinge),
    ("BinaryCrossentropy", cases.binary, {}, loss_reference.binary_crossentropy),
    (
        "BinaryCrossentropy",
        cases.binary_logits,
        {"from_logits": True, "label_smoothing": 0.1},
        loss_reference.binary_crossentropy,
    ),
]
OF_CLASSES = [
    ("CategoricalAccuracy", cases.one_hot, {}, reference.categorical_accuracy),
    ("SparseCategoricalAccuracy", cases.sparse, {}, reference.sparse_categorical_accuracy),
    ("TopKCategoricalAccuracy", cases.one_hot, {"k": 2}, reference.top_k_categorical_accuracy),
    (
        "SparseTopKCategoricalAccuracy",
        cases.sparse,
        {"k": 3},
        reference.sparse_top_k_categorical_accuracy,
    ),
    ("KLDivergence", cases.distributions, {}, loss_reference.kl_divergence),
    ("CategoricalHinge", cases.one_hot, {}, loss_reference.categorical_hinge),
    ("CategoricalCrossentropy", cases.one_hot, {}, loss_reference.categorical_crossentropy),
    (
        "SparseCategoricalCrossentropy",
        cases.sparse_logits,
        {"from_logits": True},
        loss_reference.sparse_categorical_crossentropy,
    ),
]
CASES = cases.each(MEANS) + cases.each(OF_CLASSES, cases.CLASS_SHAPES)


def sample_weights(kind, shape):
    """None, or one for each sample, or one for each position."""
    sizes = {"samples": shape[:1], "positions": shape[:-1]}.get(kind)
    return None if sizes is None else np.random.default_rng(2).random(sizes)


def in_two_batches(metric, arrays, cut=2):
    metric.update_state(*(None if a is None else a[:cut] for a in arrays))
    metric.update_state(*(None if a is None else a[cut:] for a in arrays))
    return metric.result()


@pytest.mark.parametrize("weighted", [None, "samples", "positions"])
@pytest.mark.parametrize("name, kind, arguments, function, shape", CASES, ids=cases.label)
def test_batches_add_up_to_the_weighted_mean(name, kind, arguments, function, shape, weighted):
    targets, predictions = kind(shape)
    weights = sample_weights(weighted, shape)
    result = in_two_batches(getattr(metrics, name)(**arguments), (targets, predictions, weights))
    expected = reference.weighted_mean(function(targets, predictions, **arguments), weights)
    assert isinstance(result, np.float32)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weighted", [None, "samples", "positions"])
@pytest.mark.parametrize("name, kind, arguments, function, shape", CASES, ids=cases.label)
@against_keras
def test_results_are_those_of_keras(name, kind, arguments, function, shape, weighted):
    keras = real_keras()
    targets, predictions = (np.asarray(x, "float32") for x in kind(shape))
    arrays = (targets, predictions, sample_weights(weighted, shape))
    result = in_two_batches(getattr(metrics, name)(**arguments), arrays)
    expected = in_two_batches(getattr(keras.metrics, name)(**arguments), arrays)
    np.testing.assert_allclose(result, float(expected), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(7, 6), (3, 5, 6)])
def test_top_k_of_sorted_ids(shape):
    labels, ids = sorted_ids(shape)
    metric = metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    np.testing.assert_allclose(metric(labels, ids), in_sorted_ids(labels, ids, 2).mean())


def test_cosine_similarity_is_positive_for_equal_vectors():
    targets, predictions = cases.numbers((7, 4))
    expected = -loss_reference.cosine_similarity(targets, predictions).mean()
    np.testing.assert_allclose(
        metrics.CosineSimilarity()(targets, predictions), expected, rtol=1e-5
    )


def test_root_mean_squared_error_takes_the_root_at_the_end():
    targets, predictions = cases.numbers((7, 4))
    result = in_two_batches(metrics.RootMeanSquaredError(), (targets, predictions))
    np.testing.assert_allclose(result, np.sqrt(np.mean((targets - predictions) ** 2)), rtol=1e-5)


def test_classes_may_keep_an_axis():
    labels, predictions = cases.sparse((7, 4))
    metric = metrics.SparseCategoricalAccuracy()
    assert metric(labels[:, np.newaxis], predictions) == metric(labels, predictions)


def test_mean_of_values():
    metric = metrics.Mean()
    metric.update_state([1.0, 3.0])
    metric.update_state(5.0)
    assert metric.result() == 3.0
    assert (float(metric.total), float(metric.count)) == (9.0, 3.0)
    metric.reset_state()
    assert metric.result() == 0.0 and float(metric.count) == 0.0


def test_weighted_sum_of_values():
    assert metrics.Sum()([[1.0, 2.0], [3.0, 4.0]], [1.0, 0.5]) == 6.5


def test_long_sums_are_exact():
    """In float32 the sum would stop growing at 2**24."""
    metric = metrics.Mean()
    metric.accumulators[0][:] = (2.0**24, 2.0**24)
    metric.update_state(np.ones(3, "float32"))
    assert float(metric.count) == 2**24 + 3


def test_accumulators_are_the_memory_of_total_and_count():
    metric = metrics.MeanSquaredError()
    (accumulator,) = metric.accumulators
    assert accumulator.dtype == np.float64
    accumulator += (6.0, 4.0)
    assert metric.result() == 1.5
    assert [v.numpy().item() for v in metric.variables] == [6.0, 4.0]


def test_a_function_of_ones_own_may_use_numpy():
    def largest(y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=-1)

    metric = metrics.MeanMetricWrapper(largest, name="largest")
    assert metric([[1.0, 2.0], [3.0, 4.0]], [[1.0, 5.0], [3.0, 3.0]]) == 2.0


def test_directions_tell_what_is_better():
    assert metrics.CategoricalAccuracy()._direction == "up"
    assert metrics.MeanSquaredError()._direction == "down"
