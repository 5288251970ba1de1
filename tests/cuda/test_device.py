"""Choosing the device, and what is said where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import convnet
from convnet import _core, config
from convnet.cli import main
from tests.cuda.nets import X, Y, mlp

ROOT = Path(__file__).parents[2]


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python program in an environment without a GPU library of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CONVNET_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=kept | environment,
        cwd=ROOT,
        check=False,
    )


PREDICT = """
import numpy as np, convnet
model = convnet.Sequential([convnet.Input((2,)), convnet.layers.ReLU()])
print(model.predict(np.ones((3, 2)), verbose=0).tolist())
"""


def test_names_are_checked():
    for name in ("tpu", "gpu:x", "gpu0", "", 1):
        with pytest.raises(ValueError, match="Expected 'cpu', 'gpu' or 'gpu:<number>'"):
            config.set_device(name)


def test_a_library_that_is_no_library_is_named(tmp_path):
    path = tmp_path / "lib.so"
    path.write_text("nothing")
    shown = run(PREDICT, CONVNET_DEVICE="gpu", CONVNET_CUDA_LIBRARY=str(path))
    assert "NoCuda: The GPU library cannot be opened" in shown.stderr
    assert str(path) in shown.stderr


def test_a_build_without_the_library_says_how_to_get_one():
    program = "from convnet import _core; _core.set_cuda_library(''); _core.check_gpu(0)"
    told = run(program).stderr
    assert "no GPU library. Build it where nvcc is installed, with CONVNET_CUDA=ON" in told


def test_import_and_info_work_where_the_gpu_asked_for_is_missing(tmp_path):
    program = "from convnet.cli import main; main(['info'])"
    shown = run(program, CONVNET_DEVICE="gpu", CONVNET_CUDA_LIBRARY=str(tmp_path / "none.so"))
    assert shown.returncode == 0, shown.stderr
    assert "cuda               The GPU library cannot be opened" in shown.stdout


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The GPU of each graph that is recorded from now on, -1 for the CPU."""
    gpus: list[int] = []
    graph = _core.Graph

    def note(lanes: int, algorithms: dict[str, str], few: bool, gpu: int) -> _core.Graph:
        gpus.append(gpu)
        return graph(lanes, algorithms, few, gpu)

    monkeypatch.setattr(_core, "Graph", note)
    return gpus


@pytest.mark.cuda
@pytest.mark.usefixtures("cuda")
class TestWithAGpu:
    def test_the_environment_chooses(self):
        library = os.environ.get("CONVNET_CUDA_LIBRARY", "")
        program = PREDICT + "print(convnet.config.get_device())"
        shown = run(program, CONVNET_DEVICE="gpu:0", CONVNET_CUDA_LIBRARY=library)
        assert shown.stdout.splitlines() == [str([[1.0, 1.0]] * 3), "gpu:0"], shown.stderr

    def test_a_gpu_that_is_not_there_is_refused(self):
        count = len(_core.cuda_devices())
        for choose in (config.set_device, lambda name: mlp(device=name)):
            with pytest.raises(RuntimeError, match=f"There is no GPU number {count}"):
                choose(f"gpu:{count}")
        assert config.get_device() == os.environ.get("CONVNET_DEVICE", "cpu")

    def test_a_block_chooses_for_its_thread_alone(self):
        before, seen = config.get_device(), []
        with convnet.device("gpu:0"):
            other = threading.Thread(target=lambda: seen.append(config.get_device()))
            other.start()
            other.join()
            assert config.get_device() == "gpu:0" and config.gpu() == 0
            with convnet.device("cpu"):
                assert config.gpu() == -1
        assert seen == [before] and config.get_device() == before

    def test_set_device_chooses_for_all(self):
        before, seen = config.get_device(), []
        config.set_device("gpu")
        try:
            other = threading.Thread(target=lambda: seen.append(config.gpu()))
            other.start()
            other.join()
        finally:
            config.set_device(before)
        assert seen == [0]

    def test_compile_chooses_for_the_model(self, recorded):
        model = mlp(device="gpu")
        recorded.clear()
        with convnet.device("cpu"):
            model.fit(X, Y, verbose=0)
            model.evaluate(X, Y, verbose=0)
            model.predict(X, verbose=0)
            model.train_on_batch(X, Y)
            model.test_on_batch(X, Y)
            assert config.get_device() == "cpu"
        assert set(recorded) == {0}

    def test_a_saved_model_does_not_ask_for_the_device(self):
        assert "device" not in mlp(device="gpu").get_compile_config()

    def test_devices_share_no_plans(self, recorded):
        model = mlp()
        recorded.clear()
        for device in ("gpu", "cpu", "gpu", "cpu"):
            with convnet.device(device):
                model.predict(X, verbose=0)
        assert recorded == [0, -1]

    def test_info_lists_library_versions_and_devices(self, capsys, cuda):
        assert main(["info"]) == 0
        lines = {line[:18].strip(): line[19:] for line in capsys.readouterr().out.splitlines()}
        assert lines["cuda"].startswith(f"{cuda['kind']}, driver ")
        assert "runtime" in lines["cuda"] and lines["cuda library"] == cuda["library"]
        assert "MB free" in lines["gpu:0"] and "compute capability" in lines["gpu:0"]
