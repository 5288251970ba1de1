"""The recurrent oracle itself: backpropagation through time against central differences."""

import numpy as np
import pytest

from tests.ops.harness import numeric_gradients
from tests.ops.rnn_cases import RnnCase
from tests.reference import rnn as reference

CASES = [
    RnnCase("lstm", attrs={}),
    RnnCase("lstm", states=True, mask=True, attrs={"return_sequences": True}),
    RnnCase(
        "lstm",
        states=True,
        mask=True,
        dropout=True,
        recurrent_dropout=True,
        attrs={"return_sequences": True, "go_backwards": True, "zero_output_for_mask": True},
    ),
    RnnCase(
        "lstm",
        lead=(2,),
        bias=False,
        mask=True,
        attrs={"activation": "softsign", "recurrent_activation": "softplus"},
    ),
    RnnCase("gru", states=True, attrs={"return_sequences": True}),
    RnnCase(
        "gru",
        states=True,
        mask=True,
        dropout=True,
        recurrent_dropout=True,
        attrs={"go_backwards": True},
    ),
    RnnCase(
        "gru",
        states=True,
        recurrent_dropout=True,
        attrs={"reset_after": False, "return_sequences": True},
    ),
    RnnCase(
        "gru", bias=False, mask=True, attrs={"reset_after": False, "zero_output_for_mask": True}
    ),
    RnnCase(
        "simple_rnn",
        states=True,
        mask=True,
        dropout=True,
        recurrent_dropout=True,
        attrs={"return_sequences": True},
    ),
    RnnCase("simple_rnn", lead=(2,), attrs={"go_backwards": True, "activation": "exponential"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.op)
def test_gradients_are_the_central_differences(case):
    case.batch, case.features, case.units = 3, 2, 3
    rng = np.random.default_rng(3)
    operands = case.operands(rng)
    arrays = [None if o is None else o.array.astype(np.float64) for o in operands]
    seeds = [rng.normal(size=y.shape) for y in reference.forward(case.op, *arrays, **case.attrs)]
    wanted = [o is not None and o.differentiable for o in operands]
    expected = numeric_gradients(
        lambda *a: reference.forward(case.op, *a, **case.attrs), arrays, seeds, wanted
    )
    found = reference.backward(case.op, *arrays, *seeds, **case.attrs)
    for want, got in zip(expected, found, strict=True):
        if want is not None:
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", list(reference.ACTIVATIONS))
def test_slopes_are_the_central_differences(name):
    value, slope = reference.ACTIVATIONS[name]
    x = np.linspace(-7, 7, 301) + 1e-3
    np.testing.assert_allclose(
        slope(x), (value(x + 1e-6) - value(x - 1e-6)) / 2e-6, rtol=1e-5, atol=1e-8
    )
