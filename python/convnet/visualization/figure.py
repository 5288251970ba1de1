"""Figures that belong to no window, and grids of small pictures in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def new_figure(width: float, height: float) -> Any:
    """Makes a matplotlib figure that needs no screen.

    Args:
        width: Width in inches.
        height: Height in inches.

    Returns:
        A `matplotlib.figure.Figure`: a notebook shows it; `savefig(path)` writes it.

    Raises:
        ImportError: If matplotlib is not installed.

    Example:

    >>> new_figure(4, 3).get_size_inches().tolist()
    [4.0, 3.0]
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which is not installed: pip install matplotlib"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def grid_shape(count: int) -> tuple[int, int]:
    """Returns the rows and columns of an about square grid.

    Args:
        count: Number of places that are needed.

    Example:

    >>> grid_shape(12)
    (3, 4)
    """
    columns = max(math.ceil(math.sqrt(count)), 1)
    return max(math.ceil(count / columns), 1), columns


def draw_grid(
    figure: Any, pictures: Sequence[Any] | npt.NDArray[Any], titles: Sequence[str]
) -> None:
    """Draws small pictures in a grid, each stretched to the full range of brightness.

    Args:
        figure: A figure or part of one.
        pictures: Arrays of shape (height, width), (height, width, 1) or (height, width, 3).
        titles: What stands above each picture.

    Example:

    >>> import numpy as np
    >>> figure = new_figure(2, 1)
    >>> draw_grid(figure, [np.eye(3), np.ones((3, 3))], ["a", "b"])
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'b']
    """
    grid = figure.subplots(*grid_shape(len(pictures)), squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, picture, title in zip(grid, pictures, titles, strict=False):
        axes.imshow(_stretch(picture), cmap="gray", interpolation="nearest")
        axes.set_title(title, fontsize=8)


def _stretch(picture: npt.ArrayLike) -> npt.NDArray[np.float32]:
    pixels: npt.NDArray[np.float32] = np.asarray(picture, np.float32)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[-1] != 3):
        raise ValueError(
            "Expected a picture of shape (height, width), (height, width, 1) or "
            f"(height, width, 3). Received: shape={pixels.shape}"
        )
    pixels = pixels - pixels.min()
    pixels /= max(float(pixels.max()), 1e-30)
    return pixels
