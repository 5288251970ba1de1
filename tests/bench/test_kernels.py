"""Every benchmarked kernel computes what the NumPy version beside it does, and has its row."""

import json
from dataclasses import replace
from importlib import import_module

import pytest
from bench import protocol, registry, report, rounds
from bench.kernels import FAMILIES, __main__, limits, select, table

from convnet import _core

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
    assert list(huge.turns()) == ["core", "machine"]


@pytest.mark.cpu_only("Winograd's algorithm")
def test_direct_summation_is_timed_where_winograds_algorithm_is_chosen():
    chosen = {kernel.name: set(kernel.turns()) for kernel in select("convolution", ["cifar_conv2"])}
    assert "direct" in chosen["cifar_conv2 forward"]
    assert "direct" not in chosen["cifar_conv2 backward_weight"]
    (strided,) = select("convolution", ["depthwise_3x3_strided forward"])
    assert set(strided.turns()) == {"core", "machine", "numpy"}


def test_padding_is_no_work():
    (kernel,) = select("convolution", ["cifar_conv3 forward"])
    assert kernel.executed / kernel.flops == pytest.approx((22 / 24) ** 2)


def test_results_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "probe_peak", lambda: 100.0)
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
    assert all(row["machine"] > 0 for row in rows)
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


def measured(rounds=None, **settings):
    kernel = replace(next(select("dense", ["head forward"])), **settings)
    times = {
        "core": [[2.0], [1.0], [3.0]],
        "direct": [[4.0], [2.0], [6.0]],
        "numpy": [[9.0]] * 3,
        "pytorch": [[8.0], [5.0], [5.0]],
        "pytorch-channels_last": [[6.0]] * 3,
        "machine": [[10.0]] * 3,  # milliseconds for 1e9 operations or bytes: 100 a second
    }
    return table.measured("dense", kernel, times | (rounds or {}))


def test_a_row_has_the_best_variant_of_each_peer_and_the_ratio_to_the_best():
    row = measured()
    assert (row["core_ms"], row["pytorch_ms"], row["numpy_ms"]) == (2, 5, 9)
    assert (row["best"], row["ratio"]) == ("pytorch", 2.5)


@pytest.mark.parametrize(("aim", "missed"), [(0.19, False), (0.21, True), (None, None)])
def test_the_aim_is_held_against_what_direct_summation_executes(aim, missed):
    row = measured(flops=1e8, executed=8e7, aim=aim)
    assert row["gflops"] == pytest.approx(50)
    assert row["machine"] == pytest.approx(100)
    assert row["of_peak"] == pytest.approx(0.5)
    assert row["executed"] == pytest.approx(0.2)
    assert row["missed"] is missed


def test_memory_bound_kernels_are_held_against_copies():
    row = measured({"direct": [[2.0]] * 3}, flops=0, moved=1e7, aim=0.8)
    assert row["gbytes"] == pytest.approx(5)
    assert row["of_peak"] == row["executed"] == pytest.approx(0.05)
    assert row["missed"]


def test_rows_lost_in_noise_have_no_rates():
    row = measured({"core": [[-0.1]] * 3})
    assert row["gflops"] is None and row["missed"] is None and row["limits"] is None


def test_the_machine_is_probed_by_what_bounds_a_kernel(monkeypatch):
    monkeypatch.setattr(_core, "probe_peak", lambda seconds: 1e12)
    monkeypatch.setattr(_core, "probe_copy", lambda bytes, seconds: 1e9)
    monkeypatch.setattr(_core, "probe_gpu", lambda: (1e12, 1e9))
    (dense, relu) = (
        next(select(*names))
        for names in (("dense", ["head forward"]), ("elementwise", ["mnist_map relu forward"]))
    )
    assert dense.turns()["machine"](0.1) == [1]
    assert relu.turns()["machine"](0.1) == [1e3]


def test_the_table_marks_missed_aims(capsys):
    table.show([measured(flops=1e8, aim=aim) for aim in (0.1, 0.9)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("!") for line in lines] == [False, False, True, False]
    assert lines[-1] == "1 of 2 miss their aim"


def test_every_kernel_with_an_aim_has_one_of_the_same_kind_that_a_cache_holds(sketches):
    for kernel in sketches:
        if kernel.aim is not None:
            assert kernel.cached.name == kernel.name
            assert kernel.cached.work > 0
            arrays = (*kernel.cached.batched, *kernel.cached.weights)
            assert sum(a.nbytes for a in arrays) <= 4 * limits.CACHED_BYTES, kernel.name


@pytest.mark.cpu_only("threads")
def test_kernels_with_an_aim_are_timed_on_one_thread_and_in_its_cache(monkeypatch):
    asked = []
    monkeypatch.setattr(limits, "Difference", lambda kernel: FakeTurn(kernel, asked))
    monkeypatch.setattr(limits, "MachineRate", lambda kernel: FakeTurn(kernel, asked))
    kernel = next(select("dense", ["square_256 forward"]))
    before = _core.num_threads()
    turns = limits.turns(kernel)
    assert tuple(turns) == limits.CONDITIONS
    for turn in turns.values():
        turn(0.1)
    assert asked == [(kernel, 1)] * 2 + [(kernel.cached, 1)] * 2
    assert _core.num_threads() == before
    assert limits.turns(replace(kernel, aim=None)) == {}


class FakeTurn:
    def __init__(self, kernel, asked):
        self.kernel, self.asked = kernel, asked

    def measure(self, seconds):
        self.asked.append((self.kernel, _core.num_threads()))
        return [1.0]


@pytest.mark.parametrize(
    ("alone", "cached", "core", "cause"),
    [
        (4.0, 4.0, [2.0] * 3, "its own instructions"),
        (2.0, 2.0, [2.0] * 3, "other threads"),
        (4.0, 2.0, [2.0] * 3, "data from memory and larger caches"),
        (4.0, 4.0, [2.0, 1.0, 2.0], "other guests of the machine"),
    ],
)
def test_the_largest_factor_is_what_limits_a_kernel(alone, cached, core, cause):
    rounds = {"core": [[time] for time in core], "direct": [[time] for time in core]}
    rounds |= {"alone": [[alone]] * 3, "machine alone": [[20.0]] * 3}
    rounds |= {"cached": [[cached]] * 3, "machine cached": [[20.0]] * 3}
    kernel = next(select("dense", ["head forward"]))
    row = measured(rounds, flops=1e8, executed=0.0, aim=0.9, cached=replace(kernel, flops=1e8))
    assert limits.limit(row) == cause


def test_the_page_names_the_limit_of_every_kernel_that_misses(tmp_path, capsys):
    told = {"machine": "a machine", "isa": "avx2", "threads": 2, "date": "today", "commit": "1"}
    rows = [measured(flops=1e8, aim=aim) | {"name": f"aim {aim}"} for aim in (0.1, 0.9)]
    (file, page) = tmp_path / "kernels.json", tmp_path / "kernels.md"
    file.write_text(json.dumps({"environment": told, "results": rows}))
    limits.main(["--json", str(file), "--page", str(page)])
    text = page.read_text()
    assert "Of 2 kernels with an aim 1 miss it" in text
    assert "| dense |  | 90% | 1 | 0 | 0 | 25% |" in text
    assert "| aim 0.9 | 90% | 25% | 50% |  |  | other guests of the machine |" in text
    assert "| aim 0.1" not in text


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
