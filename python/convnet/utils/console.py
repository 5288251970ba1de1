"""What stands behind standard output: a terminal, a notebook or a file."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Literal, TextIO

Display = Literal["terminal", "notebook", "file"]


def display_kind(stream: TextIO | None = None) -> Display:
    """Says how text written to a stream is shown.

    Args:
        stream: The stream; `sys.stdout` if `None`.

    Returns:
        `"terminal"`: a line can be overwritten and has a width; `"notebook"`: it can be
        overwritten and has none (Jupyter, PyCharm's console); `"file"`: what is written
        stays (files, pipes, terminals of type `dumb`).

    Example:

    >>> import io
    >>> display_kind(io.StringIO())
    'file'
    """
    stream = sys.stdout if stream is None else stream
    if type(stream).__module__.startswith("ipykernel"):
        return "notebook"
    if os.environ.get("PYCHARM_HOSTED") and stream is sys.__stdout__:
        return "notebook"
    if os.environ.get("TERM") != "dumb" and hasattr(stream, "isatty") and stream.isatty():
        return "terminal"
    return "file"


def uses_color(display: Display) -> bool:
    """Says whether colours are wanted there; https://no-color.org switches them off.

    Args:
        display: What `display_kind` returned.

    Example:

    >>> uses_color("file")
    False
    """
    return display != "file" and not os.environ.get("NO_COLOR")


def line_width(display: Display) -> int | None:
    """Returns how many characters of a line can be overwritten, `None` for any number.

    A carriage return goes back to the start of the last row only, so that a line that is
    to be overwritten must not wrap.

    Args:
        display: What `display_kind` returned.

    Example:

    >>> line_width("notebook") is None
    True
    """
    return shutil.get_terminal_size().columns - 1 if display == "terminal" else None
