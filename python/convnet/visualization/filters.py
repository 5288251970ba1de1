"""What a convolution looks for."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet.visualization.figure import draw_grid, grid_shape, new_figure


def show_filters(model: Any, count: int = 32, figure: Any = None) -> Any:
    """Draws the filters of a model's first two-dimensional convolution.

    Args:
        model: The model.
        count: The most filters to draw.
        figure: A matplotlib figure, or part of one, to draw into; a new one if `None`.

    Returns:
        The figure. Filters over 3 channels are in colour, those over other numbers of
        channels show the channels' mean.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the model has no two-dimensional convolution.

    Example:

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> layer = SimpleNamespace(name="conv", get_weights=lambda: [np.ones((3, 3, 1, 4))])
    >>> figure = show_filters(SimpleNamespace(layers=[layer]))
    >>> len(figure.axes)
    4
    """
    layer = first_convolution(model)
    if layer is None:
        raise ValueError(
            "Expected a model with a two-dimensional convolution. "
            f"Received layers: {[layer.name for layer in model.layers]}"
        )
    kernel = layer.get_weights()[0]
    if kernel.shape[2] != 3:
        kernel = kernel.mean(axis=2, keepdims=True)
    pictures = np.moveaxis(kernel, -1, 0)[:count]
    if figure is None:
        rows, columns = grid_shape(len(pictures))
        figure = new_figure(columns, rows + 0.4)
    figure.suptitle(f"filters of {layer.name}")
    draw_grid(figure, pictures, [""] * len(pictures))
    return figure


def first_convolution(model: Any) -> Any:
    """Returns a model's first layer whose kernel has shape (height, width, in, out), or `None`.

    Args:
        model: The model; models within it are looked into.

    Example:

    >>> from types import SimpleNamespace
    >>> first_convolution(SimpleNamespace(layers=[])) is None
    True
    """
    for layer in model.layers:
        if hasattr(layer, "layers"):
            layer = first_convolution(layer)
        if layer is not None and any(weight.ndim == 4 for weight in layer.get_weights()[:1]):
            return layer
    return None
