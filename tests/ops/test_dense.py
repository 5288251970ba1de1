import numpy as np
import pytest

from tests.cases.dense import SMALL
from tests.ops.harness import Operand, batched, check, weight


@pytest.mark.parametrize("case", SMALL, ids=lambda c: c.name)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ["", "relu", "tanh", "sigmoid"])
def test_matches_the_matrix_product_and_its_gradient(case, bias, activation):
    rng = np.random.default_rng(2)
    apply = {
        "": lambda z: z,
        "relu": lambda z: np.maximum(z, 0),
        "tanh": np.tanh,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    }[activation]
    slope = {
        "": np.ones_like,
        "relu": lambda y: (y > 0).astype(float),
        "tanh": lambda y: 1 - y**2,
        "sigmoid": lambda y: y * (1 - y),
    }[activation]

    def forward(x, w, b):
        return [apply(x @ w + (0 if b is None else b))]

    def backward(x, w, b, dy):
        dz = dy * slope(forward(x, w, b)[0])
        rows, gradient = x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1])
        return dz @ w.T, rows.T @ gradient, None if b is None else gradient.sum(axis=0)

    x = rng.normal(size=(case.batch, *case.leading, case.inputs))
    w = rng.normal(size=(case.inputs, case.units)) / np.sqrt(case.inputs)
    check(
        "dense",
        [batched(x), weight(w), weight(rng.normal(size=case.units)) if bias else None],
        {"activation": activation},
        forward,
        backward=backward,
        rng=rng,
    )


@pytest.mark.parametrize("seed", range(12))
def test_matches_the_matrix_product_over_random_shapes(seed):
    rng = np.random.default_rng(seed)
    batch, inputs, units = (int(rng.integers(1, most)) for most in (130, 500, 70))
    x, w = rng.normal(size=(batch, inputs)), rng.normal(size=(inputs, units)) / np.sqrt(inputs)
    check(
        "dense",
        [batched(x), weight(w), weight(rng.normal(size=units))],
        {},
        lambda x, w, b: [x @ w + b],
        backward=lambda x, w, b, dy: (dy @ w.T, x.T @ dy, dy.sum(axis=0)),
        rng=rng,
    )


@pytest.mark.parametrize("units", range(1, 13))
def test_few_outputs_of_many_inputs(units):
    """Inputs in lanes: chunks of them, and columns of the weights that fill no vector."""
    rng = np.random.default_rng(units)
    batch, inputs = int(rng.integers(1, 70)), int(rng.integers(256, 900))
    x, w = rng.normal(size=(batch, inputs)), rng.normal(size=(inputs, units)) / np.sqrt(inputs)
    check(
        "dense",
        [Operand(x, batched=True, differentiable=False), weight(w), weight(rng.normal(size=units))],
        {"activation": "tanh"},
        lambda x, w, b: [np.tanh(x @ w + b)],
        backward=lambda x, w, b, dy: (
            None,
            x.T @ (dy * (1 - np.tanh(x @ w + b) ** 2)),
            (dy * (1 - np.tanh(x @ w + b) ** 2)).sum(axis=0),
        ),
        rng=rng,
    )


@pytest.mark.parametrize("units", range(1, 16))
@pytest.mark.parametrize("inputs", [256, 301])
def test_matches_the_matrix_product_where_one_sample_has_many_inputs_and_few_outputs(inputs, units):
    rng = np.random.default_rng(units)
    x, w = rng.normal(size=(1, inputs)), rng.normal(size=(inputs, units)) / np.sqrt(inputs)
    check(
        "dense",
        [batched(x), weight(w), weight(rng.normal(size=units)) if units % 3 else None],
        {},
        lambda x, w, b: [x @ w + (0 if b is None else b)],
        backward=lambda x, w, b, dy: (
            dy @ w.T,
            x.T @ dy,
            None if b is None else dy.sum(axis=0),
        ),
        rng=rng,
    )
