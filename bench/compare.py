"""convnet beside other frameworks: `python -m bench compare [workloads] [--mode MODE] ...`.

Every peer takes its turn in every round of one run, on the same threads; the machine's peak and
copy rates are probed before and after. With `--device gpu` everybody computes on the GPU. See
bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import registry, setup_peers
from bench.batches import BATCHES
from bench.registry import INFERENCE, TRAINING, Peer
from bench.rounds import Field, Plan

QUICK_PEERS = ["pytorch", "onnxruntime", "openvino"]
QUICK = {"rounds": 3, "seconds": 0.1}
THE_SAME_NET = {"stock_lstm_b1": "stock_lstm"}


def tasks(names: list[str], mode: str) -> Iterator[tuple[str, str, list[int]]]:
    """Workload, mode and batch sizes of everything to measure."""
    chosen = names or list(BATCHES)
    if mode in (TRAINING, "all"):
        yield from ((name, TRAINING, [BATCHES[name].size]) for name in chosen)
    if mode in (INFERENCE, "all"):
        for name in chosen:
            if name not in THE_SAME_NET:
                yield name, INFERENCE, [1, BATCHES[name].size]


def measure(
    task: tuple[str, str, list[int]], peers: list[Peer], plan: Plan, document: dict[str, Any]
) -> list[dict[str, Any]]:
    """The results of a task, one for each batch size; versions and failures go to the document."""
    from bench import flops, workloads

    name, mode, batches = task
    results = []
    with Field([p for p in peers if mode in p.modes], plan) as field:
        document["versions"] |= field.versions()
        for batch in batches:
            entries = field.measure(name, mode, batch)
            operations = flops.of_step(workloads.build(name, {}), mode, batch)
            results.append(
                {"workload": name, "mode": mode, "batch": batch, "flops": operations}
                | {"peers": entries}
            )
        for peer, reason in field.failures.items():
            document["failures"].setdefault(peer, {})[f"{name} {mode}"] = reason
            print(f"{peer} failed on {name} {mode}: {reason.strip()[-300:]}", file=sys.stderr)
    return results


def probe(device: str) -> dict[str, float]:
    """What the machine reaches at this moment."""
    from bench import report

    if device == registry.GPU:
        return report.probe_gpu()
    return {"peak_gflops": report.probe_peak(), "copy_gb_per_s": report.probe_copy(256)}


def installed_mb(peers: list[Peer]) -> dict[str, float]:
    """Megabytes of each environment, and of convnet with what it needs."""
    import convnet

    made = {p.environment for p in peers if p.environment and p.python.as_posix() != sys.executable}
    sizes = {name.removesuffix("-gpu"): setup_peers.size(name) for name in made}
    needed = [f.locate() for n in ("numpy", "h5py") for f in metadata.files(n) or []]
    own = setup_peers.folder_size(Path(convnet.__file__).parent)
    own += sum(setup_peers.folder_size(Path(str(path))) for path in needed)
    return {name: round(size) for name, size in sizes.items()} | {"convnet": round(own / 1e6)}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what was asked for.

    Returns:
        The document that is written: environment, versions, sizes and raw times.
    """
    wanted = registry.chosen(options.peers, options.device)
    own = [registry.CONVNET] if options.device == registry.CPU else [registry.CONVNET_GPU]
    if options.device == registry.CPU and options.threads > 1:
        own.append(registry.ONE_THREAD)
    peers = [peer for peer in wanted if peer.installed]
    held = registry.AVX2 if options.isa == "avx2" else {}
    plan = Plan(options.rounds, options.seconds, options.threads, held, options.precision)
    document: dict[str, Any] = {
        "environment": _environment(options),
        "not_installed": [peer.name for peer in wanted if not peer.installed],
        "installed_mb": installed_mb(peers),
        "versions": {},
        "failures": {},
        "probes": [probe(options.device)],
        "results": [],
    }
    for task in tasks(options.names, options.mode):
        print(f"{task[0]} {task[1]} ...", file=sys.stderr, flush=True)
        document["results"] += measure(task, [*own, *peers], plan, document)
        document["probes"].append(probe(options.device))
    return document


def _environment(options: argparse.Namespace) -> dict[str, Any]:
    from bench import report

    settings: dict[str, Any] = {"rounds": options.rounds, "seconds": options.seconds}
    if options.device == registry.GPU:
        settings |= report.gpu() | {"precision": options.precision}
    if options.isa == "avx2":
        settings["not_held_to_avx2"] = list(registry.NOT_HELD_TO_AVX2)
    return report.environment() | {"threads": options.threads} | settings


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; `--quick` changes what was not given."""
    parser = argparse.ArgumentParser(prog="bench compare", description=__doc__)
    parser.add_argument("names", nargs="*", help="workloads; all by default")
    parser.add_argument("--mode", choices=[TRAINING, INFERENCE, "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="in under five minutes")
    parser.add_argument("--peers", type=lambda text: text.split(","), help="names, by commas")
    parser.add_argument("--compile", action="store_true", help="torch.compile takes part too")
    parser.add_argument("--rounds", type=int, help="turns of every peer (7)")
    parser.add_argument("--seconds", type=float, help="length of a turn (1)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--isa", choices=["avx2"], help="hold everybody to these instructions")
    parser.add_argument("--device", choices=registry.DEVICES, default=registry.CPU)
    parser.add_argument(
        "--precision",
        choices=["float32", "tf32", "bf16"],
        default="float32",
        help="of products on a GPU",
    )
    parser.add_argument("--json", type=Path, help="bench/results/compare[-gpu].json")
    options = parser.parse_args(arguments)
    for unknown in set(options.names) - set(BATCHES):
        parser.error(f"unknown workload {unknown!r}; expected some of {', '.join(BATCHES)}")
    on_cpu = options.device == registry.CPU
    if options.json is None:
        name = "compare.json" if on_cpu else "compare-gpu.json"
        options.json = registry.ROOT / "bench" / "results" / name
    if options.peers is None and on_cpu:
        options.peers = list(QUICK_PEERS) if options.quick else None
    if options.compile:
        everybody = [p.name for p in registry.PEERS if not p.optional]
        options.peers = [*(options.peers or everybody), "pytorch-compile"]
    try:
        registry.chosen(options.peers, options.device)
    except ValueError as error:
        parser.error(str(error))
    for name, value in (QUICK if options.quick else {"rounds": 7, "seconds": 1.0}).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main(arguments: list[str] | None = None) -> None:
    from bench import table

    options = parse(arguments)
    if options.isa == "avx2":
        os.environ |= registry.AVX2  # before convnet chooses its kernels in this process
    os.environ["CONVNET_NUM_THREADS"] = str(options.threads)
    document = run(options)
    table.show(document)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n")
    print(f"wrote {options.json}")


if __name__ == "__main__":
    main()
