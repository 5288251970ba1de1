"""Models: layers joined into something that trains, evaluates and predicts."""

from typing import Any

from convnet.models.cloning import clone_model
from convnet.models.functional import Functional
from convnet.models.model import Model, model_from_json
from convnet.models.sequential import Sequential

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name in ("load_model", "save_model"):
        from convnet import saving

        return getattr(saving, name)
    raise AttributeError(f"module 'convnet.models' has no attribute '{name}'")
