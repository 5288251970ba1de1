"""The entry of a model."""

from __future__ import annotations

from typing import Any

from convnet.dtype_policies import standardize_dtype
from convnet.layers.arguments import unsupported
from convnet.layers.layer import Layer
from convnet.symbolic import KerasTensor, Node


class InputLayer(Layer):
    """The entry of a model: a symbolic tensor of a given shape.

    Args:
        shape: Shape of one sample; None for sizes not known.
        batch_size: Number of samples, or None.
        dtype: Data type of what is passed in, `"float32"` by default.
        sparse: Not supported.
        ragged: Not supported.
        batch_shape: Shape with the batch, instead of `shape` and `batch_size`.
        input_tensor: A symbolic tensor to use instead of a new one.
        optional: Whether None may be passed.
        name: Name of the layer and of its tensor.
        **kwargs: `input_shape` and `batch_input_shape`, older names of `shape` and `batch_shape`.

    Raises:
        ValueError: if no shape is given, or two.

    >>> InputLayer(shape=(28, 28, 1)).output.shape
    (None, 28, 28, 1)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, **kwargs)
        unsupported(sparse=sparse, ragged=ragged)
        self.optional = optional
        self.sparse = self.ragged = False
        if input_tensor is None:
            whole = _batch_shape(shape, batch_size, batch_shape)
            input_tensor = KerasTensor(whole, standardize_dtype(dtype), name=self.name)
        elif not isinstance(input_tensor, KerasTensor):
            raise ValueError(
                "Argument `input_tensor` must be a KerasTensor. Received invalid type: "
                f"input_tensor={input_tensor} (of type {type(input_tensor)})"
            )
        self.batch_shape = input_tensor.shape
        self._dtype = input_tensor.dtype
        Node(self, (), {}, input_tensor)
        self.built = True

    @property
    def dtype(self) -> str:
        """Data type of what is passed in."""
        return self._dtype

    def call(self) -> None:
        """Do nothing: an input layer is where data comes from."""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> tuple[int | None, ...]:
    if shape is not None and batch_shape is not None:
        raise ValueError("You cannot pass both `shape` and `batch_shape` at the same time.")
    if batch_size is not None and batch_shape is not None:
        raise ValueError("You cannot pass both `batch_size` and `batch_shape` at the same time.")
    if shape is None and batch_shape is None:
        raise ValueError("You must pass a `shape` argument.")
    if batch_shape is None:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        batch_shape = (batch_size, *shape)
    for size in batch_shape:
        if size is not None and (not isinstance(size, int) or size < 0):
            raise ValueError(
                "Cannot convert the shape to a tuple of integers or None. "
                f"Received: shape={tuple(batch_shape)}"
            )
    return tuple(batch_shape)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor to build a model from; arguments as for `InputLayer`.

    Args:
        shape: Shape of one sample; None for sizes not known.
        batch_size: Number of samples, or None.
        dtype: Data type of what is passed in, `"float32"` by default.
        sparse: Not supported.
        ragged: Not supported.
        batch_shape: Shape with the batch, instead of `shape` and `batch_size`.
        name: Name of the input.
        tensor: A symbolic tensor to use instead of a new one.
        optional: Whether None may be passed.

    >>> Input(shape=(32,)).shape
    (None, 32)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    result: KerasTensor = layer.output
    return result
