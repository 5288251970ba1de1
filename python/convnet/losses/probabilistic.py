"""Losses of distributions: Kullback-Leibler divergence, Poisson, generalized cross-entropy."""

from typing import Any

from convnet import config, ops
from convnet.losses.loss import NamedLoss, PlainLoss
from convnet.losses.shapes import loss_function


@loss_function
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """`sum(y_true * log(y_true / y_pred), axis=-1)`, both clipped to [1e-7, 1].

    Args:
        y_true: Probabilities, `(batch, ..., d)`.
        y_pred: Predicted probabilities, of the same shape.

    Example:

    >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
    [0.0]
    """
    y_true = ops.clip(y_true, config.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), axis=-1)


@loss_function
def poisson(y_true: Any, y_pred: Any) -> Any:
    """`mean(y_pred - y_true * log(y_pred + 1e-7), axis=-1)`.

    Args:
        y_true: Counts, `(batch, ..., d)`.
        y_pred: Predicted rates, of the same shape.

    Example:

    >>> poisson([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [2.0]
    """
    logarithm = ops.log(ops.add(y_pred, config.epsilon()))
    return ops.mean(ops.subtract(y_pred, ops.multiply(y_true, logarithm)), axis=-1)


@loss_function
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """`(1 - y_pred[y_true] ** q) / q`, for noisy labels (Zhang and Sabuncu, NeurIPS 2018).

    Args:
        y_true: Class numbers, `(batch,)`.
        y_pred: Predicted probabilities, `(batch, classes)`.
        q: From cross-entropy (near 0) to mean absolute error (near 1).

    Example:

    >>> categorical_generalized_cross_entropy([0], [[0.25, 0.75]], 0.5).tolist()
    [1.0]
    """
    hot = ops.one_hot(y_true, y_pred.shape[-1])
    p = ops.sum(ops.multiply(y_pred, hot), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


class KLDivergence(PlainLoss):
    """Kullback-Leibler divergence of the prediction from the target; see `kl_divergence`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
    0.0
    """

    function = staticmethod(kl_divergence)


class Poisson(PlainLoss):
    """Negative log-likelihood of counts, without its constant; see `poisson`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(Poisson()([[0.0, 0.0]], [[1.0, 3.0]]))
    2.0
    """

    function = staticmethod(poisson)


class CategoricalGeneralizedCrossEntropy(NamedLoss):
    """Cross-entropy for noisy labels; see `categorical_generalized_cross_entropy`.

    Args:
        q: From cross-entropy (near 0) to mean absolute error (near 1).
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Raises:
        ValueError: If `q` is not between 0 and 1.

    Example:

    >>> float(CategoricalGeneralizedCrossEntropy()([0], [[0.25, 0.75]]))
    1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError("q must be in the interval (0, 1)")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
        self.q = q
