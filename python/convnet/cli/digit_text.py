"""Pictures of digits as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

_SHADES = " .:-=+*#%@"
_ROWS, _COLUMNS = 4, 2  # pixels of a character, which is about twice as high as it is wide


def draw_digit(image: npt.NDArray[np.uint8]) -> list[str]:
    """Draws a picture as lines of text.

    Args:
        image: Brightness from 0 to 255, of shape (28, 28), or any height divisible by 4 and width
            divisible by 2.

    Returns:
        A line for each 4 rows, with a character for each 2 columns.

    Example:

    >>> draw_digit(np.repeat(np.array([[0, 120, 255]], np.uint8), 4, axis=0).repeat(2, axis=1))
    [' *@']
    """
    height, width = image.shape
    cells = image.reshape(height // _ROWS, _ROWS, width // _COLUMNS, _COLUMNS).mean(axis=(1, 3))
    # Thin strokes fill their cells by half: brighter than the mean reads better.
    shades = np.minimum(cells * 1.3 / 256 * len(_SHADES), len(_SHADES) - 1).astype(int)
    return ["".join(_SHADES[shade] for shade in row) for row in shades]


def draw_row(images: Iterable[npt.NDArray[np.uint8]], captions: Sequence[str]) -> str:
    """Draws pictures side by side, each with a caption below.

    Args:
        images: Pictures of one size, as for `draw_digit`.
        captions: A caption for each.

    Example:

    >>> print(draw_row(np.full((2, 4, 6), 255, np.uint8), ["a", "b"]))
    @@@  @@@
    a    b
    """
    columns = [
        [*picture, caption.ljust(len(picture[0]))]
        for picture, caption in zip(map(draw_digit, images), captions, strict=True)
    ]
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))
