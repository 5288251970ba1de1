"""The value of each loss for each sample."""

import numpy as np
import pytest

from convnet import losses
from tests.losses import cases
from tests.reference import losses as reference
from tests.reference.real_keras import against_keras, real_keras

NUMBERS = [
    ("mean_squared_error", cases.numbers, {}),
    ("mean_absolute_error", cases.numbers, {}),
    ("mean_absolute_percentage_error", cases.positive, {}),
    ("mean_squared_logarithmic_error", cases.positive, {}),
    ("huber", cases.numbers, {}),
    ("huber", cases.numbers, {"delta": 0.3}),
    ("log_cosh", cases.numbers, {}),
    ("cosine_similarity", cases.numbers, {}),
    ("hinge", cases.binary, {}),
    ("squared_hinge", cases.binary, {}),
    ("poisson", cases.positive, {}),
    ("binary_crossentropy", cases.binary, {}),
    ("binary_crossentropy", cases.binary, {"label_smoothing": 0.2}),
    ("binary_crossentropy", cases.binary_logits, {"from_logits": True}),
    ("binary_focal_crossentropy", cases.binary, {}),
    ("binary_focal_crossentropy", cases.binary, {"apply_class_balancing": True, "gamma": 1.0}),
]
CLASSES = [
    ("kl_divergence", cases.distributions, {}),
    ("categorical_hinge", cases.one_hot, {}),
    ("categorical_crossentropy", cases.one_hot, {}),
    ("categorical_crossentropy", cases.distributions, {"label_smoothing": 0.2}),
    ("categorical_crossentropy", cases.one_hot_logits, {"from_logits": True}),
    ("sparse_categorical_crossentropy", cases.sparse, {}),
    ("sparse_categorical_crossentropy", cases.sparse_logits, {"from_logits": True}),
    ("sparse_categorical_crossentropy", cases.sparse, {"ignore_class": 1}),
    ("categorical_focal_crossentropy", cases.one_hot, {}),
    ("categorical_focal_crossentropy", cases.one_hot, {"gamma": 1.0, "alpha": 0.5}),
    ("categorical_generalized_cross_entropy", cases.sparse, {"q": 0.3}),
]
CASES = cases.each(NUMBERS) + cases.each(CLASSES, cases.CLASS_SHAPES)


@pytest.mark.parametrize("name, kind, arguments, shape", CASES, ids=cases.label)
def test_functions_follow_the_formulas(name, kind, arguments, shape):
    targets, predictions = kind(shape)
    values = getattr(losses, name)(targets, predictions, **arguments)
    expected = getattr(reference, name)(targets, predictions, **arguments)
    assert values.shape == expected.shape and values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, kind, arguments, shape", CASES, ids=cases.label)
@against_keras
def test_values_are_those_of_keras(name, kind, arguments, shape):
    keras = real_keras()
    arrays = [np.asarray(x, "float32") for x in kind(shape)]
    tensors = [keras.ops.convert_to_tensor(x) for x in arrays]
    values = getattr(losses, name)(*arrays, **arguments)
    expected = np.asarray(getattr(keras.losses, name)(*tensors, **arguments))
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [None, 0, -1, (1, 2)])
@pytest.mark.parametrize("name, arguments", [("dice", {}), ("tversky", {"alpha": 0.3})])
def test_overlap(name, arguments, axis):
    targets, predictions = cases.binary((3, 5, 4))
    values = getattr(losses, name)(targets, predictions, axis=axis, **arguments)
    expected = getattr(reference, name)(targets, predictions, axis=axis, **arguments)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("name", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_classes_along_another_axis(name, from_logits):
    targets, predictions = cases.one_hot((3, 5, 4))
    if name.startswith("sparse"):
        targets = targets.argmax(1)
    arguments = {"from_logits": from_logits, "axis": 1}
    values = getattr(losses, name)(targets, predictions, **arguments)
    expected = getattr(reference, name)(targets, predictions, **arguments)
    np.testing.assert_allclose(values, expected, rtol=1e-4)


def test_sparse_targets_may_keep_an_axis():
    targets, predictions = cases.sparse((7, 4))
    with_axis = losses.sparse_categorical_crossentropy(targets[:, np.newaxis], predictions)
    without = losses.sparse_categorical_crossentropy(targets, predictions)
    np.testing.assert_array_equal(with_axis, without)


def test_probabilities_are_clipped_away_from_zero():
    value = losses.categorical_crossentropy([[1.0, 0.0]], [[0.0, 1.0]])
    np.testing.assert_allclose(value, -np.log(1e-7), rtol=1e-4)
    value = losses.binary_crossentropy([[1.0]], [[0.0]])
    np.testing.assert_allclose(value, -np.log(1e-7), rtol=1e-4)


def test_logits_are_exact_where_probabilities_are_not():
    value = losses.categorical_crossentropy([[1.0, 0.0]], [[0.0, 80.0]], from_logits=True)
    np.testing.assert_allclose(value, 80.0, rtol=1e-6)
    value = losses.binary_crossentropy([[1.0]], [[-80.0]], from_logits=True)
    np.testing.assert_allclose(value, 80.0, rtol=1e-6)


def test_hinge_of_a_sample_does_not_depend_on_the_others():
    together = losses.hinge([[0.0], [1.0], [-1.0]], [[0.5], [0.5], [0.5]])
    assert together.tolist() == [1.5, 0.5, 1.5]


def test_different_shapes_are_named():
    with pytest.raises(ValueError, match=r"target.shape=\(2, 3\), output.shape=\(2, 4\)"):
        losses.categorical_crossentropy(np.ones((2, 3)), np.ones((2, 4)))


def test_one_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="Consider using 'binary_crossentropy'"):
        losses.categorical_crossentropy([[1.0]], [[1.0]])
