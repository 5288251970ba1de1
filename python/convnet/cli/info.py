"""What this installation is and where it finds things."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from convnet import config
from convnet.datasets import locate

_MOST_NAMES = 12


def show_info() -> None:
    """Prints version, settings, platform, CUDA state and data folders, one a line.

    Example:

    >>> show_info()  # doctest: +ELLIPSIS
    convnet ...
    """
    config.show()
    lines = [
        ("cuda", "not in this build"),
        ("python", f"{platform.python_version()}, numpy {np.__version__}"),
        ("platform", f"{platform.system()} {platform.machine()}"),
    ]
    for i, folder in enumerate(locate.folders()):
        lines.append(("" if i else "data folders", _describe(folder)))
    for name, value in lines:
        print(f"{name:18} {value}")


def _describe(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder} (missing)"
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if len(names) > _MOST_NAMES:
        names[_MOST_NAMES:] = ["..."]
    return f"{folder} ({', '.join(names) or 'empty'})"
