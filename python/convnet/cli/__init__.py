"""The commands of `python -m convnet`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: Its name and options; those of the command line if `None`.

    Returns:
        What the process is to exit with: 0, 1 after an error, or 130 after Ctrl-C.

    Raises:
        SystemExit: If the arguments are wrong or ask for help.

    Example:

    >>> main(["info"])  # doctest: +ELLIPSIS
    convnet ...
    0
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "demo":
            from convnet.cli.demo import run_demo

            run_demo(options.folder, options.epochs)
        elif options.command == "profile":
            from convnet.cli.profile import run_profile

            given = {name: value for name, value in vars(options).items() if name != "command"}
            return run_profile(**given)
        else:
            from convnet.cli.info import show_info

            show_info()
    except KeyboardInterrupt:
        print("\nInterrupted.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convnet", description="convnet's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo", help="train a network on real digits, save it, load it and draw what it learned"
    )
    demo.add_argument("--folder", type=Path, default=Path(), help="where to write (here)")
    demo.add_argument("--epochs", type=_positive, default=8, help="passes over the digits (8)")
    commands.add_parser("info", help="show version, settings and data folders")
    _add_profile(commands.add_parser("profile", help="show what each op of a saved model costs"))
    return parser


def _add_profile(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a .keras or .h5 file; data are random")
    add("--batch", type=_positive, default=32, help="samples of a step (32)")
    add("--training", action="store_true", help="a step of training instead of a prediction")
    add("--steps", type=_positive, help="steps to measure (as many as take half a second)")
    add("--sort", choices=("step", "time"), default="step", help="order of the ops (step)")
    add("--threads", type=_positive, help="threads that compute (those of `info`)")
    add("--plot", type=Path, metavar="FILE", help="save a bar chart, with matplotlib")
    add("--json", type=Path, metavar="FILE", help="save all numbers")


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


_positive.__name__ = "positive number"  # how argparse calls it in an error
