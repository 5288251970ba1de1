"""What all convolution layers have in common, and Conv1D and Conv2D."""

from __future__ import annotations

from typing import Any

from convnet import config, ops
from convnet.layers.arguments import integers, padding, unsupported
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer


class BaseConvolution(Layer):
    """A layer that slides a window over `rank` space axes."""

    rank = 2
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(self, **kwargs: Any) -> None:
        lora = {name: kwargs.pop(name, None) for name in ("lora_rank", "lora_alpha")}
        super().__init__(**kwargs)
        unsupported(**lora)
        self.input_spec = InputSpec(min_ndim=self.rank + 2)

    def _configure_window(
        self, kernel_size: Any, strides: Any, mode: Any, data_format: Any, dilation_rate: Any
    ) -> None:
        self._configure(
            kernel_size=integers("kernel_size", kernel_size, self.rank),
            strides=integers("strides", strides, self.rank),
            padding=padding(mode, self.paddings),
            data_format=config.standardize_data_format(data_format),
            dilation_rate=integers("dilation_rate", dilation_rate, self.rank),
        )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    def _configure_filters(self, filters: Any, groups: Any = 1) -> None:
        if not isinstance(filters, int) or filters <= 0:
            raise ValueError(
                "Invalid value for argument `filters`. Expected a strictly positive value. "
                f"Received filters={filters}."
            )
        if not isinstance(groups, int) or groups <= 0:
            raise ValueError(
                f"The number of groups must be a positive integer. Received: groups={groups}."
            )
        if filters % groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )
        self._configure(filters=filters)

    def _channels(self, input_shape: Any) -> int:
        """The number of input channels, which from now on has to stay."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                "The channel dimension of the inputs should be defined. The input_shape received "
                f"is {input_shape}, where axis {axis} (0-based) is the channel dimension, which "
                "found to be `None`."
            )
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={axis: channels})
        return int(channels)

    def _add_bias(self, size: int) -> None:
        self.bias = self._add_option_weight("bias", (size,)) if self.use_bias else None

    @property
    def _window(self) -> dict[str, Any]:
        """The window's arguments as the ops take them."""
        names = ("strides", "padding", "data_format", "dilation_rate")
        return {name: getattr(self, name) for name in names}


class Convolution(BaseConvolution):
    """Convolution over `rank` space axes with trained filters; see `Conv1D` and `Conv2D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        self._configure_filters(filters, groups)
        self._configure_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._configure(
            groups=groups,
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
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups. "
                f"Received groups={self.groups}, but the input has {channels} channels (full "
                f"input shape is {input_shape})."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self._add_option_weight("kernel", shape)
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        outputs = ops.convolve(inputs, self.kernel, self.bias, groups=self.groups, **self._window)
        return self.activation(outputs)


class Conv1D(Convolution):
    """Convolution of sequences: windows of `kernel_size` steps times trained filters.

    Args:
        filters: Number of filters, which is the number of output channels.
        kernel_size: Length of the window.
        strides: Step of the window.
        padding: `"valid"` (none), `"same"` (zeros on both sides so that the output has
            `ceil(length / strides)` steps) or `"causal"` (zeros before, so that no output depends
            on later inputs).
        data_format: `"channels_last"` (batch, steps, channels), `"channels_first"` (batch,
            channels, steps) or None for `config.image_data_format()`.
        dilation_rate: Distance between the window's elements.
        groups: Number of groups of channels that are convolved apart.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, of shape (size, channels / groups, filters).
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if a size is no positive integer, or the groups do not divide the filters.

    >>> import numpy as np
    >>> Conv1D(4, 3)(np.ones((2, 10, 1))).shape
    (2, 8, 4)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Convolution):
    """Convolution of images: windows of `kernel_size` pixels times trained filters.

    Args:
        filters: Number of filters, which is the number of output channels.
        kernel_size: Height and width of the window; one integer for both.
        strides: Steps of the window along height and width.
        padding: `"valid"` (none) or `"same"` (zeros around so that the output has
            `ceil(size / strides)` rows and columns).
        data_format: `"channels_last"` (batch, height, width, channels), `"channels_first"` (batch,
            channels, height, width) or None for `config.image_data_format()`.
        dilation_rate: Distance between the window's elements along height and width.
        groups: Number of groups of channels that are convolved apart.
        activation: Activation function or its name; None for linear.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, of shape (height, width, channels / groups,
            filters).
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if a size is no positive integer, or the groups do not divide the filters.

    >>> import numpy as np
    >>> Conv2D(4, 3, padding="same")(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 4)
    """

    rank = 2
