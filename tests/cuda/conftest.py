"""A GPU for the tests in this folder: a real one, or the emulation of one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

import convnet
from convnet import _core


@pytest.fixture(scope="session")
def cuda() -> dict[str, object]:
    """What is known of the GPU library; skips where there is no GPU."""
    try:
        return _core.cuda_info()
    except _core.NoCuda as error:
        pytest.skip(str(error))


@pytest.fixture
def on_gpu(cuda: dict[str, object]) -> Iterator[None]:
    """Lets the first GPU compute."""
    with convnet.device("gpu"):
        yield


@pytest.fixture
def emulation(cuda: dict[str, object]) -> None:
    """Skips unless the GPU is emulated: its memory, and what lies there, can be chosen."""
    if cuda["kind"] != "emulation":
        pytest.skip("needs the emulation of a GPU")


@pytest.fixture
def leave(emulation: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Lets the emulated device have so many bytes left, or all of them again."""

    def leave(free: int | None) -> None:
        monkeypatch.delenv("CONVNET_EMULATION_MEMORY", raising=False)
        if free is not None:
            gc.collect()  # or what others have left is given back later
            device = _core.cuda_devices()[0]
            used = device["memory"] - device["free"]
            monkeypatch.setenv("CONVNET_EMULATION_MEMORY", str(used + free))

    return leave
