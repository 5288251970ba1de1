"""Counts over thresholds and what is made of them."""

import numpy as np
import pytest

from convnet import metrics
from tests.losses import cases
from tests.reference import metrics as reference
from tests.reference.real_keras import against_keras, real_keras

COUNTS = ["TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"]
SHAPES = [(40,), (40, 1), (20, 4)]


def in_two_batches(metric, targets, predictions, weights=None):
    for part in (slice(None, 9), slice(9, None)):
        metric.update_state(
            targets[part], predictions[part], None if weights is None else weights[part]
        )
    return np.asarray(metric.result())


def weights_of(kind, shape):
    sizes = {"samples": shape[:1], "all": shape}.get(kind)
    return None if sizes is None else np.random.default_rng(3).random(sizes).astype("float32")


@pytest.mark.parametrize("weighted", [None, "samples", "all"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", COUNTS)
def test_counts_at_several_thresholds(name, shape, weighted):
    targets, predictions = cases.binary(shape)
    weights = weights_of(weighted, shape)
    thresholds = [0.8, 0.2, 0.5]
    result = in_two_batches(getattr(metrics, name)(thresholds), targets, predictions, weights)
    if weights is not None:
        weights = np.broadcast_to(
            weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim)), shape
        )
    cell = COUNTS.index(name)
    expected = [reference.confusion(targets, predictions, t, weights)[cell] for t in thresholds]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_precision_and_recall():
    targets, predictions = cases.binary((40,))
    hits, extra, _, missed = reference.confusion(targets, predictions, 0.5)
    precision = in_two_batches(metrics.Precision(), targets, predictions)
    recall = in_two_batches(metrics.Recall(), targets, predictions)
    np.testing.assert_allclose(precision, hits / (hits + extra), rtol=1e-6)
    np.testing.assert_allclose(recall, hits / (hits + missed), rtol=1e-6)


def test_nothing_predicted_is_zero_precision():
    assert metrics.Precision()([1, 0], [0.1, 0.2]) == 0.0
    assert metrics.Recall()([0, 0], [0.9, 0.2]) == 0.0


def test_only_the_first_k_are_positive():
    recall = metrics.Recall(top_k=2)
    assert recall([[0, 0, 1, 1]], [[0.9, 0.1, 0.2, 0.05]]) == 0.5
    precision = metrics.Precision(top_k=1)
    assert precision([[0, 1], [0, 1]], [[0.4, 0.3], [0.1, 0.2]]) == 0.5


def test_one_class_alone():
    targets, predictions = cases.binary((20, 4))
    alone = in_two_batches(metrics.Precision(class_id=2), targets, predictions)
    column = in_two_batches(metrics.Precision(), targets[:, 2], predictions[:, 2])
    np.testing.assert_array_equal(alone, column)


def test_a_score_that_is_no_number_is_negative():
    assert metrics.TruePositives()([1.0, 1.0], [np.nan, 0.9]) == 1.0


def test_area_under_a_perfect_a_random_and_a_wrong_curve():
    targets = np.array([0, 0, 1, 1])
    assert metrics.AUC()(targets, [0.1, 0.2, 0.8, 0.9]) == 1.0
    assert metrics.AUC()(targets, [0.8, 0.9, 0.1, 0.2]) == 0.0
    np.testing.assert_allclose(metrics.AUC()(targets, [0.5] * 4), 0.5)


def test_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(5)
    targets = rng.integers(2, size=200)
    scores = (rng.random(200) + 0.3 * targets) / 1.3
    ones, zeros = scores[targets == 1], scores[targets == 0]
    pairs = np.mean(ones[:, np.newaxis] > zeros)
    result = in_two_batches(metrics.AUC(num_thresholds=2000), targets, scores)
    np.testing.assert_allclose(result, pairs, atol=1e-3)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), r"range \[0, 1\]. Received: \[1.5\]"),
        (lambda: metrics.AUC(num_thresholds=1), "Received: num_thresholds=1"),
        (lambda: metrics.AUC(curve="POC"), 'Invalid `curve` argument value "POC"'),
        (lambda: metrics.AUC(num_labels=3), "only when `multi_label` is True"),
        (lambda: metrics.AUC(multi_label=True)([1.0], [1.0]), "must have rank 2"),
        (lambda: metrics.Precision()(np.ones(3), np.ones(4)), r"y_true.shape=\(3,\)"),
        (lambda: metrics.FBetaScore(beta=0.0), "Received: beta=0.0"),
        (lambda: metrics.FBetaScore(average="mean"), "Received: average=mean"),
        (lambda: metrics.F1Score(threshold=2.0), "Received: threshold=2.0"),
        (lambda: metrics.F1Score()([1.0], [1.0]), "expects 2D inputs"),
    ],
)
def test_invalid_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f1_is_the_harmonic_mean(average):
    targets, predictions = cases.one_hot((40, 4))
    decided = np.eye(4)[predictions.argmax(-1)]
    result = in_two_batches(metrics.F1Score(average=average), targets, predictions)
    axis = None if average == "micro" else 0
    hits, predicted, real = (x.sum(axis=axis) for x in (targets * decided, decided, targets))
    scores = 2 * hits / (predicted + real)
    if average == "weighted":
        scores = np.average(scores, weights=real)
    expected = scores if average is None else np.mean(scores)
    np.testing.assert_allclose(result, expected, rtol=1e-5)


CASES = [
    *((name, {}) for name in [*COUNTS, "Precision", "Recall", "AUC"]),
    *((name, {"thresholds": [0.7, 0.2]}) for name in [*COUNTS, "Precision", "AUC"]),
    ("Recall", {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}),
    ("AUC", {"curve": "PR"}),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}),
    ("AUC", {"curve": "PRGAIN"}),
    ("AUC", {"summation_method": "majoring", "num_thresholds": 11}),
]
OF_LABELS = [
    ("Precision", {"top_k": 2}),
    ("Recall", {"top_k": 3, "class_id": 1}),
    ("AUC", {"multi_label": True}),
    ("AUC", {"multi_label": True, "num_labels": 4, "label_weights": [1.0, 2.0, 0.5, 0.0]}),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5, 0.0]}),
    ("F1Score", {}),
    ("F1Score", {"average": "micro", "threshold": 0.4}),
    ("FBetaScore", {"average": "weighted", "beta": 2.0}),
]


def assert_agrees_with_keras(name, arguments, shape, weighted):
    keras = real_keras()
    targets, predictions = (x.astype("float32") for x in cases.binary(shape))
    weights = weights_of(weighted, shape)
    own, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    result = in_two_batches(own, targets, predictions, weights)
    expected = in_two_batches(theirs, targets, predictions, weights)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighted", [None, "samples", "all"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name, arguments", CASES, ids=cases.label)
@against_keras
def test_results_are_those_of_keras(name, arguments, shape, weighted):
    assert_agrees_with_keras(name, arguments, shape, weighted)


@pytest.mark.parametrize("weighted", [None, "samples"])
@pytest.mark.parametrize("name, arguments", OF_LABELS, ids=cases.label)
@against_keras
def test_results_of_labels_are_those_of_keras(name, arguments, weighted):
    assert_agrees_with_keras(name, arguments, (20, 4), weighted)


@against_keras
def test_logits_are_those_of_keras():
    keras = real_keras()
    targets, logits = (x.astype("float32") for x in cases.binary_logits((40,)))
    result = in_two_batches(metrics.AUC(from_logits=True), targets, logits)
    expected = in_two_batches(keras.metrics.AUC(from_logits=True), targets, logits)
    np.testing.assert_allclose(result, expected, rtol=1e-5)
