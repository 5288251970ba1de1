"""Pictures that a classifier gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from convnet.visualization.figure import draw_grid, grid_shape, new_figure


def show_wrong(
    model: Any,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    count: int = 12,
    class_names: Sequence[str] | None = None,
    figure: Any = None,
) -> Any:
    """Draws pictures that a model gets wrong, those first of whose class it is surest.

    Args:
        model: A model whose output is a value for each class, of shape (batch, classes).
        x: Pictures of shape (batch, height, width) or (batch, height, width, channels).
        y: Numbers of their classes, of shape (batch,) or (batch, 1), or one-hot vectors.
        count: The most pictures to draw.
        class_names: Names of the classes; by default their numbers.
        figure: A matplotlib figure, or part of one, to draw into; a new one if `None`.

    Returns:
        The figure. Above each picture stand the model's answer and the right one.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the numbers of pictures and of classes differ.

    Example:

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> says_one = SimpleNamespace(predict=lambda x, verbose: np.array([[0.2, 0.8]] * len(x)))
    >>> figure = show_wrong(says_one, np.zeros((2, 4, 4)), [0, 1])
    >>> figure.axes[0].get_title()
    '1, not 0'
    """
    pictures, labels = np.asarray(x), _class_numbers(y)
    if len(pictures) != len(labels):
        raise ValueError(
            "Expected as many labels as pictures. "
            f"Received: {len(pictures)} pictures and {len(labels)} labels"
        )
    scores = np.asarray(model.predict(pictures, verbose=0))
    answers = scores.argmax(axis=-1)
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-scores.max(axis=-1)[wrong], kind="stable")]
    total, wrong = len(wrong), wrong[:count]

    names = class_names if class_names is not None else range(scores.shape[-1])
    titles = [f"{names[answers[i]]}, not {names[labels[i]]}" for i in wrong]
    if figure is None:
        rows, columns = grid_shape(len(wrong))
        figure = new_figure(1.2 * columns, 1.4 * rows + 0.4)
    figure.suptitle(f"{total} of {len(labels)} wrong")
    draw_grid(figure, pictures[wrong], titles)
    return figure


def _class_numbers(y: npt.ArrayLike) -> npt.NDArray[np.int64]:
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
    return labels.astype(np.int64)
