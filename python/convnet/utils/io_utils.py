"""Messages to the user, and the switch that sends them to a log instead."""

from __future__ import annotations

import logging
import sys

_interactive_logging = True

# What a terminal without UTF-8 shows in place of the bar and of a table's lines.
_ASCII = str.maketrans("━─┃│┏┳┓┡╇┩├┼┤└┴┘…", "=-||++++++++++++~")


def enable_interactive_logging() -> None:
    """Sends progress and messages to standard output, as is the default.

    Example:

    >>> enable_interactive_logging()
    >>> is_interactive_logging_enabled()
    True
    """
    global _interactive_logging
    _interactive_logging = True


def disable_interactive_logging() -> None:
    """Sends progress and messages to the `logging` logger named `convnet`.

    This suits a job on a server, whose log has no use for a progress bar.

    Example:

    >>> disable_interactive_logging()
    >>> print_msg("not shown")
    >>> enable_interactive_logging()
    """
    global _interactive_logging
    _interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Says whether messages go to standard output rather than to a log.

    Example:

    >>> is_interactive_logging_enabled()
    True
    """
    return _interactive_logging


def print_msg(message: object, line_break: bool = True) -> None:
    """Prints a message, or logs it where interactive logging is disabled.

    Characters that standard output cannot encode are replaced.

    Args:
        message: What to print; `str` is applied to it.
        line_break: Whether a line break follows.

    Example:

    >>> print_msg("Epoch 1/2")
    Epoch 1/2
    """
    text = str(message)
    if not _interactive_logging:
        logging.getLogger("convnet").info(text)
        return
    if line_break:
        text += "\n"
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        plain = text.translate(_ASCII).encode(encoding, errors="replace")
        sys.stdout.write(plain.decode(encoding))
    sys.stdout.flush()


def ask_to_proceed_with_overwrite(filepath: object) -> bool:
    """Asks on the terminal whether a file may be overwritten.

    Args:
        filepath: The file, as it is to be shown.

    Returns:
        `True` if the answer is `y`, `False` if it is `n`; other answers are asked again.

    Example:

    >>> import builtins
    >>> from unittest import mock
    >>> with mock.patch.object(builtins, "input", return_value="n"):
    ...     ask_to_proceed_with_overwrite("model.keras")
    False
    """
    question = f"[WARNING] {filepath} already exists - overwrite? [y/n]"
    answer = input(question).strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    if answer == "n":
        return False
    print_msg("[TIP] Next time specify overwrite=True!")
    return True
