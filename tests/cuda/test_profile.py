"""What a step costs on the GPU, launch by launch."""

from __future__ import annotations

import numpy as np
import pytest

from convnet import _core, config
from tests.cuda.nets import X, Y, assert_same_bits, mlp, trained
from tests.invariants import nets

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("on_gpu", "probed")]

PEAK = 1e12


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulation takes long to probe."""
    monkeypatch.setattr(_core, "probe_gpu", lambda gpu: (PEAK, 1e11))


def test_every_launch_is_timed():
    model, x, y = nets.cnn()
    profile = model.profile(x, y, batch_size=32, steps=3)
    assert (profile.steps, profile.threads, profile.peak) == (3, 1, PEAK)
    assert profile.isa == _core.cuda_devices()[0]["name"]
    assert all(row.seconds > 0 and row.calls == 1 for row in profile.rows)
    assert 0 < profile.kernel_seconds < profile.seconds
    found = {row.op for row in profile.rows}
    assert {"conv2d", "conv2d_backward_weight", "dense", "dropout", "adam"} <= found


def test_operations_are_those_of_the_cpu():
    model, x, _ = nets.cnn()
    on_gpu = model.profile(x, batch_size=20, steps=2)
    with config.device("cpu"):
        on_cpu = nets.cnn()[0].profile(x, batch_size=20, steps=2)
    assert on_gpu.flops == on_cpu.flops
    dense = next(row for row in on_gpu.rows if row.op == "dense")
    assert dense.peak_share == pytest.approx(dense.flops / dense.seconds / PEAK)
    assert dense.layout == "batch first"
    assert dense.bytes == 4 * (20 * (44 + 17) + 44 * 17 + 17)


def test_a_profile_leaves_a_model_as_it_was():
    profiled = mlp()
    for steps in (1, 2):
        profiled.profile(X, Y, steps=steps)
    profiled.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    profiled.profile(X, steps=1)
    plain, _ = trained()
    assert_same_bits(profiled, plain)
    np.testing.assert_array_equal(profiled.predict(X, verbose=0), plain.predict(X, verbose=0))
