"""Recurrent layers: a cell applied to each step of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import identifiers, ops, tree
from convnet.layers.arguments import revived
from convnet.layers.layer import Layer
from convnet.layers.rnn_cell import RecurrentCell
from convnet.layers.stacked_cells import StackedRNNCells


class RNN(Layer):
    """Applies a cell to each step of a sequence, handing its states on.

    The cells of convnet run as one op over the whole sequence; others are traced step by step,
    which needs a known number of steps.

    Args:
        cell: A cell, or a list of cells that are stacked. A cell is a layer with
            `call(inputs, states)` returning the output and the new states, with `state_size` (an
            integer, or one for each state) and, where it differs from the first, `output_size`.
        return_sequences: Whether to return the outputs of all steps, or only that of the last.
        return_state: Whether to return the last states, too.
        go_backwards: Whether to go from the last step to the first; the outputs come in that order.
        stateful: Not supported.
        unroll: Accepted for compatibility.
        zero_output_for_mask: Whether outputs of masked steps are zero, instead of those of the
            step before.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `cell` is no cell, or `stateful` is set.

    >>> from convnet.layers import LSTMCell
    >>> RNN(LSTMCell(4))(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not callable(getattr(cell, "call", None)):
            raise ValueError(f"Argument `cell` should have a `call` method. Received: cell={cell}")
        if not hasattr(cell, "state_size"):
            raise ValueError(
                "The RNN cell should have a `state_size` attribute (single integer or list of "
                f"integers, one integer per RNN state). Received: cell={cell}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self._configure(
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
        )
        self.supports_masking = True
        self.states = None
        size = cell.state_size
        self.single_state = isinstance(size, int)
        self.state_size = [size] if isinstance(size, int) else list(size)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Build the cell for one step."""
        if self.stateful:
            raise ValueError(
                f"Layer '{self.name}' cannot be built: `stateful=True` is not supported. Pass the "
                "states of the last call as `initial_state` instead."
            )
        if not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
            self.cell.built = True

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = False,
    ) -> Any:
        """Compute the outputs.

        Args:
            sequences: Tensor (batch, steps, features).
            initial_state: Tensor or list of tensors for the first step; zeros by default.
            mask: Tensor (batch, steps): a step where it is zero leaves states and output as they
                were.
            training: Whether dropout of the cell is active.

        Returns:
            The output (batch, units) or outputs (batch, steps, units), followed by the last states
            where `return_state` is set.
        """
        if initial_state is not None and not tree.is_nested(initial_state):
            initial_state = [initial_state]
        mask = tree.flatten(mask)[0]
        fused = isinstance(self.cell, RecurrentCell) and self.cell.is_fused
        run = self._run_fused if fused else self._run_unrolled
        output, states = run(sequences, initial_state, mask, bool(training))
        return (output, *states) if self.return_state else output

    def _run_fused(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool
    ) -> tuple[Any, list[Any]]:
        output, *states = self.cell.run(
            sequences,
            initial_state,
            mask,
            training,
            go_backwards=self.go_backwards,
            return_sequences=self.return_sequences,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return output, states

    def _run_unrolled(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool
    ) -> tuple[Any, list[Any]]:
        states = self._first_states(sequences, initial_state)
        step_kwargs = {"training": training} if self.cell._call_has_training_arg else {}
        order = range(sequences.shape[1])
        outputs: list[Any] = []
        for t in reversed(order) if self.go_backwards else order:
            output, new = self.cell(sequences[:, t], states, **step_kwargs)
            new = list(new) if isinstance(new, (list, tuple)) else [new]
            if mask is not None:
                keep = ops.expand_dims(mask[:, t], -1)
                previous = outputs[-1] if outputs else ops.zeros_like(output)
                blank = ops.zeros_like(output) if self.zero_output_for_mask else previous
                output = ops.where(keep, output, blank)
                pairs = zip(tree.flatten(new), tree.flatten(states), strict=True)
                kept = [ops.where(keep, after, before) for after, before in pairs]
                new = tree.pack_sequence_as(new, kept)
            outputs.append(output)
            states = new
        return (ops.stack(outputs, axis=1) if self.return_sequences else outputs[-1]), states

    def _first_states(self, sequences: Any, initial_state: Any) -> list[Any]:
        if initial_state is not None:
            return list(initial_state)
        blank = ops.zeros_like(sequences[:, 0, :1])

        def zeros(size: int) -> Any:
            return ops.tile(blank, (1, size))

        return [tree.map_structure(zeros, size) for size in self.state_size]

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """States of zeros for a batch."""
        sizes = self.state_size
        return [
            tree.map_structure(lambda n: np.zeros((batch_size, n), np.float32), s) for s in sizes
        ]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps, where all outputs are returned; states have none."""
        first = tree.flatten(mask)[0] if self.return_sequences else None
        return [first, *(None for _ in self.state_size)] if self.return_state else first

    def reset_state(self) -> None:
        """Do nothing: no state is kept from one call to the next."""

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {**super().get_config(), "cell": identifiers.serialize(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer made from what `get_config` returned."""
        cell = revived(config["cell"], custom_objects)
        return super().from_config({**config, "cell": cell})
