"""Long short-term memory (Hochreiter, Schmidhuber 1997)."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import ops
from convnet.layers.recurrent_layer import RecurrentLayer
from convnet.layers.rnn_cell import RecurrentCell


class LSTMCell(RecurrentCell):
    """One step of long short-term memory (Hochreiter, Schmidhuber 1997).

    Args:
        units: Number of units, which is the size of the state.
        activation: Activation function or its name.
        recurrent_activation: Activation function of the gates, or its name.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel for the inputs, of shape (inputs, 4 * units).
        recurrent_initializer: Initializer of the kernel for the states, of shape (units,
            4 * units).
        bias_initializer: Initializer of the bias.
        unit_forget_bias: Whether the bias of the forget gate starts at one (Jozefowicz et al.
            2015).
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
    >>> RNN(LSTMCell(4))(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    op = "lstm"
    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            unit_forget_bias=unit_forget_bias,
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
        self.state_size = [units, units]

    def _make_bias(self, width: int) -> Any:
        if not self.unit_forget_bias:
            return self._add_option_weight("bias", (width,))
        return self._add_option_weight("bias", (width,), initializer=self._forgetful_bias)

    def _forgetful_bias(self, shape: Any, dtype: Any = None) -> np.ndarray:
        """The bias of the gates i, f, c, o, with ones for the forget gate f."""
        first = self.bias_initializer((self.units,), dtype=dtype)
        rest = self.bias_initializer((2 * self.units,), dtype=dtype)
        return np.concatenate([first, np.ones(self.units, np.float32), rest])

    def _step(self, inputs: Any, h: Any, states: list[Any]) -> Any:
        gates = ops.dense(inputs, self.kernel, self.bias) + ops.matmul(h, self.recurrent_kernel)
        i, f, c, o = ops.split(gates, 4, axis=-1)
        carry = self.recurrent_activation(f) * states[1]
        carry = carry + self.recurrent_activation(i) * self.activation(c)
        output = self.recurrent_activation(o) * self.activation(carry)
        return output, [output, carry]


class LSTM(RecurrentLayer):
    """Long short-term memory (Hochreiter, Schmidhuber 1997).

    `c = f * c + i * g`, `h = o * activation(c)`, with gates i, f, o and candidate g.

    Args:
        units: Number of units, which is the size of the state.
        activation: Activation function or its name.
        recurrent_activation: Activation function of the gates, or its name.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel for the inputs, of shape (inputs, 4 * units).
        recurrent_initializer: Initializer of the kernel for the states, of shape (units,
            4 * units).
        bias_initializer: Initializer of the bias.
        unit_forget_bias: Whether the bias of the forget gate starts at one (Jozefowicz et al.
            2015).
        kernel_regularizer: Regularizer of the kernel for the inputs.
        recurrent_regularizer: Regularizer of the kernel for the states.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel for the inputs.
        recurrent_constraint: Constraint of the kernel for the states.
        bias_constraint: Constraint of the bias.
        dropout: Fraction of the inputs that are dropped in training.
        recurrent_dropout: Fraction of the states that are dropped in training.
        seed: Integer that makes dropout repeatable.
        return_sequences: Whether to return the outputs of all steps, or only that of the last.
        return_state: Whether to return the last states h and c, too.
        go_backwards: Whether to go from the last step to the first.
        stateful: Not supported.
        unroll: Accepted for compatibility.
        use_cudnn: Accepted for compatibility.
        **kwargs: `zero_output_for_mask` and arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.

    >>> import numpy as np
    >>> LSTM(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    cell_class = LSTMCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activity_regularizer,
            {
                "units": units,
                "activation": activation,
                "recurrent_activation": recurrent_activation,
                "use_bias": use_bias,
                "unit_forget_bias": unit_forget_bias,
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
