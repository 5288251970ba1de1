"""What every loss has in common."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from convnet import ops, tree
from convnet.losses.reduction import reduce_weighted_values, standardize_reduction
from convnet.losses.shapes import is_traced, squeeze_or_expand_to_same_rank
from convnet.naming import auto_name, to_snake_case


class Loss:
    """Base of all losses.

    A subclass overrides `call(y_true, y_pred)`, written in `convnet.ops`, which gives the loss of
    each sample (and position).

    Args:
        name: Name of the loss.
        reduction: `"sum_over_batch_size"` (also `"mean"`), `"sum"`, `"mean_with_sample_weight"`,
            `"none"` or None.
        dtype: Accepted for Keras's sake; losses are float32.

    Raises:
        ValueError: If `reduction` is not known.

    Example:

    >>> class Difference(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean(ops.abs(y_true - y_pred), axis=-1)
    >>> float(Difference()([[1.0, 2.0]], [[1.0, 4.0]]))
    1.0
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)

    @property
    def dtype(self) -> str:
        """Data type that the loss is computed in."""
        return "float32"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Gives the reduced loss.

        Args:
            y_true: Targets.
            y_pred: Predictions.
            sample_weight: Weights, `(batch,)` or with more axes.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = _as_float(y_true), _as_float(y_pred)
        own_mask = self.mask(y_true, y_pred)
        if mask is not None and own_mask is not None:
            own_mask = ops.logical_and(mask, own_mask)
        losses = self.call(y_true, y_pred)
        if sample_weight is not None:
            sample_weight = _as_float(sample_weight)
        mask = mask if own_mask is None else own_mask
        return reduce_weighted_values(losses, sample_weight, mask, self.reduction)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Gives the loss of each sample.

        Args:
            y_true: Targets.
            y_pred: Predictions.
        """
        raise NotImplementedError

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        """Gives which losses count, or None for all.

        Args:
            y_true: Targets.
            y_pred: Predictions.
        """
        return None

    def check_targets(self, y_true: NDArray[Any], output_shape: tuple[int | None, ...]) -> None:
        """Checks targets that a model is to be trained with.

        Args:
            y_true: Targets, `(batch, ...)`.
            output_shape: Shape of the predictions, None for the batch.

        Raises:
            ValueError: If the loss cannot be computed with them.
        """

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the loss, ready for JSON."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds a loss from `get_config`'s dict."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss made of a function.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`, which gives the loss of each sample.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.
        **kwargs: Further arguments of the function.

    Example:

    >>> def largest(y_true, y_pred):
    ...     return ops.max(ops.abs(y_true - y_pred), axis=-1)
    >>> float(LossFunctionWrapper(largest)([[1.0, 2.0]], [[1.0, 4.0]]))
    2.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not tree.is_nested(y_pred) and not tree.is_nested(y_true):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        from convnet.saving import serialization

        arguments = {"fn": self.fn, **self._fn_kwargs}
        return {**super().get_config(), **serialization.serialize_keras_object(arguments)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        if "fn" in config:
            from convnet.saving import serialization

            config = serialization.deserialize_keras_object(config)
        return cls(**config)

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


class NamedLoss(LossFunctionWrapper):
    """A built-in loss: its config holds arguments instead of a function."""

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self._fn_kwargs}


class PlainLoss(NamedLoss):
    """A built-in loss whose function takes no further arguments.

    Args:
        reduction: See `Loss`.
        name: Name of the loss, by default the class's in snake case.
        dtype: See `Loss`.
    """

    function: Callable[..., Any]

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        name = name or to_snake_case(type(self).__name__)
        super().__init__(self.function, reduction, name, dtype)


def _as_float(x: Any) -> Any:
    """Gives a tensor, or the same structure of tensors; nested lists of numbers are one tensor."""
    if tree.is_nested(x) and not all(np.isscalar(leaf) for leaf in tree.flatten(x)):
        return tree.map_structure(_as_float, x)
    if is_traced(x):  # as it is, with what it was computed from
        return x
    return ops.convert_to_tensor(x, dtype=np.float32)
