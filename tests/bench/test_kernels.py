"""Every benchmarked kernel computes what the NumPy version beside it does."""

import json
import sys

import pytest
from bench import report
from bench.kernels import FAMILIES, __main__, select


@pytest.mark.parametrize("family", FAMILIES)
def test_core_and_numpy_agree(family):
    for kernel in select(family, [], batch=3):
        kernel.check()


def test_names_are_unique():
    names = [kernel.name for family in FAMILIES for kernel in select(family, [], batch=1)]
    assert len(set(names)) == len(names)


def test_disagreement_is_noticed():
    kernel = next(select("dense", [], batch=2))
    kernel.numpy = lambda numpy=kernel.numpy: numpy() * 1.01
    with pytest.raises(AssertionError, match="do not agree"):
        kernel.check()


def test_results_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "probe_copy", lambda: 10.0)
    monkeypatch.setattr(report, "probe_peak", lambda: 100.0)
    path = tmp_path / "kernels.json"
    arguments = ["head forward", "mnist_features relu", "--seconds", "0", "--json", str(path)]
    monkeypatch.setattr(sys, "argv", ["kernels", *arguments])
    __main__.main()
    rows = json.loads(path.read_text())["results"]
    assert [(row["name"], row["family"]) for row in rows] == [
        ("head forward", "dense"),
        ("mnist_features relu forward", "elementwise"),
        ("mnist_features relu backward", "elementwise"),
    ]
    assert all(row["numpy_ms"] > 0 and row["core_min_ms"] <= row["core_max_ms"] for row in rows)
    assert rows[0]["gbytes"] is None and rows[1]["gflops"] is None
    assert "mnist_features relu backward" in capsys.readouterr().out
