"""Vectors for whole numbers, and masks for sequences."""

from __future__ import annotations

import warnings
from typing import Any

from convnet import ops
from convnet.layers.arguments import unsupported
from convnet.layers.layer import Layer


class Embedding(Layer):
    """Turns whole numbers, such as word indices, into trained vectors.

    Args:
        input_dim: Number of different inputs: they are from 0 to `input_dim - 1`.
        output_dim: Size of the vectors.
        embeddings_initializer: Initializer of the table, of shape (input_dim, output_dim).
        embeddings_regularizer: Regularizer of the table.
        embeddings_constraint: Constraint of the table.
        mask_zero: Whether 0 stands for "nothing": later layers leave these steps out.
        weights: First value of the table, or None.
        lora_rank: Not supported.
        lora_alpha: Not supported.
        quantization_config: Not supported.
        **kwargs: Arguments of `Layer`; `input_length` is accepted and ignored.

    Raises:
        ValueError: if a size is no positive integer.

    >>> import numpy as np
    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
                raise ValueError(
                    f"`{name}` must be a positive integer. "
                    f"Received: {name}={size} (of type {type(size).__name__})."
                )
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Argument `input_length` is deprecated. Just remove it.", stacklevel=2)
        super().__init__(**kwargs)
        unsupported(
            lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config
        )
        self._configure(
            input_dim=input_dim,
            output_dim=output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            quantization_config=None,
        )
        self.supports_masking = mask_zero
        if weights is not None:
            self.build()
            single = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if single else [weights])

    def build(self, input_shape: Any = None) -> None:
        """Make the table."""
        if not self.built:
            self.embeddings = self._add_option_weight(
                "embeddings", (self.input_dim, self.output_dim)
            )

    def call(self, inputs: Any) -> Any:
        """Look the vectors up."""
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which inputs are not 0, where `mask_zero` is set."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class Masking(Layer):
    """Marks the steps of a sequence whose features all have one value as missing.

    Args:
        mask_value: The value.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Masking()(np.array([[[0.0, 0.0], [1.0, 0.0]]])).tolist()
    [[[0.0, 0.0], [1.0, 0.0]]]
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(mask_value=mask_value)
        self.supports_masking = True
        self._build_at_init()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which steps have another value."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        """Set the missing steps to zero."""
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(kept, inputs, 0.0)
