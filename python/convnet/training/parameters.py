"""The memory of a model in training: all weights in one buffer, all gradients in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convnet import _core
from convnet.optimizers import Optimizer
from convnet.variables import Variable

_ALIGNMENT = 16  # floats: one cache line


class FlatParameters:
    """Trainable variables laid end to end, each from a cache line on, with gradients and slots.

    Args:
        variables: The trainable variables; their values move into the buffer.
        optimizer: Its slots move into buffers of the same layout.

    Attributes:
        weights: All values, `(size,)`; the values of variables are views of it.
        gradients: Gradients in the same layout.
        slots: One buffer for each slot name of the optimizer.
        offsets: Where each variable starts.
    """

    def __init__(self, variables: Sequence[Variable], optimizer: Optimizer) -> None:
        self.variables = list(variables)
        self.offsets: list[int] = []
        size = 0
        for variable in self.variables:
            self.offsets.append(size)
            size += _padded(variable.size)
        self.size = size
        self.weights = _core.aligned_zeros(size)
        self.gradients = _core.aligned_zeros(size)
        optimizer.build(self.variables)
        self.slots = {name: _core.aligned_zeros(size) for name in optimizer.all_slot_names}
        for name, flat in self.slots.items():
            if start := optimizer.initial_slot_value(name):
                flat[:] = start
        optimizer.attach(self.variables, self.slots, self.offsets)
        self.claim()

    def claim(self) -> None:
        """Move values into the buffer again if another model's training took them."""
        for variable, view in zip(self.variables, self.views(self.weights), strict=True):
            if not variable.lies_in(self.weights):
                variable.rebase(view)

    @property
    def owns_values(self) -> bool:
        """Whether all variables still live in this buffer."""
        return all(v.lies_in(self.weights) for v in self.variables)

    def views(self, flat: np.ndarray) -> list[np.ndarray]:
        """A buffer of this layout as one array for each variable."""
        return [
            flat[start : start + variable.size].reshape(variable.shape)
            for start, variable in zip(self.offsets, self.variables, strict=True)
        ]

    def end_of(self, variable: Variable) -> int:
        """Where the next variable starts."""
        return self.range_of(variable)[0] + _padded(variable.size)

    def range_of(self, variable: Variable) -> tuple[int, int]:
        """First and last element of a variable."""
        for start, other in zip(self.offsets, self.variables, strict=True):
            if other is variable:
                return start, start + variable.size
        raise ValueError(f"Unknown variable: {variable}.")


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
