"""Every benchmarked kernel computes what the NumPy version beside it does, and has its row."""

import json
from dataclasses import replace
from importlib import import_module

import pytest
from bench import protocol, registry, report, rounds
from bench.kernels import FAMILIES, __main__, aims, select, table

FAKES = [
    registry.Peer("fake", None, "tests.bench.fake_peer"),
    registry.Peer("slow", None, "tests.bench.fake_peer", variant="slow"),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_core_and_numpy_agree(family):
    for kernel in select(family, [], batch=3):
        (kernel if kernel.flops < 3e8 else kernel.sketch).check()


@pytest.fixture(scope="module")
def sketches():
    builders = [build for family in FAMILIES for build in FAMILIES[family](1)]
    return [kernel for build in builders for kernel in build()]


def test_names_are_unique(sketches):
    names = [kernel.name for kernel in sketches]
    assert len(set(names)) == len(names)


def test_disagreement_is_noticed():
    kernel = next(select("dense", [], batch=2))
    kernel.numpy = lambda numpy=kernel.numpy: numpy() * 1.01
    with pytest.raises(AssertionError, match="do not agree"):
        kernel.check()


def test_huge_kernels_are_checked_on_one_sample_and_not_timed_in_numpy():
    kernel = next(select("dense", [], batch=2))
    huge = replace(kernel, flops=1e12, numpy=lambda: 1 / 0)
    huge.check()
    assert list(huge.turns()) == ["core"]


@pytest.mark.cpu_only("Winograd's algorithm")
def test_direct_summation_is_timed_where_winograds_algorithm_is_chosen():
    chosen = {kernel.name: set(kernel.turns()) for kernel in select("convolution", ["cifar_conv2"])}
    assert "direct" in chosen["cifar_conv2 forward"]
    assert "direct" not in chosen["cifar_conv2 backward_weight"]
    (strided,) = select("convolution", ["depthwise_3x3_strided forward"])
    assert set(strided.turns()) == {"core", "numpy"}


def test_padding_is_no_work():
    (kernel,) = select("convolution", ["cifar_conv3 forward"])
    assert kernel.executed / kernel.flops == pytest.approx((22 / 24) ** 2)


@pytest.fixture
def probes(monkeypatch):
    monkeypatch.setattr(report, "probe_copy", lambda megabytes: 10.0)
    monkeypatch.setattr(report, "probe_peak", lambda: 100.0)


def test_results_are_written(tmp_path, probes, monkeypatch, capsys):
    monkeypatch.setattr(registry, "PEERS", [*registry.PEERS, *FAKES])
    path = tmp_path / "kernels.json"
    arguments = ["head forward", "mnist_features relu", "--seconds", "0", "--json", str(path)]
    __main__.main([*arguments, "--peers", "numpy,fake,slow"])
    document = json.loads(path.read_text())
    rows = document["results"]
    assert [(row["name"], row["family"]) for row in rows] == [
        ("head forward", "dense"),
        ("mnist_features relu forward", "elementwise"),
        ("mnist_features relu backward", "elementwise"),
    ]
    assert all(row["numpy_ms"] > 0 and row["core_min_ms"] <= row["core_max_ms"] for row in rows)
    assert rows[0]["fake_ms"] >= 2 and rows[0]["slow_ms"] >= 4
    assert "fake_ms" not in rows[1]
    assert rows[0]["gbytes"] is None and rows[1]["gflops"] is None
    assert document["environment"]["versions"]["fake"] == {"fake": "1.0"}
    assert document["environment"]["peak_gflops_after"] == 100
    assert "mnist_features relu backward" in capsys.readouterr().out


def test_a_program_that_fails_on_a_kernel_is_there_for_the_next():
    (relu, tanh) = (
        next(select("elementwise", [f"mnist_map {fn} forward"])) for fn in ("relu", "tanh")
    )
    plan = rounds.Plan(rounds=1, seconds=0.001, threads=1)
    with rounds.Field(FAKES[:1], plan) as field:
        assert field.prepare(tanh.request) == {}
        assert list(field.revive()) == ["fake"]
        assert field.prepare(relu.request) == {}, "unsupported"
        assert field.revive() == {}
        dense = next(select("dense", ["head forward"]))
        assert list(field.prepare(dense.request)) == ["fake"]


def measured(**settings):
    kernel = replace(next(select("dense", ["head forward"])), **settings)
    times = {
        "core": [[2.0], [1.0], [3.0]],
        "direct": [[4.0]] * 3,
        "numpy": [[9.0]] * 3,
        "pytorch": [[8.0], [5.0], [5.0]],
        "pytorch-channels_last": [[6.0]] * 3,
    }
    return table.measured("dense", kernel, times)


def test_a_row_has_the_best_variant_of_each_peer_and_the_ratio_to_the_best():
    row = measured()
    assert (row["core_ms"], row["pytorch_ms"], row["numpy_ms"]) == (2, 5, 9)
    assert (row["best"], row["ratio"]) == ("pytorch", 2.5)


MACHINE = {
    "peak_gflops": 80.0,
    "peak_gflops_after": 100.0,
    "copy_gbytes": dict(zip(map(str, table.COPIED_KB), (70, 60, 50, 40, 30, 20, 10), strict=True)),
}


@pytest.mark.parametrize(("aim", "missed"), [(0.19, False), (0.21, True), (None, None)])
def test_the_aim_is_held_against_what_direct_summation_executes(aim, missed):
    row = table.rated(measured(flops=1e8, executed=8e7, aim=aim), MACHINE)
    assert row["of_peak"] == pytest.approx(0.5)
    assert row["executed"] == pytest.approx(0.2)
    assert row["missed"] is missed


def test_memory_bound_kernels_are_held_against_copies_of_their_size():
    row = table.rated(measured(flops=0, moved=1e6, aim=aims.MEMORY) | {"held_bytes": 2e5}, MACHINE)
    assert row["gbytes"] == pytest.approx(0.5)
    assert row["of_peak"] == row["executed"] == pytest.approx(0.5 / 50)
    assert row["missed"]
    assert table.copy_rate(1e12, MACHINE) == 10


def test_rows_lost_in_noise_have_no_rates():
    row = table.rated(measured() | {"core_ms": -0.1}, MACHINE)
    assert row["gflops"] is None and row["missed"] is None


def test_the_table_marks_missed_aims(capsys):
    table.show([table.rated(measured(flops=1e8, aim=aim), MACHINE) for aim in (0.1, 0.9)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("!") for line in lines] == [False, False, True, False]
    assert lines[-1] == "1 of 2 miss their aim"


@pytest.mark.parametrize(
    ("arguments", "names", "seconds"),
    [(["--quick"], __main__.QUICK, 0.1), (["--quick", "adam"], ["adam"], 0.1), ([], [], 0.15)],
)
def test_quick_is_a_shorter_list_and_shorter_turns(arguments, names, seconds):
    options = __main__.parse(arguments)
    assert (options.names, options.seconds) == (names, seconds)


def test_every_quick_name_is_one(sketches):
    names = [kernel.name for kernel in sketches]
    assert all(any(part in name for name in names) for part in __main__.QUICK)


@pytest.mark.parametrize("program", ["pytorch", "onnx"])
def test_programs_take_the_requests(program, sketches):
    """One of each kind and direction, where the framework is there."""
    pytest.importorskip("torch" if program == "pytorch" else program)
    peer = import_module(f"bench.peers.{program}_kernels")
    first = {(k.request["kernel"], k.request["direction"]): k for k in sketches if k.request}
    taken = set()
    for (kind, direction), kernel in first.items():
        asked = kernel.request | {
            "threads": 1,
            "device": "cpu",
            "precision": "float32",
            "variant": "",
        }
        try:
            peer.prepare(asked).first() if program == "pytorch" else peer.build(asked)
        except protocol.Unsupported:
            continue
        taken.add((kind, direction))
    left = set(first) - taken
    assert not left if program == "pytorch" else {"conv2d", "lstm"} < {kind for kind, _ in taken}
