"""What this installation is and where it finds things."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from convnet import _core, config
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
        *_gpu_lines(),
        ("python", f"{platform.python_version()}, numpy {np.__version__}"),
        ("platform", f"{platform.system()} {platform.machine()}"),
    ]
    for i, folder in enumerate(locate.folders()):
        lines.append(("" if i else "data folders", _describe(folder)))
    for name, value in lines:
        print(f"{name:18} {value}")


def _gpu_lines() -> list[tuple[str, str]]:
    try:
        info, devices = _core.cuda_info(), _core.cuda_devices()
    except _core.NoCuda as error:
        return [("cuda", str(error))]
    versions = [
        f"{what} {info[what] // 1000}.{info[what] % 1000 // 10}" for what in ("driver", "runtime")
    ]
    lines = [("cuda", f"{info['kind']}, {', '.join(versions)}"), ("cuda library", info["library"])]
    for i, device in enumerate(devices):
        major, minor = device["compute_capability"]
        memory = f"{device['free'] >> 20} of {device['memory'] >> 20} MB free"
        lines.append(
            (f"gpu:{i}", f"{device['name']}, compute capability {major}.{minor}, {memory}")
        )
    return lines


def _describe(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder} (missing)"
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if len(names) > _MOST_NAMES:
        names[_MOST_NAMES:] = ["..."]
    return f"{folder} ({', '.join(names) or 'empty'})"
