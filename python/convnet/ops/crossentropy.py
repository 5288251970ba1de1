"""Cross-entropy between targets and predictions, one value for each sample (and position)."""

from __future__ import annotations

from typing import Any

from convnet import config
from convnet.ops.arithmetic import add, divide, multiply, subtract
from convnet.ops.elementary import clip, log, negative
from convnet.ops.linear import one_hot
from convnet.ops.operation import NN, operation
from convnet.ops.reduction import sum
from convnet.ops.shape import squeeze
from convnet.tracing import GraphTensor


@operation(NN, tensors=2)
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """`-sum(target * log(output))` along an axis.

    Args:
        target: Probabilities or one-hot vectors.
        output: Predicted probabilities, which are scaled to a sum of one and kept away from zero
            by epsilon, or logits.
        from_logits: Whether `output` holds logits.
        axis: Axis of the classes.

    Raises:
        ValueError: if the shapes differ.

    >>> float(categorical_crossentropy([0.0, 1.0], [0.5, 0.5]).round(4))
    0.6931
    """
    if target.shape[1:] != output.shape[1:] or target.ndim != output.ndim:
        raise ValueError(
            "Arguments `target` and `output` must have the same shape. "
            f"Received: target.shape={target.shape}, output.shape={output.shape}"
        )
    if from_logits and axis in (-1, output.ndim - 1):
        return output.trace.one("softmax_crossentropy", [output, target])
    logarithms = _log_probabilities(output, from_logits, axis)
    return negative(sum(multiply(target, logarithms), axis=axis))


@operation(NN, tensors=2)
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """`-log(output[target])` along an axis.

    Args:
        target: Class numbers, with or without a last axis of size 1.
        output: Predicted probabilities or logits, as for `categorical_crossentropy`.
        from_logits: Whether `output` holds logits.
        axis: Axis of the classes.

    >>> float(sparse_categorical_crossentropy(1, [0.5, 0.5]).round(4))
    0.6931
    """
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = squeeze(target, -1)
    if target.ndim != output.ndim - 1:
        raise ValueError(
            "Argument `output` must have rank (ndim) `target.ndim + 1`. "
            f"Received: target.shape={target.shape}, output.shape={output.shape}"
        )
    if from_logits and axis in (-1, output.ndim - 1):
        return output.trace.one("sparse_softmax_crossentropy", [output, target])
    hot = one_hot(target, output.shape[axis], axis=axis)
    return negative(sum(multiply(hot, _log_probabilities(output, from_logits, axis)), axis=axis))


@operation(NN, tensors=2)
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """`-(target * log(output) + (1 - target) * log(1 - output))`, element by element.

    Args:
        target: Numbers from 0 to 1.
        output: Predicted probabilities, which are kept away from 0 and 1 by epsilon, or logits.
        from_logits: Whether `output` holds logits.

    >>> float(binary_crossentropy(1.0, 0.5).round(4))
    0.6931
    """
    if from_logits:
        return output.trace.one("sigmoid_crossentropy", [output, target])
    epsilon = config.epsilon()
    output = clip(output, epsilon, 1.0 - epsilon)
    hit = multiply(target, log(output))
    miss = multiply(subtract(1.0, target), log(subtract(1.0, output)))
    return negative(add(hit, miss))


def _log_probabilities(output: GraphTensor, from_logits: bool, axis: int) -> Any:
    from convnet.ops.reduction import log_softmax

    if from_logits:
        return log_softmax(output, axis)
    epsilon = config.epsilon()
    return log(clip(divide(output, sum(output, axis=axis, keepdims=True)), epsilon, 1 - epsilon))
