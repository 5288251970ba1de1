"""Operands for the recurrent ops, and the checks that all of them share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.ops.harness import Operand, batched, check, run_op, weight
from tests.reference import rnn as reference

GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
FLAGS = ("go_backwards", "return_sequences", "zero_output_for_mask")


@dataclass
class RnnCase:
    """Sizes of one call, and which of the optional operands it has."""

    op: str
    batch: int = 5
    steps: int = 4
    features: int = 3
    units: int = 6
    lead: tuple[int, ...] = ()
    bias: bool = True
    states: bool = False
    mask: bool = False
    dropout: bool = False
    recurrent_dropout: bool = False
    attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def state_count(self) -> int:
        return reference.CELLS[self.op][2]

    def operands(self, rng: np.random.Generator) -> list[Operand | None]:
        columns = GATES[self.op] * self.units
        two_biases = self.op == "gru" and self.attrs.get("reset_after", True)
        rows = (self.batch, *self.lead)

        def drop(size: int) -> Operand:
            return batched(rng.choice([0.0, 1.25], (*rows, size), p=[0.2, 0.8]), False)

        def state() -> Operand | None:
            return batched(rng.normal(size=(*rows, self.units))) if self.states else None

        return [
            batched(rng.normal(size=(*rows, self.steps, self.features))),
            weight(rng.normal(size=(self.features, columns)) / np.sqrt(self.features)),
            weight(rng.normal(size=(self.units, columns)) / np.sqrt(self.units)),
            weight(rng.normal(size=(2, columns) if two_biases else columns)) if self.bias else None,
            *[state() for _ in range(self.state_count)],
            batched(rng.integers(0, 2, (*rows, self.steps)), False) if self.mask else None,
            drop(self.features) if self.dropout else None,
            drop(self.units) if self.recurrent_dropout else None,
        ]


def check_case(case: RnnCase, seed: int = 0, **options: Any) -> None:
    rng = np.random.default_rng(seed)
    check(
        case.op,
        case.operands(rng),
        case.attrs,
        lambda *arrays: reference.forward(case.op, *arrays, **case.attrs),
        backward=lambda *arrays: reference.backward(case.op, *arrays, **case.attrs),
        rng=rng,
        **options,
    )


def random_case(op: str, rng: np.random.Generator) -> RnnCase:
    def flip() -> bool:
        return bool(rng.integers(0, 2))

    attrs = {name: flip() for name in FLAGS}
    if op == "gru":
        attrs["reset_after"] = flip()
    return RnnCase(
        op,
        batch=int(rng.choice([1, 5, 16, 17, 33])),
        steps=int(rng.integers(1, 20)),
        features=int(rng.integers(1, 20)),
        units=int(rng.integers(1, 68)),
        bias=bool(rng.integers(0, 4)),
        states=flip(),
        mask=flip(),
        dropout=flip(),
        recurrent_dropout=flip(),
        attrs=attrs,
    )


def check_partial_gradients(case: RnnCase) -> None:
    """Each result's gradient alone reaches what it should."""
    operands = case.operands(np.random.default_rng(5))
    arrays = [None if o is None else o.array.astype(np.float64) for o in operands]
    shapes = [y.shape for y in reference.forward(case.op, *arrays, **case.attrs)]
    for given, lanes in itertools.product(range(len(shapes)), (16, 1)):
        seeds = [np.random.default_rng(given).normal(size=s).astype(np.float32) for s in shapes]
        given_seeds = [s if i == given else None for i, s in enumerate(seeds)]
        got = run_op(case.op, operands, case.attrs, given_seeds, lanes=lanes)
        exact = [s if i == given else np.zeros_like(s) for i, s in enumerate(seeds)]
        for a, b in zip(
            got.gradients, reference.backward(case.op, *arrays, *exact, **case.attrs), strict=True
        ):
            if b is not None:
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * max(1, np.abs(b).max()))


def check_without_gradient(case: RnnCase) -> None:
    """`gradient=False` gives the same bits."""
    operands = case.operands(np.random.default_rng(6))
    for lanes in (16, 1):
        with_gradient = run_op(case.op, operands, case.attrs, lanes=lanes)
        without = run_op(case.op, operands, {**case.attrs, "gradient": False}, lanes=lanes)
        for a, b in zip(with_gradient.outputs, without.outputs, strict=True):
            np.testing.assert_array_equal(a, b)
