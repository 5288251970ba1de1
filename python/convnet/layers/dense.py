"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from convnet import ops
from convnet.layers.arguments import positive_integer, unsupported
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer


class Dense(Layer):
    """`activation(inputs @ kernel + bias)` along the last axis.

    Args:
        units: Number of outputs.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, of shape (inputs, units).
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        lora_rank: Not supported.
        lora_alpha: Not supported.
        quantization_config: Not supported.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.

    >>> import numpy as np
    >>> Dense(2, kernel_initializer="ones")(np.ones((1, 3))).tolist()
    [[3.0, 3.0]]
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        unsupported(
            lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config
        )
        self._configure(
            units=positive_integer("units", units),
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            quantization_config=None,
        )
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        inputs = input_shape[-1]
        if inputs is None:
            raise ValueError(
                "The last dimension of the inputs to `Dense` should be defined. "
                f"Received: input_shape={input_shape}"
            )
        self.kernel = self._add_option_weight("kernel", (inputs, self.units))
        self.bias = self._add_option_weight("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the outputs."""
        return self.activation(ops.dense(inputs, self.kernel, self.bias))
