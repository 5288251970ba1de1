"""State and look-up of metrics."""

import inspect

import numpy as np
import pytest

from convnet import metrics
from tests.reference.real_keras import against_keras, real_keras

CLASSES = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
]


class Hits(metrics.Metric):
    """As the guides of Keras write one."""

    def __init__(self, name="hits", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.mean = metrics.Mean()

    def update_state(self, y_true, y_pred, sample_weight=None):
        count = np.sum(y_true == y_pred)
        self.hits.assign(np.asarray(self.hits) + count)
        self.mean.update_state(count)

    def result(self):
        return float(self.hits)


def test_a_metric_of_ones_own():
    metric = Hits()
    assert metric(np.array([1, 2]), np.array([1, 3])) == 1.0
    assert metric(np.array([1, 2]), np.array([1, 2])) == 3.0
    assert metric.mean.result() == 1.5


def test_state_holds_that_of_metrics_in_attributes():
    metric = Hits()
    assert [v.path for v in metric.variables] == ["hits/hits", "mean/total", "mean/count"]
    metric(np.array([1]), np.array([1]))
    metric.reset_state()
    assert [v.numpy().item() for v in metric.variables] == [0.0, 0.0, 0.0]


def test_super_must_be_called_first():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match=r"forgot to call `super\(\).__init__\(\)`"):
        Forgetful()


def test_what_must_be_overridden():
    with pytest.raises(NotImplementedError):
        metrics.Metric().update_state()
    with pytest.raises(NotImplementedError):
        metrics.Metric().result()


def test_unnamed_metrics_are_numbered():
    first, second = Hits(name=None), Hits(name=None)
    assert first.name.startswith("hits") and first.name != second.name


@pytest.mark.parametrize(
    "name, cls",
    [
        ("mse", "MeanSquaredError"),
        ("MAE", "MeanAbsoluteError"),
        ("bce", "BinaryCrossentropy"),
        ("kld", "KLDivergence"),
        ("accuracy", "Accuracy"),
        ("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"),
        ("AUC", "AUC"),
        ("auc", "AUC"),
    ],
)
def test_names(name, cls):
    assert type(metrics.get(name)).__name__ == cls


@pytest.mark.parametrize("identifier", ["mee", 5, {"class_name": "mee", "config": {}}])
def test_unknown_identifiers_are_named(identifier):
    with pytest.raises(ValueError) as error:
        metrics.get(identifier)
    assert str(error.value) == f"Could not interpret metric identifier: {identifier}"


@pytest.mark.parametrize("name", CLASSES)
def test_configs_round_trip(name):
    cls = getattr(metrics, name)
    first = cls(name="mine")
    assert first.get_config()["name"] == "mine"
    assert cls.from_config(first.get_config()).get_config() == first.get_config()


def test_a_function_survives_json():
    metric = metrics.MeanMetricWrapper(metrics.huber, name="h", delta=0.5)
    again = metrics.deserialize(metrics.serialize(metric))
    assert again.name == "h" and again([[0.0]], [[2.0]]) == 0.875


@pytest.mark.parametrize("name", CLASSES)
@against_keras
def test_names_arguments_and_configs_are_those_of_keras(name):
    keras = real_keras()
    own, theirs = getattr(metrics, name), getattr(keras.metrics, name)
    assert list(inspect.signature(own).parameters) == list(inspect.signature(theirs).parameters)
    if inspect.signature(theirs).parameters["name"].default is not None:
        assert own().name == theirs().name
    ours, other = own(name="m").get_config(), theirs(name="m").get_config()
    assert ours.items() >= other.items()
    assert keras.metrics.deserialize(metrics.serialize(own(name="m"))).get_config() == other
    assert type(metrics.deserialize(keras.metrics.serialize(theirs()))) is own
