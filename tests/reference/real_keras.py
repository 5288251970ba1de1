"""Keras itself, where it is installed: the last word on what a number should be."""

import os
import warnings
from types import ModuleType

import pytest

# Keras and PyTorch warn about each other.
against_keras = pytest.mark.filterwarnings("ignore")


def real_keras() -> ModuleType:
    """Keras on PyTorch; the calling test is skipped where it is missing."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")
