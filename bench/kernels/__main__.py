"""Kernels against vectorised NumPy: `python -m bench.kernels [names] [--json FILE] [--seconds S]`.

Every kernel of the named shapes, forward and backward, beside NumPy on the same inputs; before it
is timed, their results are compared. Compute-bound kernels are reported in FLOP/s and as a share of
the peak that multiply-adds reach on this machine, memory-bound ones in bytes moved a second (each
input read and each result written once) and as a share of the rate at which NumPy copies main
memory: above 1 where shards stay in caches. Both sides use all cores; for one core set
CONVNET_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench import report
from bench.kernels import FAMILIES, select
from bench.kernels.kernel import Kernel

COLUMNS = ["name", "core_ms", "numpy_ms", "ratio", "gflops", "gbytes", "of_peak"]


def row(family: str, kernel: Kernel, seconds: float, environment: dict[str, Any]) -> dict[str, Any]:
    """A kernel's line in the table and in the file."""
    kernel.check()
    times = kernel.measure(seconds)
    core, numpy = times["core"], times["numpy"]
    found = core["median"] > 0  # otherwise the kernel is lost in the noise of the machine
    rate = (kernel.flops or kernel.moved) / core["median"] / 1e6 if found else None
    peak = environment["peak_gflops" if kernel.flops else "copy_gbytes"]
    return {
        "name": kernel.name,
        "family": family,
        "core_ms": core["median"],
        "core_min_ms": core["min"],
        "core_max_ms": core["max"],
        "numpy_ms": numpy["median"],
        "ratio": numpy["median"] / core["median"] if found else None,
        "gflops": rate if kernel.flops else None,
        "gbytes": None if kernel.flops else rate,
        "of_peak": rate / peak if found else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.kernels", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of names or families; all by default")
    parser.add_argument("--json", type=Path, default=report.RESULTS / "kernels.json")
    parser.add_argument("--seconds", type=float, default=0.2, help="time for each measurement")
    arguments = parser.parse_args()
    environment = report.environment() | {"copy_gbytes": report.probe_copy()}
    print(", ".join(f"{k} {v}" for k, v in environment.items()))
    rows = [
        row(family, kernel, arguments.seconds, environment)
        for family in FAMILIES
        for kernel in select(family, arguments.names)
    ]
    report.print_table(COLUMNS, [[row[c] for c in COLUMNS] for row in rows])
    report.write_json(arguments.json, environment, rows)


if __name__ == "__main__":
    main()
