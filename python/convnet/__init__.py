"""convnet: Keras-style neural networks on kernels of their own.

Use it where a program says `import keras`:

>>> import convnet
>>> model = convnet.Sequential([convnet.Input((4,)), convnet.layers.Dense(2)])
>>> model.count_params()
10
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convnet import (
        activations,
        callbacks,
        config,
        constraints,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        random,
        regularizers,
        saving,
        utils,
    )
    from convnet._core import DeviceArray
    from convnet.dtype_policies import DTypePolicy
    from convnet.initializers import Initializer
    from convnet.layers import Input, InputSpec, Layer
    from convnet.losses import Loss
    from convnet.metrics import Metric
    from convnet.models import Functional, Model, Sequential
    from convnet.optimizers import Optimizer
    from convnet.regularizers import Regularizer
    from convnet.symbolic import KerasTensor
    from convnet.variables import Variable

__version__ = "0.1.0"

# Loaded when first asked for, so that `import convnet` costs no more than its own few lines.
_MODULES = frozenset(
    {
        "activations",
        "callbacks",
        "config",
        "constraints",
        "datasets",
        "dtype_policies",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "mixed_precision",
        "models",
        "ops",
        "optimizers",
        "profiling",
        "random",
        "regularizers",
        "saving",
        "training",
        "tree",
        "utils",
        "visualization",
    }
)
_HOMES = {
    "DeviceArray": "_core",
    "DTypePolicy": "dtype_policies",
    "Functional": "models",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "symbolic",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "Variable": "variables",
    "device": "config",
}

__all__ = [
    "DTypePolicy",
    "DeviceArray",
    "Functional",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"convnet.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"convnet.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'convnet' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
