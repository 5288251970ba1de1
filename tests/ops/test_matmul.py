import numpy as np
import pytest

from tests.ops.harness import batched, check, run_op, weight

rng = np.random.default_rng(8)
# Shapes of a sample of each operand, as they are multiplied.
SHAPES = {
    "plain": ((3, 4), (4, 5)),
    "tails": ((7, 3), (3, 6)),
    "one row": ((1, 9), (9, 1)),
    "stacks": ((2, 3, 4), (2, 4, 5)),
    "broadcast": ((2, 1, 5, 4), (3, 4, 2)),
    "nothing to sum": ((3, 0), (0, 2)),
}


def operand(shape, transposed, kind, batch):
    if transposed:
        shape = (*shape[:-2], shape[-1], shape[-2])
    return (
        batched(rng.normal(size=(batch, *shape)))
        if kind == "batched"
        else weight(rng.normal(size=shape))
    )


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "kinds", ["batched batched", "batched single", "single batched", "single single"]
)
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_matches_numpy_and_its_gradient(name, kinds, transposed):
    batch = int(rng.integers(1, 40))
    kinds = kinds.split()
    shapes = SHAPES[name]
    operands = [operand(s, t, k, batch) for s, t, k in zip(shapes, transposed, kinds, strict=True)]

    def forward(a, b):
        a, b = (np.swapaxes(x, -1, -2) if t else x for x, t in zip((a, b), transposed, strict=True))
        # The batch is the first axis, whatever stacks the other operand has.
        missing = max(len(s) for s in shapes)
        a, b = (
            x.reshape(x.shape[0], *(1,) * (missing - len(s)), *x.shape[1:]) if k == "batched" else x
            for x, s, k in zip((a, b), shapes, kinds, strict=True)
        )
        return [a @ b]

    check(
        "matmul",
        operands,
        {"transpose_a": transposed[0], "transpose_b": transposed[1]},
        forward,
        rng=rng,
        gradients=batch < 6 or name in ("plain", "one row"),
        tolerance=1e-4,
    )


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="matrices of 3 x 4 and 5 x 2"):
        run_op("matmul", [batched(np.ones((2, 3, 4))), batched(np.ones((2, 5, 2)))])
    with pytest.raises(ValueError, match="expects matrices"):
        run_op("matmul", [batched(np.ones((2, 3))), weight(np.ones((3, 2)))])
