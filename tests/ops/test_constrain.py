"""Constraints on one variable of a flat buffer."""

import numpy as np
import pytest

from tests.ops.flat import run_updates
from tests.reference.weights import constrain

KINDS = [
    ("unit_norm", {}),
    ("max_norm", {"max_value": 1.5}),
    ("min_max_norm", {"min_value": 2.0, "max_value": 3.0, "rate": 0.25}),
]
CASES = [
    ((7,), (0,)),
    ((40, 33), (0,)),
    ((33, 40), (1,)),
    ((5, 3, 4, 20), (0, 1, 2)),
    ((5, 3, 4, 20), (0, 2)),
    ((5, 3, 4, 20), (1, 3)),
    ((3, 4), (0, 1)),
    ((6, 2), (-1,)),
]


def constrained(w, attrs, threads=1):
    flat = np.full(w.size + 10, 7.0, np.float32)
    flat[4 : 4 + w.size] = w.ravel()
    attrs = {"offset": 4, "shape": list(w.shape), **attrs}
    run_updates([("constrain", ["p"], attrs)], {"p": flat}, threads=threads)
    assert (flat[:4] == 7).all() and (flat[4 + w.size :] == 7).all()
    return flat[4 : 4 + w.size].reshape(w.shape)


@pytest.mark.parametrize(("shape", "axes"), CASES)
@pytest.mark.parametrize(("kind", "limits"), KINDS)
def test_norms(kind, limits, shape, axes):
    w = np.random.default_rng(0).normal(size=shape)
    got = constrained(w, {"kind": kind, "axes": list(axes), **limits})
    np.testing.assert_allclose(got, constrain(w, kind, axes, **limits), rtol=3e-6)
    for threads in (2, 3):
        again = constrained(w, {"kind": kind, "axes": list(axes), **limits}, threads)
        assert np.array_equal(got, again)


@pytest.mark.parametrize("shape", [(3,), (71, 67)])
def test_non_neg(shape):
    w = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(
        constrained(w, {"kind": "non_neg"}), constrain(w, "non_neg"), rtol=1e-6
    )


@pytest.mark.parametrize("kind", ["unit_norm", "max_norm", "min_max_norm"])
def test_zero_weights_stay_zero(kind):
    assert not constrained(np.zeros((4, 5)), {"kind": kind, "axes": [0]}).any()


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({"kind": "other"}, "kind must be"),
        ({"kind": "unit_norm", "axes": [2]}, "axis 2"),
        ({"kind": "unit_norm", "axes": [0], "offset": 20}, "not within"),
    ],
)
def test_bad_arguments(attrs, words):
    with pytest.raises(ValueError, match=f"constrain: .*{words}"):
        constrained(np.zeros((4, 5)), attrs)
