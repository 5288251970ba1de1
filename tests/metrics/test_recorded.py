"""Metrics inside a recorded computation."""

import numpy as np
import pytest

from convnet import metrics, ops
from convnet.tracing import Trace
from tests.losses import cases
from tests.reference import metrics as reference


def recorded(metric, targets, predictions, weights=None):
    """The pairs that a metric records, evaluated, and what a step would make of them."""
    from convnet import execution

    arrays = [np.asarray(a, "float32") for a in (targets, predictions, weights) if a is not None]

    def call(tensors):
        pairs = metric.record(tensors[0].trace, *tensors)
        return [x for pair in pairs for x in pair if x is not None]

    values, *weight = execution.PlannedCall(call, [a.shape[1:] for a in arrays], len(arrays[0]))(
        arrays
    )
    return reference.weighted_mean(values, weight[0] if weight else None)


@pytest.mark.parametrize(
    "metric, kind",
    [
        (metrics.BinaryAccuracy(), cases.binary),
        (metrics.CategoricalAccuracy(), cases.one_hot),
        (metrics.SparseCategoricalAccuracy(), cases.sparse),
        (metrics.TopKCategoricalAccuracy(k=2), cases.one_hot),
        (metrics.SparseTopKCategoricalAccuracy(k=2), cases.sparse),
        (metrics.MeanSquaredError(), cases.numbers),
        (metrics.MeanAbsoluteError(), cases.numbers),
        (metrics.SparseCategoricalCrossentropy(), cases.sparse),
        (metrics.CosineSimilarity(), cases.numbers),
    ],
    ids=cases.label,
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(19, 4), (19, 3, 4)])
def test_a_recorded_mean_is_that_of_update_state(metric, kind, weighted, shape):
    targets, predictions = kind(shape)
    weights = np.linspace(0.5, 2.0, 19) if weighted else None
    metric.reset_state()
    result = recorded(metric, targets, predictions, weights)
    np.testing.assert_allclose(result, metric(targets, predictions, weights), rtol=1e-5)


def test_root_mean_squared_error_records_squares():
    targets, predictions = cases.numbers((19, 4))
    result = recorded(metrics.RootMeanSquaredError(), targets, predictions)
    np.testing.assert_allclose(result, np.mean((targets - predictions) ** 2), rtol=1e-5)


def test_a_function_in_ops_is_recorded():
    def largest(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    metric = metrics.MeanMetricWrapper(largest)
    targets, predictions = cases.numbers((19, 4))
    expected = np.abs(targets - predictions).max(-1).mean()
    np.testing.assert_allclose(recorded(metric, targets, predictions), expected, rtol=1e-5)


class Doubled(metrics.MeanSquaredError):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(2 * y_true, 2 * y_pred, sample_weight)


class Plain(metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return 0.0


@pytest.mark.parametrize(
    "metric",
    [
        metrics.MeanMetricWrapper(lambda t, p: np.abs(t - p), name="numpy"),
        Doubled(),
        Plain(),
        metrics.AUC(),
        metrics.Precision(),
    ],
    ids=lambda metric: metric.name,
)
def test_what_cannot_be_recorded_says_so(metric):
    with Trace() as trace:
        y_true, y_pred = trace.input((3,), "y_true"), trace.input((3,), "y_pred")
        assert metric.record(trace, y_true, y_pred) is None
