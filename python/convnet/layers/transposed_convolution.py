"""Transposed convolutions, which enlarge sequences and images."""

from __future__ import annotations

from typing import Any

from convnet import ops
from convnet.layers.arguments import integers
from convnet.layers.convolution import BaseConvolution


class TransposedConvolution(BaseConvolution):
    """Transposed convolution over `rank` axes; see `Conv1DTranspose` and `Conv2DTranspose`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._configure_filters(filters)
        self._configure_window(kernel_size, strides, padding, data_format, dilation_rate)
        if output_padding is not None:
            output_padding = integers("output_padding", output_padding, self.rank, minimum=0)
        self._configure(
            output_padding=output_padding,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        shape = (*self.kernel_size, self.filters, self._channels(input_shape))
        self.kernel = self._add_option_weight("kernel", shape)
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        outputs = ops.convolve_transpose(
            inputs, self.kernel, self.bias, output_padding=self.output_padding, **self._window
        )
        return self.activation(outputs)


class Conv1DTranspose(TransposedConvolution):
    """The convolution that would turn an output of `Conv1D` back into its input's shape.

    Args:
        filters: Number of output channels.
        kernel_size: Length of the window.
        strides: Factor by which the sequence grows.
        padding: `"valid"` or `"same"`.
        output_padding: Steps added at the end of the output; None for what fits the padding.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        **kwargs: Initializers, regularizers and constraints of kernel and bias, and arguments of
            `Layer`.

    >>> import numpy as np
    >>> Conv1DTranspose(3, 2, strides=2)(np.ones((2, 5, 4))).shape
    (2, 10, 3)
    """

    rank = 1


class Conv2DTranspose(TransposedConvolution):
    """The convolution that would turn an output of `Conv2D` back into its input's shape.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the window.
        strides: Factors by which height and width grow.
        padding: `"valid"` or `"same"`.
        output_padding: Rows and columns added at the end; None for what fits the padding.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        **kwargs: Initializers, regularizers and constraints of kernel and bias, and arguments of
            `Layer`.

    >>> import numpy as np
    >>> Conv2DTranspose(3, 2, strides=2)(np.ones((2, 5, 5, 4))).shape
    (2, 10, 10, 3)
    """

    rank = 2
