"""Several cells on top of each other as one."""

from __future__ import annotations

from typing import Any

from convnet import identifiers
from convnet.layers.arguments import revived
from convnet.layers.layer import Layer


class StackedRNNCells(Layer):
    """Cells on top of each other: each gets the output of the one before.

    Args:
        cells: The cells, from the first to the last.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if one of them is no cell.

    >>> from convnet.layers import GRUCell, LSTMCell
    >>> StackedRNNCells([LSTMCell(3), GRUCell(2)]).state_size
    [[3, 3], 2]
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not callable(getattr(cell, "call", None)) or not hasattr(cell, "state_size"):
                raise ValueError(
                    "All cells must have a `call` method and a `state_size` attribute. "
                    f"Received cell without one: {cell}"
                )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of the last cell's output."""
        last = self.cells[-1]
        size = last.state_size
        first = size if isinstance(size, int) else size[0]
        return int(getattr(last, "output_size", first))

    def build(self, input_shape: Any) -> None:
        """Build each cell on the output of the one before."""
        for cell in self.cells:
            if not cell.built:
                cell.build(input_shape)
                cell.built = True
            size = cell.state_size
            size = getattr(cell, "output_size", size if isinstance(size, int) else size[0])
            input_shape = (input_shape[0], size)

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        """One step: the output of the last cell and the new states of all."""
        new = []
        for cell, state in zip(self.cells, states, strict=True):
            kwargs = {"training": training} if cell._call_has_training_arg else {}
            nested = isinstance(state, (list, tuple))
            inputs, state = cell(inputs, list(state) if nested else [state], **kwargs)
            new.append(state if nested or not isinstance(state, (list, tuple)) else state[0])
        return inputs, new

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {**super().get_config(), "cells": [identifiers.serialize(c) for c in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer made from what `get_config` returned."""
        cells = [revived(c, custom_objects) for c in config["cells"]]
        return super().from_config({**config, "cells": cells})
