"""Shapes of targets, predictions and weights, brought together by Keras's rules."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from convnet import ops
from convnet.execution import run_once
from convnet.symbolic import KerasTensor
from convnet.tracing import GraphTensor


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Adds or drops a last axis of size 1 where the ranks differ by one.

    Args:
        x1: Tensor.
        x2: Tensor.
        expand_rank_1: Whether a tensor of rank 1 gets an axis, rather than the other losing one.

    Example:

    >>> import numpy as np
    >>> a, b = squeeze_or_expand_to_same_rank(np.zeros((5,)), np.zeros((5, 1)))
    >>> a.shape, b.shape
    ((5, 1), (5, 1))
    """
    if len(x1.shape) == len(x2.shape) + 1 and x1.shape[-1] == 1:
        return _matched(x1, x2, expand_rank_1)
    if len(x2.shape) == len(x1.shape) + 1 and x2.shape[-1] == 1:
        x2, x1 = _matched(x2, x1, expand_rank_1)
    return x1, x2


def _matched(longer: Any, shorter: Any, expand_rank_1: bool) -> tuple[Any, Any]:
    if len(shorter.shape) == 1 and expand_rank_1:
        return longer, _expand(shorter)
    if isinstance(longer, np.ndarray):
        return longer[..., 0], shorter
    return ops.squeeze(longer, -1), shorter


def _expand(x: Any) -> Any:
    return x[..., np.newaxis] if isinstance(x, np.ndarray) else ops.expand_dims(x, -1)


def with_rank(weight: Any, rank: int) -> Any:
    """Adds last axes to a weight, so that it applies to everything of its sample or position.

    Args:
        weight: Tensor.
        rank: Number of axes to have at least.

    Example:

    >>> import numpy as np
    >>> with_rank(np.ones((5,)), 3).shape
    (5, 1, 1)
    """
    while len(weight.shape) < rank:
        weight = _expand(weight)
    return weight


def is_traced(*tensors: Any) -> bool:
    """Whether one of `tensors` has no value yet.

    Args:
        *tensors: Tensors or arrays.
    """
    return any(isinstance(x, GraphTensor | KerasTensor) for x in tensors)


def loss_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a function of targets and predictions run as one plan when called with arrays.

    Args:
        function: Takes two tensors first.
    """

    @functools.wraps(function)
    def wrapped(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
        if is_traced(y_true, y_pred):
            return function(y_true, y_pred, *args, **kwargs)
        return run_once(
            lambda trace: function(trace.tensor(y_true), trace.tensor(y_pred), *args, **kwargs)
        )

    return wrapped
