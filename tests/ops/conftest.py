"""Every test of an op runs on the CPU and on the GPU, unless it is about one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convnet import config

DEVICES = ["cpu", pytest.param("gpu", marks=pytest.mark.cuda)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    def says(mark: str) -> bool:
        return metafunc.definition.get_closest_marker(mark) is not None

    devices = DEVICES[says("gpu_only") : 1 if says("cpu_only") else None]
    metafunc.parametrize("device", devices, indirect=True)


@pytest.fixture(autouse=True)
def device(request: pytest.FixtureRequest) -> Iterator[None]:
    """The device that computes."""
    with config.device(request.param):
        yield
