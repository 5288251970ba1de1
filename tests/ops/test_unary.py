"""Functions of one number: values, gradients, special numbers, and what a gradient needs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.harness import batched, check, new_graph, run_op, weight
from tests.reference.unary import DOMAIN, FLAT, FORWARD, KINKS

CASES = [(name, {}) for name in FORWARD] + [
    ("relu", {"alpha": 0.1}),
    ("relu", {"beta": 3.0}),
    ("relu", {"gamma": 0.5}),
    ("relu", {"gamma": -1.5}),
    ("relu", {"alpha": 0.1, "beta": 3.0, "gamma": 0.5}),
    ("relu", {"alpha": 0.1, "beta": 3.0, "gamma": -1.5}),
    ("leaky_relu", {"alpha": 0.3}),
    ("elu", {"alpha": 0.7}),
    ("celu", {"alpha": 1.5}),
    ("gelu", {"approximate": True}),
    ("hard_shrink", {"alpha": 1.5}),
    ("soft_shrink", {"alpha": 1.5}),
    ("squareplus", {"alpha": 0.5}),
    ("threshold", {"alpha": 0.5, "beta": -2.0}),
    ("clip", {"alpha": -0.5, "beta": 2.0}),
    ("clip", {"alpha": -0.5}),
    ("affine", {"alpha": -0.25, "beta": 3.0}),
]
IDS = ["-".join([name, *(f"{k}={v}" for k, v in attrs.items())]) for name, attrs in CASES]
NAN_STAYS = [n for n in FORWARD if n not in ("logical_not", "isnan", "isinf", "isfinite")]


def sample(name: str, attrs: dict, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random numbers of the function's domain that keep away from jumps of its slope."""
    x = rng.uniform(*DOMAIN.get(name, (-8.0, 8.0)), size=shape)
    kinks = [*KINKS.get(name, []), attrs.get("alpha", 0.0), -attrs.get("alpha", 0.0)]
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 2e-3, x + 5e-3, x)
    return x.astype(np.float32)


@pytest.mark.parametrize(("name", "attrs"), CASES, ids=IDS)
@pytest.mark.parametrize("make", [batched, weight], ids=["batched", "single"])
def test_value_and_gradient_follow_the_formula(name, attrs, make):
    rng = np.random.default_rng(1)
    x = sample(name, attrs, (18, 3, 5), rng)
    parameters = {k: float(np.float32(v)) if k != "approximate" else v for k, v in attrs.items()}
    check(
        "unary",
        [make(x)],
        {"fn": name, **attrs},
        lambda x: [FORWARD[name](x, **parameters)],
        rng=rng,
        gradients=name not in FLAT,
    )


@pytest.mark.parametrize("n", [1, 15, 17, 4095, 4096, 4097, 9000])
def test_every_element_of_a_single_value_is_reached(n):
    x = np.linspace(-3, 3, n, dtype=np.float32)
    for threads in (1, 3):
        got = run_op("unary", [weight(x)], {"fn": "square"}, [np.ones(n)], threads=threads)
        np.testing.assert_array_equal(got.outputs[0], x * x)
        np.testing.assert_array_equal(got.gradients[0], 2 * x)


@pytest.mark.parametrize("name", NAN_STAYS)
def test_nan_passes_through(name):
    x = np.array([[np.nan] * 3], dtype=np.float32)
    assert np.isnan(
        run_op("unary", [batched(x)], {"fn": name, "alpha": 0.5, "beta": 2.0}).outputs[0]
    ).all()


@pytest.mark.parametrize(
    "name",
    ["isnan", "isinf", "isfinite", "logical_not", "relu", "sigmoid", "tanh", "exp", "erf", "expm1"],
)
def test_infinities_and_zeros(name):
    x = np.array([[-np.inf, -0.0, 0.0, np.inf, 1.0]], dtype=np.float32)
    with np.errstate(over="ignore"):
        expected = FORWARD[name](x.astype(np.float64))
    np.testing.assert_allclose(
        run_op("unary", [batched(x)], {"fn": name}).outputs[0], expected, rtol=1e-6
    )


def test_log_at_and_below_zero():
    x = np.array([[0.0, -1.0, np.inf]], dtype=np.float32)
    np.testing.assert_array_equal(
        run_op("unary", [batched(x)], {"fn": "log"}).outputs[0], [[-np.inf, np.nan, np.inf]]
    )


def test_round_takes_halves_to_even_numbers():
    x = np.array([[0.5, 1.5, 2.5, -0.5, -1.5]], dtype=np.float32)
    np.testing.assert_array_equal(
        run_op("unary", [batched(x)], {"fn": "round"}).outputs[0], np.round(x)
    )


@pytest.mark.parametrize(
    ("name", "point", "slope"),
    [
        ("relu", 0.0, 0.0),
        ("relu6", 6.0, 0.0),
        ("leaky_relu", 0.0, 0.2),
        ("abs", 0.0, 0.0),
        ("clip", 1.0, 1.0),
        ("hard_tanh", 1.0, 0.0),
    ],
)
def test_gradient_where_the_slope_jumps(name, point, slope):
    x = np.full((1, 1), point, dtype=np.float32)
    attrs = {"fn": name, **({"alpha": -1.0, "beta": 1.0} if name == "clip" else {})}
    got = run_op("unary", [batched(x)], attrs, [np.ones((1, 1))])
    np.testing.assert_allclose(got.gradients[0], [[slope]], rtol=1e-6)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_gradient_of_fusable_activations_needs_only_the_result(name):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4, 7))
    y, dy = FORWARD[name](x), rng.normal(size=(4, 7))
    slope = {"relu": y > 0, "sigmoid": y * (1 - y), "tanh": 1 - y * y}[name]
    got = run_op("unary_backward", [None, batched(y), batched(dy)], {"fn": name}).outputs[0]
    np.testing.assert_allclose(got, dy * slope, rtol=1e-5, atol=1e-6)


def test_an_unknown_function_is_named_in_the_error():
    graph = new_graph()
    with pytest.raises(
        ValueError, match="unary: there is no function 'rellu'; it must be one of relu, "
    ):
        graph.add("unary", [graph.input((2,), "x")], {"fn": "rellu"})


def test_a_gradient_without_what_it_needs_is_an_error():
    graph = new_graph()
    dy = graph.input((2,), "dy")
    with pytest.raises(ValueError, match="unary_backward: the gradient of log needs x"):
        graph.add("unary_backward", [None, dy, dy], {"fn": "log"})


def test_a_folded_value_stays_folded():
    graph = new_graph()
    folded = graph.add("fold", [graph.input((4, 3), "x")])[0]
    y = graph.add("unary", [folded], {"fn": "relu"})[0]
    assert (graph.shape(y), graph.fold(y)) == ((3,), 4)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_nan_passes_through_a_fused_activation(activation):
    x = np.array([[np.nan, 1.0]], dtype=np.float32)
    got = run_op("dense", [batched(x), weight(np.ones((2, 3))), None], {"activation": activation})
    assert np.isnan(got.outputs[0]).all()
