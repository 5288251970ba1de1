"""Helpers around training: label conversion, files from the web, seeds, custom objects.

Each name is imported from its own module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "CustomObjectScope": "convnet.saving",
    "Progbar": "convnet.utils.progbar",
    "PyDataset": "convnet.utils.py_dataset",
    "custom_object_scope": "convnet.saving",
    "deserialize_keras_object": "convnet.saving.deserialization",
    "disable_interactive_logging": "convnet.utils.io_utils",
    "enable_interactive_logging": "convnet.utils.io_utils",
    "get_custom_objects": "convnet.saving",
    "get_file": "convnet.utils.file_utils",
    "get_registered_name": "convnet.saving",
    "get_registered_object": "convnet.saving",
    "is_interactive_logging_enabled": "convnet.utils.io_utils",
    "normalize": "convnet.utils.numerical_utils",
    "register_keras_serializable": "convnet.saving",
    "serialize_keras_object": "convnet.saving.serialization",
    "set_random_seed": "convnet.random",
    "to_categorical": "convnet.utils.numerical_utils",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
