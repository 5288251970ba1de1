"""Small conversions of labels and arrays before training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> NDArray[np.float32]:
    """Converts class numbers to one-hot rows, as `categorical_crossentropy` wants them.

    Args:
        x: Class numbers, integers from 0 to `num_classes - 1`, of any shape; a last axis of
            length 1 is dropped.
        num_classes: Number of classes; `None` stands for `max(x) + 1`.

    Returns:
        float32 array of the shape of `x` plus an axis of `num_classes` at the end.

    Raises:
        ValueError: If a class number is not an integer, negative, or not below `num_classes`.

    Example:

    >>> to_categorical([0, 2, 1], num_classes=3)
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    labels = _class_numbers(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if not num_classes:
        if labels.size == 0:
            raise ValueError(
                "Argument `num_classes` is needed when `x` is empty. "
                f"Received: x with shape {labels.shape}, num_classes={num_classes}"
            )
        num_classes = int(labels.max()) + 1
    _check_range(labels, num_classes)
    rows = np.zeros((labels.size, num_classes), np.float32)
    rows[np.arange(labels.size), labels.reshape(-1)] = 1
    return rows.reshape(*labels.shape, num_classes)


def _class_numbers(x: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        values = values.astype(np.float64)
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.floor(values))).all():
        raise ValueError(
            f"Invalid value for argument `x`. Expected integer class numbers. Received: x={values}"
        )
    return values.astype(np.int64)


def _check_range(labels: NDArray[np.int64], num_classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(
            "Invalid value for argument `x`. Expected class numbers from 0 to "
            f"num_classes - 1 = {num_classes - 1}. Received: {wrong.flat[0]}"
        )


def normalize(x: ArrayLike, axis: int = -1, order: float = 2) -> NDArray[Any]:
    """Divides an array by its norm along an axis; vectors of zeros stay as they are.

    Args:
        x: Array of numbers.
        axis: Axis along which the norm is taken.
        order: Order of the norm, for example 1, 2 or `numpy.inf`.

    Returns:
        Array of the shape of `x`.

    Example:

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    values = np.asarray(x)
    norm = np.linalg.norm(values, order, axis, keepdims=True)
    norm[norm == 0] = 1
    normalized: NDArray[Any] = values / norm
    return normalized
