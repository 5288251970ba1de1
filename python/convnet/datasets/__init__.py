"""Data sets: images with labels, read from files at hand or downloaded once.

`mnist`, `fashion_mnist` and `cifar10` look in this order: the `path` they are given, the
folder of their name below the folder `CONVNET_DATA` names, the cache; then they download.
`digits` is a part of MNIST that comes with the package.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_DATASETS = ("cifar10", "digits", "fashion_mnist", "mnist")


def __getattr__(name: str) -> ModuleType:
    if name not in _DATASETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_DATASETS})
