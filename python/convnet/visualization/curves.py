"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convnet.visualization.figure import new_figure


def plot_history(history: Any, figure: Any = None) -> Any:
    """Draws each quantity of a training over the epochs, with its validation beside it.

    Args:
        history: What `fit` returned, or its `history`: lists of values by name.
        figure: A matplotlib figure, or part of one, to draw into; a new one if `None`.

    Returns:
        The figure.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is nothing to draw.

    Example:

    >>> figure = plot_history({"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['training', 'validation']
    """
    values: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    names = [name for name in values if not name.startswith("val_")]
    if not names:
        raise ValueError(f"Expected the history of at least one epoch. Received: {values}")
    if figure is None:
        figure = new_figure(4.5 * len(names), 3.2)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for label, key in (("training", name), ("validation", f"val_{name}")):
            if key in values:
                axes.plot(range(1, len(values[key]) + 1), values[key], marker=".", label=label)
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
