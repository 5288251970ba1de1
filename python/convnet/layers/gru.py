"""The gated recurrent unit (Cho et al. 2014)."""

from __future__ import annotations

from typing import Any

from convnet import ops
from convnet.layers.recurrent_layer import RecurrentLayer
from convnet.layers.rnn_cell import RecurrentCell


class GRUCell(RecurrentCell):
    """One step of the gated recurrent unit (Cho et al. 2014).

    Args:
        units: Number of units, which is the size of the state.
        activation: Activation function or its name.
        recurrent_activation: Activation function of the gates, or its name.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel for the inputs, of shape (inputs, 3 * units).
        recurrent_initializer: Initializer of the kernel for the states, of shape (units,
            3 * units).
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel for the inputs.
        recurrent_regularizer: Regularizer of the kernel for the states.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel for the inputs.
        recurrent_constraint: Constraint of the kernel for the states.
        bias_constraint: Constraint of the bias.
        dropout: Fraction of the inputs that are dropped in training.
        recurrent_dropout: Fraction of the states that are dropped in training.
        reset_after: Whether the reset gate acts after the product with the kernel.
        seed: Integer that makes dropout repeatable.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.

    >>> import numpy as np
    >>> from convnet.layers import RNN
    >>> RNN(GRUCell(4))(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    op = "gru"
    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
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
            reset_after=reset_after,
            seed=seed,
        )

    def _make_bias(self, width: int) -> Any:
        shape = (2, width) if self.reset_after else (width,)
        return self._add_option_weight("bias", shape)

    def run(self, *args: Any, **attributes: Any) -> Any:
        """Record the op that runs the cell over sequences; see `RecurrentCell.run`."""
        return super().run(*args, reset_after=self.reset_after, **attributes)

    def _step(self, inputs: Any, h: Any, states: list[Any]) -> Any:
        input_bias, state_bias = self._biases()
        x_z, x_r, x_h = ops.split(ops.dense(inputs, self.kernel, input_bias), 3, axis=-1)
        if self.reset_after:
            inner = ops.dense(h, self.recurrent_kernel, state_bias)
            h_z, h_r, h_h = ops.split(inner, 3, axis=-1)
            r = self.recurrent_activation(x_r + h_r)
            candidate = self.activation(x_h + r * h_h)
        else:
            h_z, h_r = ops.split(
                ops.matmul(h, self.recurrent_kernel[:, : 2 * self.units]), 2, axis=-1
            )
            r = self.recurrent_activation(x_r + h_r)
            candidate = self.activation(
                x_h + ops.matmul(r * h, self.recurrent_kernel[:, 2 * self.units :])
            )
        z = self.recurrent_activation(x_z + h_z)
        output = z * states[0] + (1.0 - z) * candidate
        return output, [output]

    def _biases(self) -> tuple[Any, Any]:
        if self.bias is None or not self.reset_after:
            return self.bias, None
        return self.bias[0], self.bias[1]


class GRU(RecurrentLayer):
    """Gated recurrent units (Cho et al. 2014): `h = z * h + (1 - z) * candidate`.

    Args:
        units: Number of units, which is the size of the state.
        activation: Activation function or its name.
        recurrent_activation: Activation function of the gates, or its name.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel for the inputs, of shape (inputs, 3 * units).
        recurrent_initializer: Initializer of the kernel for the states, of shape (units,
            3 * units).
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
        seed: Integer that makes dropout repeatable.
        return_sequences: Whether to return the outputs of all steps, or only that of the last.
        return_state: Whether to return the last state, too.
        go_backwards: Whether to go from the last step to the first.
        stateful: Not supported.
        unroll: Accepted for compatibility.
        reset_after: Whether the reset gate acts after the product with the kernel.
        use_cudnn: Accepted for compatibility.
        **kwargs: `zero_output_for_mask` and arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.

    >>> import numpy as np
    >>> GRU(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    cell_class = GRUCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
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
                "reset_after": reset_after,
                "seed": seed,
            },
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
