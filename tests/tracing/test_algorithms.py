"""Forcing algorithms."""

import os
import subprocess
import sys

import numpy as np
import pytest

from convnet import _core, config
from convnet.training.train_step import TrainStep
from tests.invariants import nets

_CONV = (
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "conv2d_pooled_weight",
    "sparse_input",
    "sparse_weight",
)


def test_a_block_forces_and_restores():
    assert config.algorithms() == {}
    with config.algorithm(conv2d_backward="direct"):
        with config.algorithm(lanes=1):
            assert config.algorithms() == {"conv2d_backward": "direct", "lanes": "1"}
            with config.algorithm(conv2d_backward="sparse"):
                assert config.algorithms()["conv2d_backward"] == "sparse"
        assert config.algorithms() == {"conv2d_backward": "direct"}
    with pytest.raises(RuntimeError), config.algorithm(lanes=16):
        raise RuntimeError
    assert config.algorithms() == {}


@pytest.mark.parametrize(
    ("forced", "message"),
    [
        ({"conv3d": "direct"}, "no choice of algorithms for 'conv3d'. Expected one of .*'lanes'"),
        ({"conv2d_backward": "fft"}, "Expected one of 'direct', 'sparse'. Received: .*=fft"),
        ({"lanes": 8}, "Expected one of '1', '16'. Received: lanes=8"),
    ],
)
def test_what_cannot_be_forced_is_refused(forced, message):
    with pytest.raises(ValueError, match=message), config.algorithm(**forced):
        pass
    assert config.algorithms() == {}


def test_the_core_refuses_it_too():
    with pytest.raises(ValueError, match="no choice of algorithms for 'conv3d'"):
        _core.Graph(16, {"conv3d": "direct"})
    with pytest.raises(ValueError, match="conv2d_backward: there is no algorithm 'fft'"):
        _core.Graph(16, {"conv2d_backward": "fft"})


def in_process(text):
    """What a process prints that is told to force algorithms."""
    command = [sys.executable, "-c", "from convnet import config; print(config.algorithms())"]
    variables = os.environ | {"CONVNET_ALGORITHM": text}
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


def test_the_environment_forces():
    found = in_process(" conv2d_backward=direct, lanes=16 ").stdout
    assert found.strip() == "{'conv2d_backward': 'direct', 'lanes': '16'}"
    assert in_process("").stdout.strip() == "{}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("direct", "must hold pairs such as conv2d_backward=direct"),
        ("conv3d=fast", "no choice of algorithms for 'conv3d'"),
        ("lanes=2", "Expected one of '1', '16'"),
    ],
)
def test_a_wrong_environment_is_an_error(text, message):
    assert message in in_process(text).stderr


def test_settings_show_what_is_forced():
    lines = []
    config.show(lines.append)
    assert any(line.split() == ["algorithms", "chosen"] for line in lines)
    with config.algorithm(lanes=1, conv2d_backward="direct"):
        config.show(lines.append)
    assert any("conv2d_backward=direct, lanes=1" in line for line in lines)


def trained(**forced):
    """Weights after a step of training, and the ops and algorithms of convolutions in it."""
    model, x, y = nets.cnn()
    with config.algorithm(**forced):
        profile = model.profile(x, y, steps=1)
        model.fit(x, y, batch_size=50, verbose=0, shuffle=False)
    return model.get_weights(), {(row.op, row.algorithm) for row in profile.rows if row.op in _CONV}


@pytest.mark.cpu_only("only it has a choice of algorithms")
@pytest.mark.parametrize("forced", ["direct", "sparse"])
def test_the_backward_of_convolutions_is_the_forced_one(forced):
    weights, found = trained(conv2d_backward=forced)
    expected, chosen = trained()
    assert {algorithm for _, algorithm in found} == {forced}
    assert {algorithm for _, algorithm in chosen} == {"winners", "sparse"}, "the net has both"
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.cpu_only("only it has a choice of algorithms")
@pytest.mark.parametrize("forced", ["direct", "winograd4", "winograd6"])
@pytest.mark.parametrize("samples", [1, 40])
def test_convolutions_are_computed_by_the_forced_algorithm(forced, samples):
    model, x, y = nets.cnn()
    expected = model.predict(x[:samples], verbose=0)
    with config.algorithm(conv2d=forced):
        found = model.predict(x[:samples], verbose=0)
        profile = model.profile(x, batch_size=samples, steps=1)
        with config.algorithm(conv2d_backward="direct"):
            step = model.profile(x, y, steps=1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    for rows in (profile.rows, step.rows):
        assert {row.algorithm for row in rows if row.op == "conv2d"} == {forced}
    assert {row.algorithm for row in step.rows if row.op == "conv2d_backward_input"} == {forced}


@pytest.mark.cpu_only("only it has a choice of algorithms")
def test_an_algorithm_that_cannot_compute_a_layer_is_left_out():
    model, x, y = nets.normalized_cnn()
    with config.algorithm(conv2d_backward="sparse"):
        sparse = model.profile(x, y, steps=1)
    assert {row.algorithm for row in sparse.rows if row.op in _CONV} == {"sparse"}
    model, x = nets.wide_cnn()  # its second convolution strides over pixels
    model.compile("sgd", "mse")
    with config.algorithm(conv2d_backward="sparse"):
        rows = model.profile(x, np.zeros((40, 5)), steps=1).rows
    assert {row.op for row in rows if row.op in _CONV} >= {
        "sparse_weight",
        "conv2d_backward_weight",
    }


@pytest.mark.cpu_only("a GPU has no lanes")
@pytest.mark.parametrize("make", [nets.cnn, nets.lstm])
@pytest.mark.parametrize("samples", [1, 5, 16, 43])
def test_predictions_with_other_lanes_agree(make, samples):
    model, x, _ = make()
    x = x[:samples]
    found = {}
    for lanes in (1, 16):
        with config.algorithm(lanes=lanes):
            found[lanes] = model.predict(x, verbose=0), model(x)
            rows = model.profile(x, batch_size=samples, steps=1).rows
        layouts = {row.layout for row in rows if row.op == "dense"}
        assert layouts == {"features in lanes" if lanes == 1 else "batch in lanes"}
    for a, b in zip(found[1], found[16], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    free = model.predict(x, verbose=0)
    np.testing.assert_array_equal(free, found[1 if samples <= 10 else 16][0])


@pytest.mark.cpu_only("only it has a choice of algorithms")
def test_plans_made_before_are_not_used_for_forced_algorithms(monkeypatch):
    model, x, y = nets.cnn()
    one = x[:1]
    model.predict(one, verbose=0)
    before = model.predict(one, verbose=0)  # the array is taken as it is
    with config.algorithm(lanes=16):
        forced = model.predict(one, verbose=0)
        again = model.predict(one, verbose=0)
    assert not np.array_equal(forced, before), "another order of sums"
    assert np.array_equal(forced, again)
    assert np.array_equal(model.predict(one, verbose=0), before)

    planned = []
    finish = TrainStep._finish
    monkeypatch.setattr(TrainStep, "_finish", lambda step: (planned.append(1), finish(step))[1])
    for _ in range(2):
        model.fit(x, y, verbose=0)
        with config.algorithm(conv2d_backward="direct"):
            model.fit(x, y, verbose=0)
    assert len(planned) == 2
