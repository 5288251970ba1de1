"""What the cells of SimpleRNN, GRU and LSTM have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import activations, ops, tree
from convnet.layers.layer import Layer
from convnet.layers.regularization import drop
from convnet.random import SeedGenerator

# Activations that the core's recurrent ops know.
FUSED_ACTIVATIONS = frozenset(
    {
        "elu",
        "exponential",
        "hard_sigmoid",
        "hard_tanh",
        "linear",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "softplus",
        "softsign",
        "tanh",
    }
)


class RecurrentCell(Layer):
    """A cell with kernels for inputs and states that can run over a whole sequence as one op."""

    op = ""
    gates = 1

    def _configure_cell(
        self, units: Any, dropout: float, recurrent_dropout: float, **options: Any
    ) -> None:
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                "Received an invalid value for argument `units`, expected a positive integer, "
                f"got {units}."
            )
        self._configure(
            units=units,
            **options,
            dropout=min(1.0, max(0.0, dropout)),
            recurrent_dropout=min(1.0, max(0.0, recurrent_dropout)),
        )
        self.seed_generator = SeedGenerator(self.seed)
        self.output_size = units
        self.state_size: Any = units

    def build(self, input_shape: Any) -> None:
        """Make the kernels and the bias."""
        width = self.gates * self.units
        self.kernel = self._add_option_weight("kernel", (input_shape[-1], width))
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = self._make_bias(width) if self.use_bias else None

    def _make_bias(self, width: int) -> Any:
        return self._add_option_weight("bias", (width,))

    def get_initial_state(self, batch_size: int) -> list[np.ndarray]:
        """States of zeros for a batch."""
        sizes = tree.flatten(self.state_size)
        return [np.zeros((batch_size, size), np.float32) for size in sizes]

    # One step at a time.

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        """One step.

        Args:
            inputs: Tensor (batch, features).
            states: List of tensors (batch, units).
            training: Whether dropout is active.

        Returns:
            The output and the list of new states.
        """
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        if training and self.dropout:
            inputs = drop(inputs, self.dropout, self.seed_generator)
        h = states[0]
        if training and self.recurrent_dropout:
            h = drop(h, self.recurrent_dropout, self.seed_generator)
        return self._step(inputs, h, states)

    def _step(self, inputs: Any, h: Any, states: list[Any]) -> Any:
        """One step on inputs and on `h`, the first state after dropout."""
        raise NotImplementedError

    # A whole sequence at once.

    @property
    def is_fused(self) -> bool:
        """Whether the core knows the cell's activations."""
        names = [activations.serialize(function) for function in self._activations.values()]
        return all(isinstance(name, str) and name in FUSED_ACTIVATIONS for name in names)

    @property
    def _activations(self) -> dict[str, Any]:
        names = ("activation", "recurrent_activation")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def run(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool, **attributes: Any
    ) -> Any:
        """Record the op that runs the cell over sequences.

        Args:
            sequences: Tensor (batch, steps, features).
            initial_state: List of tensors, or None for zeros.
            mask: Tensor (batch, steps), or None.
            training: Whether dropout is active: one mask for the inputs and one for the states,
                the same at all steps.
            **attributes: Further attributes of the op.

        Returns:
            The output or outputs, then the last states.
        """
        count = len(tree.flatten(self.state_size))
        states = [None] * count if initial_state is None else list(initial_state)
        names = {k: activations.serialize(f) for k, f in self._activations.items()}
        inputs = [sequences, self.kernel, self.recurrent_kernel, self.bias, *states, mask]
        inputs += self._dropout_masks(sequences) if training else [None, None]
        trace = sequences.trace
        outputs = trace.add(self.op, inputs, gradient=trace.differentiable, **names, **attributes)
        return outputs[: 1 + count]  # what follows is for the gradient alone

    def _dropout_masks(self, sequences: Any) -> list[Any]:
        def mask(rate: float, width: int) -> Any:
            if rate == 0:
                return None
            ones = ops.tile(ops.ones_like(sequences[:, 0, :1]), (1, width))
            return drop(ones, rate, self.seed_generator)

        return [mask(self.dropout, sequences.shape[-1]), mask(self.recurrent_dropout, self.units)]
