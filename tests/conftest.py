"""What all tests share: where real data is, and which optional parts must not be missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("CONVNET_SHARED", Path(__file__).parents[2] / "shared"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shared: needs the real data sets and model files")
    if os.environ.get("CONVNET_REQUIRE_KERAS"):
        import keras  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if (SHARED / "data").is_dir() or os.environ.get("CONVNET_REQUIRE_SHARED"):
        return
    skip = pytest.mark.skip(reason=f"no real data in {SHARED}")
    for item in items:
        if "shared" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets and model files."""
    return SHARED / "data"
