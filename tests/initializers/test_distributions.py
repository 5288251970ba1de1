"""What initializers draw."""

import math

import numpy as np
import pytest

from convnet import _core, initializers, random

SHAPE = (3, 3, 40, 60)
FAN_IN, FAN_OUT = 360, 540

# name: (standard deviation of the values, largest absolute value)
SCALED = {
    "glorot_uniform": (math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT))),
    "glorot_normal": (math.sqrt(2 / (FAN_IN + FAN_OUT)), None),
    "he_uniform": (math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN)),
    "he_normal": (math.sqrt(2 / FAN_IN), None),
    "lecun_uniform": (math.sqrt(1 / FAN_IN), math.sqrt(3 / FAN_IN)),
    "lecun_normal": (math.sqrt(1 / FAN_IN), None),
}


@pytest.mark.parametrize("name", SCALED)
def test_variance_follows_from_the_fans(name):
    stddev, limit = SCALED[name]
    values = initializers.get({"class_name": name, "config": {"seed": 7}})(SHAPE)
    # 21,600 draws: the standard error of both is under 0.7 % of the standard deviation.
    assert abs(values.std() / stddev - 1) < 0.03
    assert abs(values.mean()) < 0.03 * stddev
    largest = np.abs(values).max()
    if limit is None:
        limit = 2 * stddev / 0.87962566103423978
    assert 0.98 * limit < largest <= np.float32(limit)
    assert values.shape == SHAPE and values.dtype == np.float32


@pytest.mark.parametrize("mode, fan", [("fan_in", 360), ("fan_out", 540), ("fan_avg", 450)])
@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal"])
def test_variance_scaling_divides_by_the_chosen_fan(mode, fan, distribution):
    values = initializers.VarianceScaling(3.0, mode, distribution, seed=1)(SHAPE)
    assert abs(values.std() / math.sqrt(3.0 / fan) - 1) < 0.03


def test_an_untruncated_normal_goes_beyond_two_standard_deviations():
    values = initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal", seed=1)(SHAPE)
    assert np.abs(values).max() > 3 / math.sqrt(FAN_IN)


def test_normal_means_truncated_normal():
    assert initializers.VarianceScaling(distribution="normal").distribution == "truncated_normal"


@pytest.mark.parametrize(
    "shape, fans",
    [
        ((), (1, 1)),
        ((5,), (5, 5)),
        ((3, 4), (3, 4)),
        ((7, 3, 4), (21, 28)),
        ((3, 5, 8, 16), (120, 240)),
        ((2, 3, 5, 8, 16), (240, 480)),
    ],
)
def test_fans_count_the_kernel(shape, fans):
    assert initializers.compute_fans(shape) == fans


def test_fans_of_given_axes():
    assert initializers.compute_fans((3, 4, 5), input_axes=[0, 2], output_axes=[1]) == (15, 4)


def test_random_normal_has_its_mean_and_deviation():
    values = initializers.RandomNormal(mean=1.0, stddev=0.2, seed=3)((200, 100))
    assert abs(values.mean() - 1.0) < 0.01
    assert abs(values.std() - 0.2) < 0.01


def test_truncated_normal_stays_within_two_deviations():
    values = initializers.TruncatedNormal(mean=1.0, stddev=0.2, seed=3)((200, 100))
    assert np.abs(values - 1.0).max() <= np.float32(0.4) + 1e-6
    assert abs(values.std() - 0.2 * 0.8796) < 0.005


def test_random_uniform_fills_its_interval():
    values = initializers.RandomUniform(-1.0, 3.0, seed=3)((200, 100))
    assert values.min() >= -1.0 and values.max() < 3.0
    np.testing.assert_allclose(np.histogram(values, 8, (-1, 3))[0], 2500, atol=250)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5), (5, 5)])
def test_orthogonal_columns_or_rows(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=5)(shape).reshape(-1, shape[-1])
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, 4.0 * np.eye(len(small)), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (50, 9), (70, 33), (41, 41), (9, 200)])
def test_orthogonal_is_the_q_of_a_normal_matrix_with_a_positive_diagonal_of_r(shape):
    wide = shape[0] < shape[1]
    draws = random.normal(shape[::-1] if wide else shape, seed=3).astype(np.float64)
    q, r = np.linalg.qr(draws)
    q = q * np.sign(np.diagonal(r))
    # The condition of a square normal matrix magnifies the rounding of what is float64.
    np.testing.assert_allclose(
        initializers.Orthogonal(seed=3)(shape), q.T if wide else q, atol=1e-7
    )


def test_a_wide_matrix_has_no_orthonormal_columns():
    with pytest.raises(ValueError, match="not wider than high"):
        _core.orthonormal(np.ones((2, 3)))


def test_orthogonal_matrices_turn_both_ways():
    """The signs make the distribution uniform: both determinants occur."""
    draws = [initializers.Orthogonal(seed=s)((3, 3)) for s in range(40)]
    assert 8 < sum(np.linalg.det(q) > 0 for q in draws) < 32


def test_constants():
    assert initializers.Zeros()((2, 3)).tolist() == [[0.0] * 3] * 2
    assert initializers.Ones()((2,)).tolist() == [1.0, 1.0]
    assert initializers.Constant(0.5)((2,)).tolist() == [0.5, 0.5]
    assert initializers.Constant([1.0, 2.0])((2, 2)).tolist() == [[1.0, 2.0]] * 2
    assert initializers.Identity(gain=3.0)((2, 2)).tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert initializers.Ones()((2,), dtype="int32").dtype == np.int32


def test_impossible_shapes_are_named():
    with pytest.raises(ValueError, match=r"2D matrices. Received: shape=\(3,\) of rank 1"):
        initializers.Identity()((3,))
    with pytest.raises(ValueError, match=r"two-dimensional. Received: shape=\(3,\) of rank 1"):
        initializers.Orthogonal()((3,))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"scale": 0.0}, "`scale` must be positive float. Received: scale=0.0"),
        ({"mode": "fan"}, "Invalid `mode` argument: fan"),
        ({"distribution": "cauchy"}, "Invalid `distribution` argument: cauchy"),
        ({"seed": 1.5}, "`seed` argument should be an instance of"),
    ],
)
def test_invalid_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)
