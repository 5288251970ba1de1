"""Pooling over windows and over everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convnet import config, ops
from convnet.layers.arguments import integers
from convnet.layers.arguments import padding as padding_mode
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer


class Pooling(Layer):
    """Pooling over windows along `rank` space axes."""

    rank = 2
    operation: Callable[..., Any]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        strides = pool_size if strides is None else strides
        self._configure(
            pool_size=integers("pool_size", pool_size, self.rank),
            padding=padding_mode(padding),
            strides=integers("strides", strides, self.rank),
            data_format=config.standardize_data_format(data_format),
        )
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        window = (self.pool_size, self.strides, self.padding, self.data_format)
        return type(self).operation(inputs, *window)


class MaxPooling1D(Pooling):
    """The largest element of each window of a sequence.

    Args:
        pool_size: Length of the window.
        strides: Step of the window, `pool_size` by default.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        name: Name of the layer.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> MaxPooling1D(2)(np.ones((2, 10, 3))).shape
    (2, 5, 3)
    """

    rank = 1
    operation = staticmethod(ops.max_pool)


class MaxPooling2D(Pooling):
    """The largest element of each window of an image.

    Args:
        pool_size: Height and width of the window.
        strides: Steps of the window, `pool_size` by default.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        name: Name of the layer.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> MaxPooling2D(2)(np.ones((2, 8, 8, 3))).shape
    (2, 4, 4, 3)
    """

    rank = 2
    operation = staticmethod(ops.max_pool)


class AveragePooling1D(Pooling):
    """The mean of each window of a sequence, without what padding added.

    Args:
        pool_size: Length of the window.
        strides: Step of the window, `pool_size` by default.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        name: Name of the layer.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> AveragePooling1D(2)(np.ones((2, 10, 3))).shape
    (2, 5, 3)
    """

    rank = 1
    operation = staticmethod(ops.average_pool)


class AveragePooling2D(Pooling):
    """The mean of each window of an image, without what padding added.

    Args:
        pool_size: Height and width of the window.
        strides: Steps of the window, `pool_size` by default.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        name: Name of the layer.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> AveragePooling2D(2)(np.ones((2, 8, 8, 3))).shape
    (2, 4, 4, 3)
    """

    rank = 2
    operation = staticmethod(ops.average_pool)


class GlobalPooling(Layer):
    """Pooling over all of `rank` space axes."""

    rank = 2
    operation: Callable[..., Any]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._configure(data_format=config.standardize_data_format(data_format), keepdims=keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    @property
    def _axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return type(self).operation(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalPooling):
    """The largest element of each channel of a sequence.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        keepdims: Whether the steps stay as an axis of size 1.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> GlobalMaxPooling1D()(np.ones((2, 10, 3))).shape
    (2, 3)
    """

    rank = 1
    operation = staticmethod(ops.max)


class GlobalMaxPooling2D(GlobalPooling):
    """The largest element of each channel of an image.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        keepdims: Whether height and width stay as axes of size 1.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> GlobalMaxPooling2D()(np.ones((2, 8, 8, 3))).shape
    (2, 3)
    """

    rank = 2
    operation = staticmethod(ops.max)


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of each channel of a sequence over the steps that a mask leaves.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        keepdims: Whether the steps stay as an axis of size 1.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> GlobalAveragePooling1D()(np.ones((2, 10, 3))).shape
    (2, 3)
    """

    rank = 1
    operation = staticmethod(ops.mean)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the outputs."""
        if mask is None:
            return super().call(inputs)
        mask = ops.expand_dims(mask, 2 if self.data_format == "channels_last" else 1)
        kept = ops.where(mask, inputs, 0.0)
        steps = ops.sum(ops.cast(mask, "float32"), axis=self._axes, keepdims=self.keepdims)
        return ops.sum(kept, axis=self._axes, keepdims=self.keepdims) / steps

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the steps are gone."""


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel of an image.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        keepdims: Whether height and width stay as axes of size 1.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> GlobalAveragePooling2D()(np.ones((2, 8, 8, 3))).shape
    (2, 3)
    """

    rank = 2
    operation = staticmethod(ops.mean)
