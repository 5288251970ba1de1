"""Elementary functions at a million points: the errors that cpu/simd/math.h states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.ops.harness import run_op, weight
from tests.reference.unary import erf, sigmoid

Array = np.ndarray
POINTS = 1_000_000
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


def points(low: float, high: float, smallest: float = 1e-30) -> Array:
    """Half of them spread evenly over [low, high], half over all magnitudes from `smallest` on."""
    rng = np.random.default_rng(0)
    even = rng.uniform(low, high, POINTS // 2)
    signs = rng.choice([-1.0, 1.0], POINTS // 2)
    magnitudes = np.exp(rng.uniform(np.log(smallest), np.log(max(-low, high)), POINTS // 2))
    x = np.concatenate([even, signs * magnitudes])
    return x[(x >= low) & (x <= high)].astype(np.float32)


def compute(name: str, x: Array) -> Array:
    return run_op("unary", [weight(x)], {"fn": name}).outputs[0].astype(np.float64)


def errors_in_ulps(got: Array, expected: Array) -> Array:
    """Only where the result is a normal number: smaller ones are flushed to zero."""
    spacing = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
    normal = np.abs(expected) >= SMALLEST_NORMAL
    return np.where(normal, np.abs(got - expected) / spacing, 0)


@pytest.mark.parametrize(
    ("name", "low", "high", "exact", "ulps"),
    [
        ("exp", -87.3, 88.7, np.exp, 1.0),
        ("log", SMALLEST_NORMAL, 3e38, np.log, 1.0),
        ("log", 0.5, 2.0, np.log, 1.0),
        ("expm1", -100.0, 88.7, np.expm1, 1.5),
        ("log1p", -0.9999, 1e30, np.log1p, 1.5),
        ("sigmoid", -87.0, 100.0, sigmoid, 2.5),
        ("tanh", -20.0, 20.0, np.tanh, 1.5),
        ("erf", -6.0, 6.0, erf, 1.5),
        ("sqrt", SMALLEST_NORMAL, 3e38, np.sqrt, 0.5),
    ],
)
def test_error_in_units_of_the_last_place(
    name: str, low: float, high: float, exact: Callable[[Array], Array], ulps: float
):
    x = points(low, high)
    errors = errors_in_ulps(compute(name, x), exact(x.astype(np.float64)))
    worst = int(errors.argmax())
    assert errors[worst] <= ulps * (1 + 1e-6), f"{errors[worst]} at x = {x[worst]}"


@pytest.mark.parametrize(("name", "exact"), [("sin", np.sin), ("cos", np.cos)])
@pytest.mark.parametrize("high", [10.0, 8192.0, 1e6])
def test_absolute_error_of_sine_and_cosine(name: str, exact: Callable[[Array], Array], high: float):
    x = points(-high, high)
    assert np.abs(compute(name, x) - exact(x.astype(np.float64))).max() <= 1e-7


@pytest.mark.parametrize(
    ("name", "inside", "low", "high"),
    [
        ("exp", 88.7, 0.0, np.inf),
        ("sigmoid", 1e4, 0.0, 1.0),
        ("tanh", 1e4, -1.0, 1.0),
        ("erf", 1e4, -1.0, 1.0),
    ],
)
def test_limits_far_outside(name: str, inside: float, low: float, high: float):
    got = compute(name, np.float32([-inside * 2, inside * 2, -np.inf, np.inf]))
    np.testing.assert_array_equal(got, [low, high, low, high])


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_a_large_argument_changes_nothing_for_its_neighbours(name: str):
    x = np.linspace(-3, 3, 64, dtype=np.float32)
    mixed = x.copy()
    mixed[::7] = 1e6
    same = np.arange(64) % 7 != 0
    np.testing.assert_array_equal(compute(name, mixed)[same], compute(name, x)[same])
