"""What training follows: the gradients of losses."""

import inspect

import numpy as np
import pytest

from convnet import _core, losses
from convnet.tracing import Trace
from tests.losses import cases
from tests.reference import losses as reference


def gradient(loss, targets, predictions):
    """The gradient of a loss, reduced, in one plan."""
    arrays = [np.asarray(x, "float32") for x in (targets, predictions)]
    with Trace(training=True) as trace:
        y_true, y_pred = (trace.input(x.shape[1:], "x") for x in arrays)
        value = loss(y_true, y_pred)
        result = trace.graph.backward([value.id], {}, [y_pred.id])[y_pred.id]
        plan = _core.Plan(trace.graph, [result], len(arrays[0]))
    feeds = {y_true.id: arrays[0], y_pred.id: arrays[1]}
    return plan.predict(feeds, len(arrays[0]))[0]


def differences(function, predictions, step=1e-6):
    """The gradient of the mean of a function, in float64."""
    result = np.empty(predictions.shape)
    for index in np.ndindex(predictions.shape):
        shifted = [predictions.copy(), predictions.copy()]
        shifted[0][index] += step
        shifted[1][index] -= step
        result[index] = (function(shifted[0]).mean() - function(shifted[1]).mean()) / (2 * step)
    return result


@pytest.mark.parametrize(
    "loss, kind",
    [
        (losses.MeanSquaredError(), cases.numbers),
        (losses.MeanAbsoluteError(), cases.numbers),
        (losses.MeanAbsolutePercentageError(), cases.positive),
        (losses.MeanSquaredLogarithmicError(), cases.positive),
        (losses.Huber(), cases.numbers),
        (losses.LogCosh(), cases.numbers),
        (losses.CosineSimilarity(), cases.numbers),
        (losses.Hinge(), cases.binary),
        (losses.SquaredHinge(), cases.binary),
        (losses.CategoricalHinge(), cases.one_hot),
        (losses.KLDivergence(), cases.distributions),
        (losses.Poisson(), cases.positive),
        (losses.BinaryCrossentropy(), cases.binary),
        (losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), cases.binary_logits),
        (losses.CategoricalCrossentropy(), cases.one_hot),
        (losses.CategoricalCrossentropy(True, 0.1), cases.one_hot_logits),
        (losses.SparseCategoricalCrossentropy(), cases.sparse),
        (losses.SparseCategoricalCrossentropy(from_logits=True), cases.sparse_logits),
        (losses.BinaryFocalCrossentropy(), cases.binary),
        (losses.CategoricalFocalCrossentropy(), cases.one_hot),
    ],
    ids=lambda value: getattr(value, "name", None),
)
@pytest.mark.parametrize("shape", [(19, 4), (5, 3, 4)])
def test_gradients_are_those_of_the_formulas(loss, kind, shape):
    targets, predictions = kind(shape)
    function = getattr(reference, loss.fn.__name__)
    known = inspect.signature(function).parameters
    arguments = {key: value for key, value in loss._fn_kwargs.items() if key in known}

    def of_predictions(p):
        return function(targets, p, **arguments)

    expected = differences(of_predictions, predictions.astype("float64"))
    np.testing.assert_allclose(gradient(loss, targets, predictions), expected, rtol=2e-3, atol=1e-5)
