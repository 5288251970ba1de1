"""Convolution and pooling over one or two space axes.

The core works on images `[height, width, channels]`. A sequence is an image of height one, and
`channels_first` data is transposed on the way in and out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convnet import config
from convnet.ops.operation import NN, operation
from convnet.ops.shape import expand_dims, reshape, squeeze, transpose
from convnet.tracing import GraphTensor

_Sizes = int | tuple[int, ...] | list[int]


def pair(value: _Sizes, rank: int, fill: int = 1) -> list[int]:
    """One number for each of the two image axes, from one number or one for each space axis."""
    values = [value] * rank if isinstance(value, int) else [int(n) for n in value]
    return [fill] * (2 - rank) + values


def same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis so that `ceil(size / stride)` windows fit."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _padding(image: GraphTensor, windows: list[int], strides: list[int], padding: str) -> list[int]:
    """Top, bottom, left and right."""
    if padding.lower() == "valid":
        return [0, 0, 0, 0]
    if padding.lower() == "same":
        height, width = image.sample_shape[-3:-1]
        sizes = zip((height, width), windows, strides, strict=True)
        return [n for size in sizes for n in same_padding(*size)]
    if padding.lower() == "causal":
        return [0, 0, windows[1] - 1, 0]
    raise ValueError(
        "Invalid value for argument `padding`. Expected 'valid' or 'same'. "
        f"Received: padding={padding}"
    )


def as_images(
    x: GraphTensor, data_format: str | None, work: Callable[[GraphTensor, int], Any]
) -> Any:
    """Do work on images that was asked for on sequences or images in either data format.

    Args:
        x: Tensor of rank 3 (one space axis) or 4 (two).
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        work: Takes images and the number of space axes, returns images.
    """
    rank = x.ndim - 2
    first = (data_format or config.image_data_format()) == "channels_first"
    if first:
        x = transpose(x, (0, *range(2, rank + 2), 1))
    x = work(expand_dims(x, 1) if rank == 1 else x, rank)
    if rank == 1:
        x = squeeze(x, 1)
    return transpose(x, (0, rank + 1, *range(1, rank + 1))) if first else x


def _kernel_image(kernel: GraphTensor) -> GraphTensor:
    return expand_dims(kernel, 0) if kernel.ndim == 3 else kernel


@operation(NN, tensors=3, batched=True)
def convolve(
    inputs: Any,
    kernel: Any,
    bias: Any = None,
    strides: _Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: _Sizes = 1,
    groups: int = 1,
) -> Any:
    """Convolution with bias.

    Args:
        inputs: Sequences or images, batch first.
        kernel: Weights `(*size, channels / groups, filters)`.
        bias: Vector of `filters` numbers, or None.
        strides: Step of the window along each axis.
        padding: `"valid"`, `"same"` or, for sequences, `"causal"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements along each axis.
        groups: Number of groups of channels convolved apart.
    """

    def work(image: GraphTensor, rank: int) -> Any:
        steps, dilation = pair(strides, rank), pair(dilation_rate, rank)
        sizes = _kernel_image(kernel).sample_shape[:2]
        windows = [(k - 1) * d + 1 for k, d in zip(sizes, dilation, strict=True)]
        return image.trace.one(
            "conv2d",
            [image, _kernel_image(kernel), bias],
            strides=steps,
            padding=_padding(image, windows, steps, padding),
            dilation=dilation,
            groups=groups,
            activation="",
        )

    return as_images(inputs, data_format, work)


@operation(NN, tensors=2, batched=True)
def conv(
    inputs: Any,
    kernel: Any,
    strides: _Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: _Sizes = 1,
) -> Any:
    """Convolution of sequences or images; groups follow from the channels of the kernel.

    Args:
        inputs: Sequences or images, batch first.
        kernel: Weights `(*size, channels / groups, filters)`.
        strides: Step of the window along each axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements along each axis.
    """
    first = (data_format or config.image_data_format()) == "channels_first"
    channels = inputs.shape[1 if first else -1]
    groups = channels // kernel.shape[-2]
    return convolve(inputs, kernel, None, strides, padding, data_format, dilation_rate, groups)


@operation(NN, tensors=2, batched=True)
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: _Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: _Sizes = 1,
) -> Any:
    """Convolution of each channel with its own filters; arguments as for `conv`.

    Args:
        inputs: Sequences or images, batch first.
        kernel: Weights `(*size, channels, multiplier)`.
    """
    grouped, channels = grouped_kernel(kernel)
    return convolve(inputs, grouped, None, strides, padding, data_format, dilation_rate, channels)


def grouped_kernel(kernel: Any) -> tuple[Any, int]:
    """A depthwise kernel as that of a convolution with one group for each channel, and the groups.

    Args:
        kernel: Weights `(*size, channels, multiplier)`.
    """
    *sizes, channels, multiplier = kernel.shape
    return reshape(kernel, (*sizes, 1, channels * multiplier)), channels


@operation(NN, tensors=3, batched=True)
def convolve_transpose(
    inputs: Any,
    kernel: Any,
    bias: Any = None,
    strides: _Sizes = 1,
    padding: str = "valid",
    output_padding: _Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: _Sizes = 1,
) -> Any:
    """The gradient of a convolution with respect to its input, as a layer of its own.

    Args:
        inputs: Sequences or images, batch first.
        kernel: Weights `(*size, filters, channels)`.
        bias: Vector of `filters` numbers, or None.
        strides: Factor by which each axis grows.
        padding: `"valid"` or `"same"`.
        output_padding: Size added to one side of the output, or None.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        dilation_rate: Distance between the window's elements along each axis.
    """

    def work(image: GraphTensor, rank: int) -> Any:
        weights = _kernel_image(kernel)
        steps, dilation = pair(strides, rank), pair(dilation_rate, rank)
        extra = [None, None] if output_padding is None else pair(output_padding, rank, fill=0)
        axes = zip(
            image.sample_shape[-3:-1], weights.sample_shape[:2], steps, dilation, extra, strict=True
        )
        plans = [transposed_axis(*axis, padding) for axis in axes]
        return image.trace.one(
            "conv2d_backward_input",
            [image, weights, bias],
            strides=steps,
            padding=[n for _, before, after in plans for n in (before, after)],
            dilation=dilation,
            size=[size for size, _, _ in plans],
        )

    return as_images(inputs, data_format, work)


def transposed_axis(
    size: int, kernel: int, stride: int, dilation: int, extra: int | None, padding: str
) -> tuple[int, int, int]:
    """Output size and the padding of the convolution that is transposed, for one axis."""
    window = (kernel - 1) * dilation + 1
    full = (size - 1) * stride + window
    if padding == "valid":
        output = full + (max(stride - window, 0) if extra is None else extra)
        return output, 0, 0
    total = max(window - stride, 0) if extra is None else 2 * (window // 2)
    output = size * stride if extra is None else full - total + extra
    before = total // 2
    return output, before, max(full - output - before, 0)


@operation(NN, batched=True)
def max_pool(
    inputs: Any,
    pool_size: _Sizes,
    strides: _Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The largest element of each window.

    Args:
        inputs: Sequences or images, batch first.
        pool_size: Size of the window along each axis.
        strides: Step of the window, `pool_size` by default.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
    """
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@operation(NN, batched=True)
def average_pool(
    inputs: Any,
    pool_size: _Sizes,
    strides: _Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The mean of each window, without what padding added; arguments as for `max_pool`."""
    return _pool("avg_pool", inputs, pool_size, strides, padding, data_format)


def _pool(
    op: str,
    inputs: GraphTensor,
    pool_size: _Sizes,
    strides: _Sizes | None,
    padding: str,
    data_format: str | None,
) -> Any:
    def work(image: GraphTensor, rank: int) -> Any:
        size = pair(pool_size, rank)
        steps = pair(pool_size if strides is None else strides, rank)
        return image.trace.one(
            op,
            [image],
            size=size,
            strides=steps,
            padding=_padding(image, size, steps, padding),
        )

    return as_images(inputs, data_format, work)
