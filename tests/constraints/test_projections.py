"""Projections of constraints."""

import numpy as np
import pytest

from convnet import constraints
from convnet.variables import Variable
from tests.reference.real_keras import against_keras, real_keras

W = np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype("float32")

CONSTRAINTS = [
    constraints.MaxNorm(0.5),
    constraints.MaxNorm(1.5, axis=[0, 1, 2]),
    constraints.UnitNorm(axis=-1),
    constraints.UnitNorm(axis=[0, 1, 2]),
    constraints.MinMaxNorm(0.5, 0.8, axis=[0, 1, 2]),
    constraints.MinMaxNorm(0.5, 0.8, rate=0.3, axis=1),
    constraints.NonNeg(),
]


def norms(w, axis):
    return np.sqrt((w.astype("float64") ** 2).sum(axis))


def test_max_norm_bounds_norms_and_leaves_small_ones():
    small = W * 1e-3
    assert (norms(constraints.MaxNorm(0.5)(W), 0) < 0.5 * (1 + 1e-6)).all()
    np.testing.assert_allclose(constraints.MaxNorm(0.5)(small), small, rtol=1e-3)


def test_unit_norm_makes_norms_one():
    projected = constraints.UnitNorm(axis=[0, 1, 2])(W)
    np.testing.assert_allclose(norms(projected, (0, 1, 2)), 1.0, rtol=1e-6)


def test_min_max_norm_moves_part_of_the_way():
    before = norms(W, 0)
    after = norms(constraints.MinMaxNorm(0.5, 0.8, rate=0.3)(W), 0)
    np.testing.assert_allclose(after, 0.7 * before + 0.3 * before.clip(0.5, 0.8), rtol=1e-5)


def test_non_neg_sets_negative_weights_to_zero():
    np.testing.assert_array_equal(constraints.NonNeg()(W), W.clip(min=0))


def test_a_constraint_takes_a_variable():
    np.testing.assert_array_equal(constraints.NonNeg()(Variable(W)), W.clip(min=0))


@pytest.mark.parametrize(
    "constraint, attrs",
    [
        (constraints.MaxNorm(3), {"kind": "max_norm", "axes": [0], "max_value": 3.0}),
        (constraints.UnitNorm(-1), {"kind": "unit_norm", "axes": [-1]}),
        (constraints.NonNeg(), {"kind": "non_neg", "axes": []}),
        (
            constraints.MinMaxNorm(0.1, 2, 0.5, (0, 1)),
            {
                "kind": "min_max_norm",
                "axes": [0, 1],
                "min_value": 0.1,
                "max_value": 2.0,
                "rate": 0.5,
            },
        ),
    ],
)
def test_the_core_gets_kind_axes_and_numbers(constraint, attrs):
    assert constraint.kernel == "constrain"
    assert constraint.kernel_attrs() == attrs


def test_a_constraint_of_ones_own_has_no_kernel():
    class Halve(constraints.Constraint):
        def __call__(self, w):
            return w / 2

    assert Halve().kernel is None
    np.testing.assert_array_equal(Halve()(W), W / 2)


def test_names():
    assert constraints.get("max_norm").get_config() == {"max_value": 2, "axis": 0}
    assert constraints.get(None) is None
    assert constraints.get(abs) is abs
    with pytest.raises(ValueError, match="Could not interpret constraint identifier: min_norm"):
        constraints.get("min_norm")


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@against_keras
def test_values_and_json_form_are_those_of_keras(constraint):
    keras = real_keras()
    config = constraints.serialize(constraint)
    theirs = keras.constraints.deserialize(config)
    assert config == keras.constraints.serialize(theirs)
    np.testing.assert_allclose(constraint(W), np.asarray(theirs(W)), rtol=1e-5, atol=1e-7)
    assert constraints.get(config).get_config() == constraint.get_config()
