"""A training in one picture."""

from __future__ import annotations

import os
from typing import Any

import numpy.typing as npt

from convnet.visualization.curves import plot_history
from convnet.visualization.figure import new_figure
from convnet.visualization.filters import first_convolution, show_filters
from convnet.visualization.mistakes import show_wrong


def training_report(
    history: Any, model: Any, x: npt.ArrayLike, y: npt.ArrayLike, path: str | os.PathLike[str]
) -> None:
    """Writes a picture: learning curves, pictures the model gets wrong, its first filters.

    Args:
        history: What `fit` returned.
        model: A classifier of pictures.
        x: Pictures of shape (batch, height, width) or (batch, height, width, channels).
        y: Numbers of their classes, of shape (batch,) or (batch, 1), or one-hot vectors.
        path: The file to write; its ending says the format, such as `.png` or `.pdf`.

    Raises:
        ImportError: If matplotlib is not installed.
        OSError: If the file cannot be written.

    Example:

    >>> import numpy as np, pathlib, tempfile
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(predict=lambda x, verbose: np.eye(2)[[0, 1]], layers=[])
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.png"
    >>> training_report({"loss": [1.0, 0.5]}, model, np.ones((2, 4, 4)), [0, 0], path)
    >>> path.read_bytes()[:4]
    b'\\x89PNG'
    """
    figure = new_figure(10, 8)
    curves, details = figure.subfigures(2, 1, height_ratios=[1, 1.2])
    plot_history(history, curves)
    if first_convolution(model) is None:
        show_wrong(model, x, y, figure=details)
    else:
        mistakes, filters = details.subfigures(1, 2)
        show_wrong(model, x, y, figure=mistakes)
        show_filters(model, figure=filters)
    figure.savefig(path, dpi=120)
