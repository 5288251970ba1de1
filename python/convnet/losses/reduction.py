"""From the loss of each sample to one number."""

from typing import Any

from convnet import ops
from convnet.losses.shapes import squeeze_or_expand_to_same_rank, with_rank

_REDUCTIONS = ("sum_over_batch_size", "sum", None, "none", "mean", "mean_with_sample_weight")


def standardize_reduction(reduction: str | None) -> str | None:
    """Gives `reduction` if it is known.

    Args:
        reduction: `"sum_over_batch_size"` or `"mean"` (sum over the number of elements), `"sum"`,
            `"mean_with_sample_weight"` (sum over the sum of weights), `"none"` or None.

    Raises:
        ValueError: If it is not known.
    """
    if reduction not in _REDUCTIONS:
        raise ValueError(
            "Invalid value for argument `reduction`. Expected one of "
            f"{set(_REDUCTIONS)}. Received: reduction={reduction}"
        )
    return reduction


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Weights losses and reduces them.

    Args:
        values: Losses, `(batch, ...)`.
        sample_weight: Weights, `(batch,)` or of more axes of `values`.
        mask: Which losses count; the mean is then over those alone.
        reduction: See `standardize_reduction`.

    Example:

    >>> import numpy as np
    >>> losses = np.array([1.0, 3.0], "float32")
    >>> float(reduce_weighted_values(losses, sample_weight=np.array([1.0, 0.5], "float32")))
    1.25
    """
    standardize_reduction(reduction)
    weight = apply_mask(sample_weight, mask, reduction)
    if weight is not None:
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        values = ops.multiply(values, with_rank(weight, len(values.shape)))
    if reduction in (None, "none") or len(values.shape) == 0 or values.shape == (0,):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weight is not None:
        total = ops.sum(weight)
        return ops.divide(ops.sum(values), ops.where(ops.equal(total, 0.0), 1.0, total))
    return ops.mean(values)


def apply_mask(sample_weight: Any, mask: Any, reduction: str | None) -> Any:
    """Turns a mask into weights, or multiplies weights by it.

    Where the reduction divides by the number of elements, the weights of what the mask keeps
    are scaled up, so that the result is the mean over what is kept.

    Args:
        sample_weight: Weights, or None.
        mask: Zero for what does not count, or None.
        reduction: See `standardize_reduction`.
    """
    if mask is None:
        return sample_weight
    weight = ops.cast(mask, "float32")
    if reduction in ("mean", "sum_over_batch_size"):
        kept_share = ops.mean(weight)
        weight = ops.divide(weight, ops.where(ops.equal(kept_share, 0.0), 1.0, kept_share))
    if sample_weight is None:
        return weight
    weight, sample_weight = squeeze_or_expand_to_same_rank(weight, sample_weight)
    rank = max(len(weight.shape), len(sample_weight.shape))
    return ops.multiply(with_rank(sample_weight, rank), with_rank(weight, rank))
