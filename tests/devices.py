"""What tests want to know about the device that computes."""

from __future__ import annotations

import pytest

from convnet import _core, config


def emulated() -> bool:
    """Whether it is the emulation of a GPU, which is slow: tests of many repetitions make few."""
    return config.gpu() >= 0 and _core.cuda_devices()[config.gpu()]["name"] == "emulation"


trains_for_long = pytest.mark.skipif(emulated(), reason="takes minutes on an emulated GPU")
