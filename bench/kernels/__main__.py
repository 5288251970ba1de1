"""Kernels beside NumPy, PyTorch and ONNX Runtime: `python -m bench.kernels [names] [--quick] ...`.

Every kernel of the named shapes, forward and backward; before it is timed, its results are compared
with NumPy's. All have a turn in every round, on the threads that the core uses (set
CONVNET_NUM_THREADS and OPENBLAS_NUM_THREADS for others); with `--device gpu` the core and PyTorch
compute on the GPU. See bench/README.md.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from bench import registry, report
from bench.kernels import FAMILIES, limits, select, table
from bench.kernels.kernel import HUGE, Kernel
from bench.rounds import Field, Plan, interleaved
from convnet import _core, config

PEERS = ["numpy", "pytorch", "onnxruntime"]
ROUNDS_OF_HUGE = 3

QUICK = [
    *("lenet5_conv", "emotion_conv2", "alexnet_conv3", "vgg16_conv3_2", "resnet50_conv3_3x3"),
    *("resnet50_conv4_widening", "googlenet_3a_5x5", "mnist_conv2 with relu", "depthwise_3x3 "),
    *("lenet5_dense", "square_1024", "emotion_dense", "alexnet_dense1", "attention_scores"),
    *("emotion_pool1", "resnet50_pool1", "lenet5_pool1", "resnet50_map3", "mnist_map relu"),
    *("stock_second lstm", "h64_t60", "h128_t60_b32", "h512_t20", "text_second gru"),
    *("text_cnn_embedding", "alexnet_logits", "adam", "sgd_momentum"),
]


def measure(family: str, kernel: Kernel, numpy: bool, field: Field, plan: Plan) -> limits.Row:
    """A kernel's row."""
    print(f"{kernel.name} ...", file=sys.stderr, flush=True)
    kernel.check()
    turns = kernel.turns(numpy) | limits.turns(kernel)
    for turn in turns.values():
        turn(plan.seconds / 2)
    for name in field.prepare(kernel.request) if kernel.request else ():
        turns[name] = partial(field.turn, name)
    rounds = min(plan.rounds, ROUNDS_OF_HUGE) if kernel.flops > HUGE else plan.rounds
    times = interleaved(turns, rounds, plan.seconds)
    for name, reason in field.revive().items():
        print(f"{name} failed on {kernel.name}: {reason.strip()[-300:]}", file=sys.stderr)
    return table.measured(family, kernel, {n: rounds for n, rounds in times.items() if all(rounds)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; `--quick` changes what was not given."""
    parser = argparse.ArgumentParser(prog="python -m bench.kernels", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of names or families; all by default")
    parser.add_argument("--quick", action="store_true", help="some of them in under five minutes")
    parser.add_argument("--peers", help="names, by commas")
    parser.add_argument("--device", choices=registry.DEVICES, default=registry.CPU)
    parser.add_argument(
        "--precision", choices=["float32", "tf32"], default="float32", help="of products on a GPU"
    )
    parser.add_argument("--json", type=Path, help="bench/results/kernels[-gpu].json")
    parser.add_argument("--seconds", type=float, help="time for each of a kernel's columns (0.15)")
    options = parser.parse_args(arguments)
    on_cpu = options.device == registry.CPU
    if options.json is None:
        options.json = report.RESULTS / ("kernels.json" if on_cpu else "kernels-gpu.json")
    if options.peers is None:
        options.peers = ",".join(PEERS) if on_cpu else "pytorch"
    options.peers = [name for name in options.peers.split(",") if name]
    try:
        registry.chosen([p for p in options.peers if p != "numpy"], options.device)
    except ValueError as error:
        parser.error(str(error))
    if options.quick:
        options.names = options.names or QUICK
    if options.seconds is None:
        options.seconds = 0.1 if options.quick else 0.15
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    with config.device(options.device):
        run(options)


def run(options: argparse.Namespace) -> None:
    """Measure on the device in use, show and write what was found."""
    rounds = 3 if options.quick else 5
    held = registry.AVX2 if _core.isa() == "avx2" else {}
    plan = Plan(rounds, options.seconds / rounds, _core.num_threads(), held, options.precision)
    if options.precision == "tf32":
        config.set_matmul_precision("medium")
    on_gpu = options.device == registry.GPU
    numpy = "numpy" in options.peers  # of this process
    wanted = registry.chosen([p for p in options.peers if p != "numpy"], options.device)
    missing = [peer.name for peer in wanted if not peer.installed]
    environment = report.environment() | {"not_installed": missing}
    environment |= report.gpu() | {"precision": options.precision} if on_gpu else {}
    print(", ".join(f"{k} {v}" for k, v in environment.items()))
    with Field([peer for peer in wanted if peer.installed], plan) as field:
        environment["versions"] = field.versions()
        rows = [
            measure(family, kernel, numpy, field, plan)
            for family in FAMILIES
            for kernel in select(family, options.names)
        ]
    table.show(rows)
    report.write_json(options.json, environment, rows)


if __name__ == "__main__":
    main()
