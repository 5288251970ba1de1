"""Convolutions that treat each channel alone: depthwise and separable ones."""

from __future__ import annotations

from typing import Any

from convnet import ops
from convnet.layers.arguments import positive_integer
from convnet.layers.convolution import BaseConvolution


class DepthwiseConvolution(BaseConvolution):
    """Depthwise convolution over `rank` axes; see `DepthwiseConv1D` and `DepthwiseConv2D`."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._configure_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._configure(
            depth_multiplier=positive_integer("depth_multiplier", depth_multiplier),
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="kernel",
        )
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        kernel, groups = ops.grouped_kernel(self.kernel)
        outputs = ops.convolve(inputs, kernel, self.bias, groups=groups, **self._window)
        return self.activation(outputs)


class DepthwiseConv1D(DepthwiseConvolution):
    """Convolution of each channel of sequences with its own filters.

    Args:
        kernel_size: Length of the window.
        strides: Step of the window.
        padding: `"valid"`, `"same"` or `"causal"`.
        depth_multiplier: Number of filters for each channel.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        depthwise_initializer: Initializer of the kernel, of shape (size, channels, multiplier).
        bias_initializer: Initializer of the bias.
        depthwise_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        depthwise_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.ones((2, 10, 4))).shape
    (2, 8, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class DepthwiseConv2D(DepthwiseConvolution):
    """Convolution of each channel of images with its own filters.

    Args:
        kernel_size: Height and width of the window.
        strides: Steps of the window.
        padding: `"valid"` or `"same"`.
        depth_multiplier: Number of filters for each channel.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        depthwise_initializer: Initializer of the kernel, of shape (height, width, channels,
            multiplier).
        bias_initializer: Initializer of the bias.
        depthwise_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        depthwise_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 6)
    """

    rank = 2


class SeparableConvolution(BaseConvolution):
    """Separable convolution over `rank` axes; see `SeparableConv1D` and `SeparableConv2D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._configure_filters(filters)
        self._configure_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._configure(
            depth_multiplier=positive_integer("depth_multiplier", depth_multiplier),
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Make both kernels and the bias."""
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="depthwise_kernel",
        )
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        kernel, groups = ops.grouped_kernel(self.depthwise_kernel)
        spread = ops.convolve(inputs, kernel, None, groups=groups, **self._window)
        mixed = ops.convolve(spread, self.pointwise_kernel, self.bias, data_format=self.data_format)
        return self.activation(mixed)


class SeparableConv1D(SeparableConvolution):
    """A depthwise convolution of sequences, then a mix of the channels at each step.

    Args:
        filters: Number of output channels.
        kernel_size: Length of the window.
        strides: Step of the window.
        padding: `"valid"`, `"same"` or `"causal"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements.
        depth_multiplier: Number of depthwise filters for each channel.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        **kwargs: Initializers, regularizers and constraints (`depthwise_...`, `pointwise_...`,
            `bias_...`) and arguments of `Layer`.

    >>> import numpy as np
    >>> SeparableConv1D(5, 3)(np.ones((2, 10, 4))).shape
    (2, 8, 5)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(SeparableConvolution):
    """A depthwise convolution of images, then a mix of the channels at each pixel.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the window.
        strides: Steps of the window.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements.
        depth_multiplier: Number of depthwise filters for each channel.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        **kwargs: Initializers, regularizers and constraints (`depthwise_...`, `pointwise_...`,
            `bias_...`) and arguments of `Layer`.

    >>> import numpy as np
    >>> SeparableConv2D(5, 3)(np.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 5)
    """

    rank = 2
