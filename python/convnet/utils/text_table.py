"""A table of text in box-drawing characters, in the look of the `rich` package's tables."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

Align = Literal["left", "right", "center"]


def render_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: Sequence[Align],
    widths: Sequence[int],
    line_length: int,
) -> str:
    """Draws a table with lines between its rows; cells wrap at spaces.

    Args:
        header: Titles of the columns.
        rows: Cells of each row.
        align: How each column is aligned.
        widths: Wanted width of each column's text; columns shrink or grow to fill the line.
        line_length: Length of a line.

    Returns:
        The lines, each with a line break.

    Example:

    >>> print(render_table(["Layer", "#"], [["dense", "1,290"]], ["left", "right"], [8, 8], 22))
    ┏━━━━━━━━━━┳━━━━━━━━━┓
    ┃ Layer    ┃       # ┃
    ┡━━━━━━━━━━╇━━━━━━━━━┩
    │ dense    │   1,290 │
    └──────────┴─────────┘
    <BLANKLINE>
    """
    inner = _fit_widths(widths, line_length)
    top, head, middle, bottom = (
        left + joint.join(line * (width + 2) for width in inner) + right
        for left, line, joint, right in ("┏━┳┓", "┡━╇┩", "├─┼┤", "└─┴┘")
    )
    lines = [top, *_row(header, align, inner, "┃", bottom_up=True), head]
    for index, cells in enumerate(rows):
        lines += [middle] if index else []
        lines += _row(cells, align, inner, "│")
    return "\n".join([*lines, bottom, ""])


def _fit_widths(widths: Sequence[int], line_length: int) -> list[int]:
    """Widths of the text that, with paddings (2 a column) and lines, make up the line.

    What is too much is taken off all columns alike; room that is left is given to them in
    proportion to their widths. Roundings are those of rich's `_ratio.py`.
    """
    room = line_length - len(widths) - 1
    padded = [min(width + 2, room) for width in widths]
    excess = sum(padded) - room
    spare, rest = -excess, sum(padded)
    for index, width in enumerate(padded):
        if excess > 0:
            change = -min(width, round(excess / (len(padded) - index)))
            excess += change
        else:
            change = math.ceil(width * spare / rest)
            spare, rest = spare - change, rest - width
        padded[index] += change
    return [max(width - 2, 0) for width in padded]


def _row(
    cells: Sequence[str],
    align: Sequence[Align],
    widths: Sequence[int],
    line: str,
    bottom_up: bool = False,
) -> list[str]:
    columns = [
        [_pad(text, width, how) for text in _wrap(cell, width)]
        for cell, how, width in zip(cells, align, widths, strict=True)
    ]
    height = max(map(len, columns))
    for column, width in zip(columns, widths, strict=True):
        blank = [" " * width] * (height - len(column))
        column[:] = blank + column if bottom_up else column + blank
    return [
        f"{line} " + f" {line} ".join(texts) + f" {line}" for texts in zip(*columns, strict=True)
    ]


def _wrap(text: str, width: int) -> list[str]:
    """Breaks at spaces; a word that is too long for a line ends in an ellipsis."""
    if width == 0:
        return [""]
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    lines = [line.rstrip() for line in lines]
    return [line if len(line) <= width else line[: width - 1] + "…" for line in lines]


def _pad(text: str, width: int, align: Align) -> str:
    if align == "center":
        return (" " * ((width - len(text)) // 2) + text).ljust(width)
    return text.rjust(width) if align == "right" else text.ljust(width)
