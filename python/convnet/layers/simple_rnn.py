"""The simple recurrent layer, whose output is its state."""

from __future__ import annotations

from typing import Any

from convnet import ops
from convnet.layers.recurrent_layer import RecurrentLayer
from convnet.layers.rnn_cell import RecurrentCell


class SimpleRNNCell(RecurrentCell):
    """`h = activation(x @ kernel + h @ recurrent_kernel + bias)`, one step.

    Args:
        units: Number of units, which is the size of the state.
        activation: Activation function or its name.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel for the inputs, of shape (inputs, units).
        recurrent_initializer: Initializer of the kernel for the states, of shape (units, units).
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel for the inputs.
        recurrent_regularizer: Regularizer of the kernel for the states.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel for the inputs.
        recurrent_constraint: Constraint of the kernel for the states.
        bias_constraint: Constraint of the bias.
        dropout: Fraction of the inputs that are dropped in training.
        recurrent_dropout: Fraction of the states that are dropped in training.
        seed: Integer that makes dropout repeatable.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.

    >>> import numpy as np
    >>> from convnet.layers import RNN
    >>> RNN(SimpleRNNCell(4))(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    op = "simple_rnn"
    gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self._configure_cell(
            units=units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
        )

    def _step(self, inputs: Any, h: Any, states: list[Any]) -> Any:
        summed = ops.dense(inputs, self.kernel, self.bias) + ops.matmul(h, self.recurrent_kernel)
        output = self.activation(summed)
        return output, [output]


class SimpleRNN(RecurrentLayer):
    """A recurrent layer whose output is its state.

    `h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: Number of units, which is the size of the state.
        activation: Activation function or its name.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel for the inputs, of shape (inputs, units).
        recurrent_initializer: Initializer of the kernel for the states, of shape (units, units).
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel for the inputs.
        recurrent_regularizer: Regularizer of the kernel for the states.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel for the inputs.
        recurrent_constraint: Constraint of the kernel for the states.
        bias_constraint: Constraint of the bias.
        dropout: Fraction of the inputs that are dropped in training.
        recurrent_dropout: Fraction of the states that are dropped in training.
        return_sequences: Whether to return the outputs of all steps, or only that of the last.
        return_state: Whether to return the last state, too.
        go_backwards: Whether to go from the last step to the first.
        stateful: Not supported.
        unroll: Accepted for compatibility.
        seed: Integer that makes dropout repeatable.
        **kwargs: `zero_output_for_mask` and arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.

    >>> import numpy as np
    >>> SimpleRNN(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    cell_class = SimpleRNNCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activity_regularizer,
            {
                "units": units,
                "activation": activation,
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
                "dropout": dropout,
                "recurrent_dropout": recurrent_dropout,
                "seed": seed,
            },
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
        self._options = tuple(name for name in self._options if name != "seed")
