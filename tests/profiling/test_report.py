"""A profile as text and as a picture."""

import re
import sys

import numpy as np
import pytest

import convnet
from convnet import config, layers
from convnet.profiling import Profile, Row


def row(layer, op, seconds, flops=0.0, shape=(3,), layout="batch in lanes", algorithm=""):
    return Row(layer, op, shape, layout, "shard", algorithm, 2.0, seconds, flops, 8e3, flops / 1e9)


PROFILE = Profile(
    model="net",
    mode="training",
    batch=32,
    steps=10,
    threads=2,
    isa="avx2",
    peak=1e11,
    seconds=1e-3,
    rows=[
        row("conv", "conv2d", 4e-4, 2e7, (7, 7, 36), algorithm="direct"),
        row("dense", "dense", 1e-4, 1e6),
        row("conv", "sparse_weight", 3e-4, 2e7, (3,), "slotted", "sparse"),
        row("optimizer", "adam", 1e-4, 0.0, (), ""),
    ],
)


def test_the_table_has_a_line_for_each_op_and_the_totals():
    assert PROFILE.table().splitlines() == [
        'Training of "net", 32 samples a step: mean of 10 steps, 2 threads, avx2, peak 100 GFLOP/s',
        "",
        "layer               op             output      layout          algorithm  calls      ms   "
        "share   MFLOP     MB  of peak",
        "conv                conv2d         (7, 7, 36)  batch in lanes  direct         2  0.4000   "
        "40.0%  20.000  0.008     2.0%",
        "dense               dense          (3)         batch in lanes                 2  0.1000   "
        "10.0%   1.000  0.008     0.1%",
        "conv                sparse_weight  (3)         slotted         sparse         2  0.3000   "
        "30.0%  20.000  0.008     2.0%",
        "optimizer           adam                                                      2  0.1000   "
        "10.0%          0.008",
        "kernels                                                                          0.9000   "
        "90.0%",
        "outside of kernels                                                               0.1000   "
        "10.0%",
        "step                                                                             1.0000  "
        "100.0%  41.000  0.032    41.0%",
    ]


def test_the_slowest_op_comes_first_where_time_sorts():
    shown = [line.split()[1] for line in PROFILE.table(sort="time").splitlines()[3:7]]
    assert shown == ["conv2d", "sparse_weight", "dense", "adam"]


def test_bars_are_as_long_as_the_times():
    lines = PROFILE.bars(width=14).splitlines()
    assert lines == [
        "conv                0.7000 ms   70.0%  ██████████████",
        "dense               0.1000 ms   10.0%  ██",
        "optimizer           0.1000 ms   10.0%  ██",
        "outside of kernels  0.1000 ms   10.0%  ██",
    ]
    assert PROFILE.bars("op").splitlines()[1].startswith("dense ")


def test_printing_shows_the_table_and_the_bars():
    assert str(PROFILE) == f"{PROFILE.table()}\n\n{PROFILE.bars()}"


@pytest.mark.cpu_only("lanes")
def test_what_is_forced_is_shown():
    model = convnet.Sequential([layers.Input((3,)), layers.Dense(2)])
    with config.algorithm(lanes=16):
        profile = model.profile(np.ones((1, 3)), steps=1)
    assert profile.table().splitlines()[0].endswith("GFLOP/s, lanes=16")
    assert re.search(r'Prediction of "\w+", 1 sample a step', profile.table())
    assert profile.algorithms == {"lanes": "16"}


@pytest.mark.parametrize("draw", [PROFILE.bars, PROFILE.totals, lambda by: PROFILE.plot(by=by)])
def test_other_groups_are_refused(draw):
    with pytest.raises(ValueError, match="Expected 'layer' or 'op'"):
        draw("layers")


def test_other_orders_are_refused():
    with pytest.raises(ValueError, match="Expected 'step' or 'time'"):
        PROFILE.table("name")


def test_the_picture_has_a_bar_for_each_layer(tmp_path):
    pytest.importorskip("matplotlib")
    figure = PROFILE.plot(tmp_path / "profile.png")
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.7, 0.1, 0.1, 0.1])
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "conv",
        "dense",
        "optimizer",
        "outside of kernels",
    ]
    assert (tmp_path / "profile.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_needs_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        PROFILE.plot()
