"""Layers that act in training only: dropout and penalties."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import config, ops, regularizers
from convnet.layers.arguments import rate as fraction
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer
from convnet.random import SeedGenerator


def drop(inputs: Any, rate: float, seeds: SeedGenerator, noise_shape: Any = None) -> Any:
    """Zero a fraction of the elements and scale the others up to the same mean.

    Args:
        inputs: Tensor of a trace.
        rate: Fraction of zeros.
        seeds: Where the seed comes from.
        noise_shape: Shape with the batch of what is kept or dropped as one; None for single
            elements.
    """
    seed = int(np.random.SeedSequence(seeds.next().tolist()).generate_state(1)[0])
    inner = [] if noise_shape is None else _sizes(noise_shape[1:], inputs.shape[1:])
    return inputs.trace.one("dropout", [inputs], rate=float(rate), seed=seed, noise_shape=inner)


def _sizes(noise: Any, shape: Any) -> list[int]:
    return [int(n if k in (None, -1) else k) for k, n in zip(noise, shape, strict=True)]


class Dropout(Layer):
    """In training, zeroes a fraction of the inputs and scales up the rest (Srivastava et al. 2014).

    Args:
        rate: Fraction of inputs that become zero.
        noise_shape: Shape with the batch of the random mask; axes of size 1 share it, as in
            `(None, 1, features)` for all steps of a sequence.
        seed: Integer that makes the random numbers repeatable.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `rate` is not from 0 to 1, or `noise_shape` has impossible entries.

    >>> Dropout(0.5)(np.ones((1, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._configure(
            rate=fraction("rate", rate), seed=seed, noise_shape=_checked_noise_shape(noise_shape)
        )
        self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def _noise_shape(self, inputs: Any) -> Any:
        return self.noise_shape

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Compute the outputs."""
        if not training or self.rate == 0:
            return inputs
        return drop(inputs, self.rate, self.seed_generator, self._noise_shape(inputs))


def _checked_noise_shape(noise_shape: Any) -> Any:
    if noise_shape is None:
        return None
    if not isinstance(noise_shape, (list, tuple)) or any(
        n is not None and (not isinstance(n, int) or n <= 0) for n in noise_shape
    ):
        raise ValueError(
            "Invalid value received for argument `noise_shape`. Expected a tuple or list of "
            f"positive integers or None. Received: noise_shape={noise_shape}"
        )
    return tuple(noise_shape)


class SpatialDropout(Dropout):
    """Dropout of whole channels."""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        del config["trainable"], config["noise_shape"]
        return {**config, "dtype": self.dtype}


class SpatialDropout1D(SpatialDropout):
    """Dropout of whole channels of sequences.

    Args:
        rate: Fraction of channels that become zero.
        seed: Integer that makes the random numbers repeatable.
        name: Name of the layer.
        dtype: See `Layer`.

    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 3))).shape
    (1, 2, 3)
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)

    def _noise_shape(self, inputs: Any) -> Any:
        return (None, 1, None)


class SpatialDropout2D(SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: Fraction of channels that become zero.
        data_format: `"channels_last"`, `"channels_first"` or None for the default.
        seed: Integer that makes the random numbers repeatable.
        name: Name of the layer.
        dtype: See `Layer`.

    >>> SpatialDropout2D(0.5)(np.ones((1, 2, 2, 3))).shape
    (1, 2, 2, 3)
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self._configure(data_format=config.standardize_data_format(data_format))
        self.input_spec = InputSpec(ndim=4)

    def _noise_shape(self, inputs: Any) -> Any:
        last = self.data_format == "channels_last"
        return (None, 1, 1, None) if last else (None, None, 1, 1)


class ActivityRegularization(Layer):
    """Passes its inputs on and adds a penalty on them to the loss.

    Args:
        l1: Factor of the sum of absolute values.
        l2: Factor of the sum of squares.
        **kwargs: Arguments of `Layer`.

    >>> ActivityRegularization(l2=0.1)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self._configure(l1=l1, l2=l2)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Pass the inputs on."""
        return ops.copy(inputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        config.pop("activity_regularizer")
        return config
