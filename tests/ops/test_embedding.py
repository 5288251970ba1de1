import numpy as np
import pytest

from tests.ops.harness import batched, check, run_op, weight


@pytest.mark.parametrize(
    ("batch", "positions", "rows", "columns"),
    [(1, (), 3, 4), (17, (5,), 11, 33), (40, (2, 3), 7, 1)],
)
def test_gives_rows_of_the_table_and_adds_gradients_to_them(batch, positions, rows, columns):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, rows, size=(batch, *positions))
    table = rng.normal(size=(rows, columns))

    def backward(ids, table, dy):
        gradient = np.zeros_like(table)
        np.add.at(gradient, ids.astype(int), dy)
        return None, gradient

    check(
        "embedding",
        [batched(ids, differentiable=False), weight(table)],
        {},
        lambda ids, table: [table[ids.astype(int)]],
        backward=backward,
        rng=rng,
    )


def test_a_number_outside_the_table_gives_nan_and_no_gradient():
    ids = np.array([[0.0], [3.0], [-1.0], [2.0], [np.nan]])
    table = np.arange(6.0).reshape(3, 2)
    gradient = np.ones((5, 1, 2))
    result = run_op("embedding", [batched(ids, False), weight(table)], {}, [gradient])
    assert np.isnan(result.outputs[0][:, 0]).all(axis=1).tolist() == [
        False,
        True,
        True,
        False,
        True,
    ]
    assert result.gradients[1].tolist() == [[1, 1], [0, 0], [1, 1]]
