"""Two ways to train the same net, whose sums have another order, must agree."""

from __future__ import annotations

from typing import Any

import numpy as np

Trained = tuple[list[np.ndarray], dict[str, Any]]  # weights, history


def assert_trained_alike(actual: Trained, expected: Trained) -> None:
    """Weights, and what was reported of each epoch, are the same up to rounding."""
    for a, b in zip(actual[0], expected[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
    for name, values in expected[1].items():
        np.testing.assert_allclose(actual[1][name], values, rtol=1e-3, atol=1e-4, err_msg=name)
