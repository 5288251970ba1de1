"""What all tests share: where real data is, and which optional parts must not be missing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from convnet import config as settings

SHARED = Path(os.environ.get("CONVNET_SHARED", Path(__file__).parents[2] / "shared"))


def pytest_configure(config: pytest.Config) -> None:
    # Whoever starts a job in the background lets it ignore Ctrl-C, which tests send themselves.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("CONVNET_REQUIRE_KERAS"):
        import keras  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    has_data = (SHARED / "data").is_dir() or os.environ.get("CONVNET_REQUIRE_SHARED")
    without_gpu = _without_gpu()
    for item in items:
        if item.get_closest_marker("shared") and not has_data:
            item.add_marker(pytest.mark.skip(reason=f"no real data in {SHARED}"))
        if item.get_closest_marker("cuda") and without_gpu:
            item.add_marker(pytest.mark.skip(reason=without_gpu))
        only = item.get_closest_marker("cpu_only")
        if only and settings.gpu() >= 0:
            item.add_marker(pytest.mark.skip(reason=f"the CPU only: {only.args[0]}"))


def _without_gpu() -> str:
    """Why there is no GPU to test on; empty where there is one. What was named must be there."""
    try:
        with settings.device("gpu"):
            return ""
    except RuntimeError as missing:
        if os.environ.get("CONVNET_CUDA_LIBRARY"):
            raise
        return str(missing)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets and model files."""
    return SHARED / "data"
