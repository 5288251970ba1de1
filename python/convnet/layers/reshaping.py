"""Layers that rearrange, repeat or cut their inputs."""

from __future__ import annotations

import math
from typing import Any

from convnet import config, ops
from convnet.layers.arguments import integers
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer


class Flatten(Layer):
    """All axes but the batch joined into one.

    Args:
        data_format: `"channels_first"` moves the channels last before; `"channels_last"` or None
            for the default.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(data_format=config.standardize_data_format(data_format))
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.transpose(inputs, (0, *range(2, inputs.ndim), 1))
        return ops.reshape(inputs, (-1, math.prod(inputs.shape[1:])))


class Reshape(Layer):
    """The same elements in another shape.

    Args:
        target_shape: Shape of one sample; one size may be -1.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if more than one size is -1, or the number of elements differs.

    >>> import numpy as np
    >>> Reshape((2, -1))(np.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if shape.count(-1) > 1:
            raise ValueError(
                "The `target_shape` argument must not contain more than one `-1` value. "
                f"Received: target_shape={target_shape}"
            )
        self._configure(target_shape=shape)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.reshape(inputs, (-1, *self.target_shape))


class Permute(Layer):
    """The axes of each sample in another order.

    Args:
        dims: The new order, counted from 1; the batch is not counted.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `dims` is no permutation of 1, 2, ...

    >>> import numpy as np
    >>> Permute((2, 1))(np.ones((5, 6, 7))).shape
    (5, 7, 6)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in "
                f"`dims` must be consecutive and start from 1. Received dims={dims}"
            )
        self._configure(dims=dims)
        self.input_spec = InputSpec(ndim=len(dims) + 1)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each vector repeated `n` times as a sequence.

    Args:
        n: Number of repetitions.
        **kwargs: Arguments of `Layer`.

    Raises:
        TypeError: if `n` is no integer.

    >>> import numpy as np
    >>> RepeatVector(3)(np.ones((2, 4))).shape
    (2, 3, 4)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        self._configure(n=n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.tile(ops.expand_dims(inputs, 1), (1, self.n, 1))


class ZeroPadding1D(Layer):
    """Zeros before and after each sequence.

    Args:
        padding: Number of steps before and after; one integer for both.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> ZeroPadding1D(2)(np.ones((1, 3, 4))).shape
    (1, 7, 4)
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(
            padding=integers("padding", padding, 2, minimum=0),
            data_format=config.standardize_data_format(data_format),
        )
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.pad(inputs, _widths([self.padding], self.data_format))


def _pairs(name: str, value: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """`((top, bottom), (left, right))` from one integer, one for each axis, or both pairs."""
    if isinstance(value, int):
        value = (value, value)
    if not hasattr(value, "__len__") or len(value) != 2:
        raise ValueError(
            f"`{name}` should have two elements. Received: {name}={value} (of type {type(value)})"
        )
    rows, columns = (integers(f"{name} entry", entry, 2, minimum=0) for entry in value)
    return rows, columns


def _widths(spaces: Any, data_format: str) -> list[tuple[int, int]]:
    """Widths around the space axes as widths around all axes."""
    spaces = [tuple(pair) for pair in spaces]
    last = data_format == "channels_last"
    return [(0, 0), *spaces, (0, 0)] if last else [(0, 0), (0, 0), *spaces]


class ZeroPadding2D(Layer):
    """Zeros around each image.

    Args:
        padding: Rows and columns on each side: one integer, `(rows, columns)` or
            `((top, bottom), (left, right))`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `padding` has another form.

    >>> import numpy as np
    >>> ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 3, 3, 4))).shape
    (1, 4, 7, 4)
    """

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._configure(
            padding=_pairs("padding", padding),
            data_format=config.standardize_data_format(data_format),
        )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.pad(inputs, _widths(self.padding, self.data_format))


def _cut(inputs: Any, widths: list[tuple[int, int]]) -> Any:
    for size, (before, after) in zip(inputs.shape, widths, strict=True):
        if size is not None and before + after >= size > 0 and before + after > 0:
            raise ValueError(
                "Values in `cropping` argument should be smaller than the corresponding spatial "
                f"dimension of the input. Received: input_shape={inputs.shape}, cropping={widths}"
            )
    return inputs[tuple(slice(before, -after or None) for before, after in widths)]


class Cropping1D(Layer):
    """Sequences without their first and last steps.

    Args:
        cropping: Number of steps cut before and after; one integer for both.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Cropping1D((1, 2))(np.ones((1, 7, 4))).shape
    (1, 4, 4)
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(cropping=integers("cropping", cropping, 2, minimum=0))
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return _cut(inputs, _widths([self.cropping], "channels_last"))


class Cropping2D(Layer):
    """Images without their outer rows and columns.

    Args:
        cropping: Rows and columns cut: one integer, `(rows, columns)` or
            `((top, bottom), (left, right))`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Cropping2D(((1, 0), (2, 2)))(np.ones((1, 5, 7, 4))).shape
    (1, 4, 3, 4)
    """

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._configure(
            cropping=_pairs("cropping", cropping),
            data_format=config.standardize_data_format(data_format),
        )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return _cut(inputs, _widths(self.cropping, self.data_format))


class UpSampling1D(Layer):
    """Each step of a sequence repeated.

    Args:
        size: Number of repetitions.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> UpSampling1D(2)(np.ones((1, 3, 4))).shape
    (1, 6, 4)
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(size=int(size))
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.repeat(inputs, self.size, axis=1)


class UpSampling2D(Layer):
    """Each pixel of an image repeated.

    Args:
        size: Repetitions along height and width.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        interpolation: `"nearest"`.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: for another interpolation.

    >>> import numpy as np
    >>> UpSampling2D((2, 3))(np.ones((1, 3, 3, 4))).shape
    (1, 6, 9, 4)
    """

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if interpolation != "nearest":
            raise ValueError(
                "Invalid value for argument `interpolation`. Expected 'nearest'. "
                f"Received: interpolation={interpolation}"
            )
        self._configure(
            size=integers("size", size, 2),
            data_format=config.standardize_data_format(data_format),
            interpolation=interpolation,
        )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        first = 1 if self.data_format == "channels_last" else 2
        rows, columns = self.size
        return ops.repeat(ops.repeat(inputs, rows, axis=first), columns, axis=first + 1)
