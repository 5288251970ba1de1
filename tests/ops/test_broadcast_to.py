"""Values repeated along axes and over samples; elements chosen by a condition."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.harness import batched, check, new_graph, weight
from tests.reference.broadcast import align

N = 18


@pytest.mark.parametrize(
    ("shape", "target"),
    [((3, 1), (3, 4)), ((4,), (3, 4)), ((1, 4), (2, 3, 4)), ((), (5,)), ((3, 4), (3, 4))],
)
@pytest.mark.parametrize("make", [batched, weight], ids=["batched", "single"])
def test_repeats_along_axes(shape, target, make):
    rng = np.random.default_rng(7)
    lead = (N,) if make is batched else ()

    def forward(x):
        aligned = x.reshape(lead + (1,) * (len(target) - len(shape)) + shape)
        return [np.broadcast_to(aligned, lead + target)]

    x = make(rng.normal(size=lead + shape))
    check("broadcast_to", [x], {"shape": target}, forward, rng=rng)


@pytest.mark.parametrize(("shape", "target"), [((4,), (3, 4)), ((), (2,)), ((3, 1), (3, 4))])
def test_repeats_a_single_value_over_the_samples_of_another(shape, target):
    rng = np.random.default_rng(8)
    like = batched(rng.normal(size=(N, 9)), differentiable=False)

    def forward(x, like):
        return [np.broadcast_to(x, (N, *target))]

    x = weight(rng.normal(size=shape))
    check("broadcast_to", [x, like], {"shape": target}, forward, rng=rng)


def test_a_shape_that_cannot_be_reached_is_an_error():
    graph = new_graph()
    x = graph.input((3,), "x")
    with pytest.raises(ValueError, match=r"broadcast_to: .*\(3,\)"):
        graph.add("broadcast_to", [x], {"shape": [2]})
    with pytest.raises(ValueError, match=r"broadcast_to: cannot repeat \(3,\) to \(1,\)"):
        graph.add("broadcast_to", [x], {"shape": [1]})


@pytest.mark.parametrize(
    "shapes",
    [
        ((N, 3, 4), (N, 3, 4), (N, 3, 4)),
        ((N, 3, 1), (N, 3, 4), ()),
        ((3, 4), (N, 3, 4), (4,)),
        ((N, 4), (3, 1), (2, 3, 4)),
        ((N, 4), (), ()),
        ((5, 7), (5, 7), ()),
        ((7,), (5, 1), (5, 7)),
        ((), (), (5,)),
    ],
)
def test_where_chooses_by_the_condition(shapes):
    rng = np.random.default_rng(9)
    flags = [shape[:1] == (N,) for shape in shapes]
    arrays = [rng.normal(size=shape) for shape in shapes]
    arrays[0] = np.round(arrays[0])
    operands = [(batched if f else weight)(a) for a, f in zip(arrays, flags, strict=True)]
    operands[0].differentiable = False

    def forward(*arrays):
        condition, a, b = align(arrays, flags)
        return [np.where(condition != 0, a, b)]

    check("where", operands, {}, forward, rng=rng)
