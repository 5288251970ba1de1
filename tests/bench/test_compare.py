"""The comparison's protocol, rounds and tables, with a peer that needs no framework."""

import json
import sys

import pytest
from bench import chart, compare, flops, page, protocol, registry, rounds, table, workloads
from bench.batches import BATCHES
from bench.protocol import PeerError, Program, Unsupported

FAKE = registry.Peer("fake", None, "tests.bench.fake_peer")
PLAN = rounds.Plan(rounds=2, seconds=0.01, threads=1)


def request(workload):
    return {
        "prepare": workload,
        "mode": "training",
        "batch": 2,
        "threads": 1,
        "variant": "",
        "sizes": {},
    }


@pytest.fixture
def program():
    started = rounds.start(FAKE, PLAN)
    yield started
    started.close()


def test_a_program_tells_versions_times_and_memory(program):
    assert program.versions == {"fake": "1.0"}
    assert program.import_s > 0
    assert program.ask(request("cifar_cnn"))["first_step_ms"] >= 2
    times = program.ask({"run": 0.03})["times"]
    assert all(time >= 2 for time in times)
    assert program.ask({"memory": True})["memory_mb"] > 1


def test_a_program_refuses_what_it_cannot_run_and_goes_on(program):
    with pytest.raises(Unsupported, match="too large"):
        program.ask(request("alexnet"))
    assert "first_step_ms" in program.ask(request("cifar_cnn"))


def test_a_program_measures_a_single_kernel(program):
    shapes = {"x": [2, 3], "w": [3, 4], "y": [2, 4]}
    kernel = {"kernel": "dense", "direction": "forward", "shapes": shapes, "attributes": {}}
    asked = kernel | {"threads": 1, "variant": ""}
    assert program.ask(asked)["first_step_ms"] >= 2
    assert all(time >= 2 for time in program.ask({"run": 0.01})["times"])
    with pytest.raises(Unsupported, match="dense layers only"):
        program.ask(asked | {"kernel": "conv2d"})


def test_programs_take_no_kernels_unless_they_say_so():
    with pytest.raises(Unsupported, match="no single kernels"):
        protocol.no_kernels({"kernel": "dense"})


def test_a_failure_in_a_program_is_told_with_its_trace(program):
    with pytest.raises(PeerError, match="ValueError: no such net"):
        program.ask(request("lenet5"))


def test_the_last_words_of_a_program_that_died_are_told(program):
    with pytest.raises(PeerError, match="last words"):
        program.ask(request("text_cnn"))


def test_a_program_that_does_not_start_is_an_error():
    with pytest.raises(PeerError, match="no_such_module"):
        Program([sys.executable, "-m", "no_such_module"], {}, registry.ROOT)


def test_a_peer_that_fails_takes_no_further_part():
    with rounds.Field([FAKE], PLAN) as field:
        assert field.measure("text_cnn", "training", 2) == {}
        assert "last words" in field.failures["fake"]
        assert field.measure("cifar_cnn", "training", 2) == {}


def test_every_round_times_every_peer():
    peers = [FAKE, registry.Peer("other", None, "tests.bench.fake_peer")]
    with rounds.Field(peers, PLAN) as field:
        entries = field.measure("cifar_cnn", "training", 2)
    assert list(entries) == ["fake", "other"]
    assert all(len(entry["rounds"]) == PLAN.rounds for entry in entries.values())


def test_peers_that_are_not_installed_are_listed(monkeypatch, tmp_path):
    monkeypatch.setenv("CONVNET_PEERS", str(tmp_path))
    monkeypatch.setattr(compare, "measure", lambda *_: [])
    monkeypatch.setattr(compare, "probe", lambda device: {"peak_gflops": 1.0, "copy_gb_per_s": 1.0})
    document = compare.run(compare.parse(["lenet5", "--peers", "pytorch", "--quick"]))
    assert document["not_installed"] == ["pytorch", "pytorch-channels_last"]


def test_an_unknown_peer_is_named():
    with pytest.raises(ValueError, match="Unknown peer 'caffe'"):
        registry.chosen(["caffe"])


def entry(*times):
    costs = {"first_step_ms": 10.0, "import_s": 1.0, "memory_mb": 50.0}
    return costs | {"rounds": [[time] for time in times]}


def document():
    peers = {
        "convnet": entry(1.0, 2.0, 1.0),
        "convnet-one_thread": entry(1.5, 4.0, 2.0),
        "pytorch": entry(4.0, 8.0, 4.0),
        "pytorch-channels_last": entry(3.0, 6.0, 3.0),
        "keras-jax": entry(5.0, 5.0, 5.0),
    }
    result = {"workload": "lenet5", "mode": "training", "batch": 64, "flops": 1e8}
    return {
        "environment": {
            "convnet": "1.0",
            "isa": "avx2",
            "threads": 2,
            "machine": "a machine",
            "date": "2026-01-01",
        },
        "not_installed": ["numpy"],
        "installed_mb": {"convnet": 9},
        "versions": {},
        "failures": {},
        "probes": [{"peak_gflops": 100.0, "copy_gb_per_s": 10.0}],
        "results": [result | {"peers": peers}],
    }


def test_the_ratio_is_to_the_best_variant_of_the_best_peer_round_by_round():
    (row,) = table.groups(document())["training"]
    assert row["best"] == "pytorch-channels_last"
    assert row["ratio"] == 3
    assert row["times"] == {"pytorch": 3.0, "keras-jax": 5.0}
    assert row["by_threads"] == 2
    assert row["of_peak"] == pytest.approx(1.0)


def test_a_result_without_convnet_has_no_row():
    found = document()
    del found["results"][0]["peers"]["convnet"]
    assert table.groups(found) == {}


def test_tables_are_shown_from_the_written_file(capsys):
    table.show(json.loads(json.dumps(document())))
    shown = capsys.readouterr().out
    assert "geometric mean of the ratios to the best peer: 3.00" in shown
    assert "not installed: numpy" in shown


def test_operations_are_counted_by_layer():
    lenet = workloads.build("lenet5", {})
    convolutions = 28 * 28 * 25 * 6 + 10 * 10 * 25 * 6 * 16 + 25 * 16 * 120
    dense = 120 * 84 + 84 * 10
    assert flops.of_step(lenet, "inference", 2) == 2 * 2 * (convolutions + dense)
    lstm = workloads.build("stock_lstm", {})
    forward = 60 * 4 * 50 * (1 + 50 + 50 + 50) + 50
    assert flops.of_step(lstm, "training", 1) == 3 * 2 * forward


def test_every_workload_has_a_net_and_a_batch():
    assert [workload.name for workload in workloads.ALL] == list(BATCHES)


def test_the_chart_sorts_its_bars_and_ends_with_their_mean():
    pytest.importorskip("matplotlib")
    found = document()
    slower = found["results"][0] | {"workload": "alexnet"}
    slower["peers"] = {"convnet": entry(2.0), "keras-jax": entry(1.5)}
    found["results"].insert(0, slower)
    (panel,) = chart.draw(found).axes
    assert [bar.get_width() for bar in panel.patches] == [3, 0.75, pytest.approx(1.5)]
    assert [text.get_text() for text in panel.get_yticklabels()][-1] == "geometric mean"


def test_the_page_keeps_what_is_said_around_its_tables(tmp_path):
    text = f"# Speed\n\nsaid before\n\n{page.BEGIN}\nold\n{page.END}\n\nsaid after\n"
    found = document()
    found["environment"] |= {"python": "3.11", "commit": "1234567", "rounds": 3}
    for name in ("compare.json", "compare_avx2.json"):
        (tmp_path / name).write_text(json.dumps(found))
    (tmp_path / "speed.md").write_text(text)
    page.main(["--page", str(tmp_path / "speed.md"), "--results", str(tmp_path)])
    written = (tmp_path / "speed.md").read_text()
    assert written.startswith("# Speed\n\nsaid before\n") and written.endswith("\n\nsaid after\n")
    assert "old" not in written
    assert "Geometric mean of the ratios **3.00**, lowest 3.00 (`lenet5`)." in written
    assert "| lenet5 | 64 | 1 | 100% | 3 | 5 | pytorch-channels_last | 3 | 100.0% | 2 |" in written
    page.main(["--page", str(tmp_path / "speed.md"), "--results", str(tmp_path)])
    assert (tmp_path / "speed.md").read_text() == written
