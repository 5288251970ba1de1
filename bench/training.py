"""Step times of `fit`: `python -m bench.training [names] [--json FILE]`.

A step is timed as users run it: `fit` over enough repetitions of one batch that the cost of the
call vanishes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import report, workloads


def measure_steps(workload: workloads.Workload, seconds: float) -> dict[str, Any]:
    """First step (building the plan) and steady step in milliseconds."""
    model, (x, y) = workloads.make(workload)
    start = time.perf_counter()
    model.fit(x, y, batch_size=workload.batch, verbose=0)
    first = (time.perf_counter() - start) * 1e3
    start = time.perf_counter()
    model.fit(x, y, batch_size=workload.batch, verbose=0)
    guess = time.perf_counter() - start
    steps = max(1, min(200, int(seconds / 5 / guess)))
    many_x, many_y = (np.concatenate([a] * steps) for a in (x, y))

    def run() -> None:
        model.fit(many_x, many_y, batch_size=workload.batch, shuffle=False, verbose=0)

    times = report.measure(run, rounds=5, seconds=seconds)
    return {
        "workload": workload.name,
        "batch": workload.batch,
        "first_ms": first,
        **{f"step_{k}_ms": v / steps for k, v in times.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="workloads to run; all by default")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each workload")
    parser.add_argument("--json", type=Path, default=report.RESULTS / "training.json")
    arguments = parser.parse_args()
    environment = report.environment()
    print(", ".join(f"{k} {v}" for k, v in environment.items()))
    rows = [
        measure_steps(w, arguments.seconds)
        for w in workloads.ALL
        if not arguments.names or w.name in arguments.names
    ]
    columns = ["workload", "batch", "first_ms", "step_median_ms", "step_min_ms", "step_max_ms"]
    report.print_table(columns, [[row[c] for c in columns] for row in rows])
    after = {"peak_gflops_after": report.probe_peak()}
    report.write_json(arguments.json, environment | after, rows)


if __name__ == "__main__":
    main()
