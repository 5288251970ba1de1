"""What every benchmark shares: timing, the machine it ran on, tables and JSON files."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import convnet
from convnet import _core

RESULTS = Path(__file__).parent / "results"


Run = Callable[[], Any]


def measure(run: Run, rounds: int = 7, seconds: float = 0.2) -> dict[str, float]:
    """Milliseconds of one call: median, minimum and maximum of `rounds` rounds.

    A round repeats the call for at least `seconds / rounds`; a first round warms up.
    """
    times = [_call_time(run, seconds / rounds) for _ in range(rounds + 1)][1:]
    return {"median": statistics.median(times), "min": min(times), "max": max(times)}


def _call_time(run: Run, seconds: float) -> float:
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        run()
        calls += 1
    return (time.perf_counter() - start) / calls * 1e3


def probe_peak() -> float:
    """Best of three probes: billions of operations a second, a multiply-add being two."""
    return round(max(_core.probe_peak() for _ in range(3)) / 1e9, 1)


def probe_copy(megabytes: float = 64) -> float:
    """Gigabytes a second, read and written, that all threads copy, each within so much memory."""
    return round(max(_core.probe_copy(int(megabytes * 1e6)) for _ in range(3)) / 1e9, 1)


def probe_gpu() -> dict[str, float]:
    """What the GPU reaches: billions of operations a second, gigabytes a second of copies."""
    flops, bytes = _core.probe_gpu()
    return {"peak_gflops": round(flops / 1e9), "copy_gb_per_s": round(bytes / 1e9)}


def gpu() -> dict[str, Any]:
    """The first GPU, and versions of what drives it."""
    told = _core.cuda_devices()[0] | _core.cuda_info()
    names = ("name", "compute_capability", "runtime", "driver")
    return {f"gpu_{name}": told[name] for name in names}


def environment() -> dict[str, Any]:
    """ISA, threads, versions, commit and probed peak."""
    return {
        "convnet": convnet.__version__,
        "isa": _core.isa(),
        "threads": _core.num_threads(),
        "commit": _commit(),
        "peak_gflops": probe_peak(),
        "machine": _processor(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} x {len(names)}" if names else platform.machine()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under their columns, numbers to three digits."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in [list(columns), *cells]:
        print(
            "  ".join(
                text.rjust(w) if i else text.ljust(w)
                for i, (text, w) in enumerate(zip(line, widths, strict=True))
            )
        )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


def write_json(path: Path, environment: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write results with the environment that they were measured in."""
    document = {"environment": environment, "results": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"wrote {path}")
