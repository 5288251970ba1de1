"""Every test of an op runs on the CPU and on the GPU, unless it says that it is about the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convnet import config

DEVICES = ["cpu", pytest.param("gpu", marks=pytest.mark.cuda)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    only = metafunc.definition.get_closest_marker("cpu_only")
    metafunc.parametrize("device", ["cpu"] if only else DEVICES, indirect=True)


@pytest.fixture(autouse=True)
def device(request: pytest.FixtureRequest) -> Iterator[None]:
    """The device that computes."""
    with config.device(request.param):
        yield
