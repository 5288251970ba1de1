"""Penalties of regularizers."""

import numpy as np
import pytest

from convnet import regularizers
from tests.reference.real_keras import against_keras, real_keras

W = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


@pytest.mark.parametrize(
    "regularizer, expected",
    [
        (regularizers.L1(0.3), 0.3 * np.abs(W).sum()),
        (regularizers.L2(0.2), 0.2 * (W**2).sum()),
        (regularizers.L1L2(0.3, 0.2), 0.3 * np.abs(W).sum() + 0.2 * (W**2).sum()),
        (regularizers.L1L2(l1=0.3), 0.3 * np.abs(W).sum()),
        (regularizers.L1L2(l2=0.2), 0.2 * (W**2).sum()),
        (regularizers.L1L2(), 0.0),
    ],
)
def test_norms(regularizer, expected):
    np.testing.assert_allclose(regularizer(W), expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_penalty_is_the_mean_cosine(mode):
    vectors = W.astype("float64") if mode == "rows" else W.T.astype("float64")
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = np.abs(vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    penalty = regularizers.OrthogonalRegularizer(0.1, mode)(W)
    np.testing.assert_allclose(penalty, 0.1 * cosines.mean(), rtol=1e-5)


def test_orthogonal_penalty_needs_a_matrix():
    with pytest.raises(ValueError, match=r"must have rank 2. Received: inputs.shape=\(3,\)"):
        regularizers.OrthogonalRegularizer()(np.ones(3, "float32"))


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf"), "0.1"])
@pytest.mark.parametrize("cls", [regularizers.L1, regularizers.L2, regularizers.L1L2])
def test_factors_are_checked(cls, factor):
    with pytest.raises(ValueError, match=f"non-negative float. Received: l[12]={factor}"):
        cls(factor)


def test_mode_is_checked():
    with pytest.raises(ValueError, match="Received: mode=diagonal"):
        regularizers.OrthogonalRegularizer(mode="diagonal")


@pytest.mark.parametrize(
    "name, cls",
    [("l1", "L1"), ("L2", "L2"), ("l1_l2", "L1L2"), ("orthogonal_regularizer", None)],
)
def test_names(name, cls):
    assert type(regularizers.get(name)).__name__ == (cls or "OrthogonalRegularizer")


def test_unknown_names_are_named():
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier: l3"):
        regularizers.get("l3")


def test_a_function_is_a_regularizer():
    assert regularizers.get(abs) is abs


@pytest.mark.parametrize(
    "regularizer",
    [
        regularizers.L1(0.25),
        regularizers.L2(0.2),
        regularizers.L1L2(0.3, 0.2),
        regularizers.OrthogonalRegularizer(0.5, "columns"),
    ],
)
@against_keras
def test_penalty_and_json_form_are_those_of_keras(regularizer):
    keras = real_keras()
    config = regularizers.serialize(regularizer)
    theirs = keras.regularizers.deserialize(config)
    assert config == keras.regularizers.serialize(theirs)
    penalty = np.asarray(theirs(keras.ops.convert_to_tensor(W)))
    np.testing.assert_allclose(regularizer(W), penalty, rtol=1e-5)
    assert regularizers.get(config).get_config() == regularizer.get_config()
