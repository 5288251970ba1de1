"""A kernel's line in the table and in the file."""

from __future__ import annotations

import statistics
from typing import Any

from bench import report
from bench.kernels.kernel import Kernel
from bench.rounds import Rounds
from bench.table import FAMILIES

Row = dict[str, Any]
Machine = dict[str, Any]
COPIED_KB = [16 * 4**power for power in range(7)]  # of each thread: from the first cache to memory
OWN = ("core", "direct")


def probe(gpu: bool, suffix: str = "") -> Machine:
    """What the machine reaches at this moment; rates of copies by the kilobytes of a thread.

    A GPU's are those of copies in its memory, whatever their size.
    """
    if gpu:
        found = report.probe_gpu()
        copies = dict.fromkeys(map(str, COPIED_KB), found["copy_gb_per_s"])
        return {f"peak_gflops{suffix}": found["peak_gflops"], f"copy_gbytes{suffix}": copies}
    copies = {str(size): report.probe_copy(size / 1e3) for size in COPIED_KB}
    return {f"peak_gflops{suffix}": report.probe_peak(), f"copy_gbytes{suffix}": copies}


def measured(family: str, kernel: Kernel, times: dict[str, Rounds]) -> Row:
    """Medians over rounds of the medians within them, and the work that was done."""
    rounds = {name: [statistics.median(r) for r in turns] for name, turns in times.items()}
    medians = {name: statistics.median(found) for name, found in rounds.items()}
    peers = {name: time for name, time in medians.items() if name not in OWN}
    by_family: dict[str, list[float]] = {}
    for name, time in peers.items():
        by_family.setdefault(FAMILIES.get(name, name), []).append(time)
    core, best = medians["core"], min(peers, key=peers.__getitem__, default=None)
    return {
        "name": kernel.name,
        "family": family,
        "core_ms": core,
        "core_min_ms": min(rounds["core"]),
        "core_max_ms": max(rounds["core"]),
        "direct_ms": medians.get("direct"),
        **{f"{name}_ms": min(variants) for name, variants in by_family.items()},
        "best": best,
        "ratio": peers[best] / core if best and core > 0 else None,
        "flops": kernel.flops,
        "executed_flops": kernel.executed or kernel.flops,
        "moved_bytes": kernel.moved,
        "held_bytes": kernel.held,
        "aim": kernel.aim,
    }


def rated(row: Row, machine: Machine) -> Row:
    """A row with rates, their shares of what the machine can, and whether that misses the aim.

    `of_peak` counts the products of direct summation with padding. `executed` counts what a kernel
    does that sums directly, without those with padding: it is held against the aim.
    """
    core = row["core_ms"]
    if core <= 0:  # lost in the noise of the machine
        return row | dict.fromkeys(("gflops", "gbytes", "of_peak", "executed", "missed"))
    rate = (row["flops"] or row["moved_bytes"]) / core / 1e6
    if row["flops"]:
        peak = max(value for key, value in machine.items() if key.startswith("peak_gflops"))
        executed = row["executed_flops"] / (row["direct_ms"] or core) / 1e6 / peak
    else:
        peak = copy_rate(row["held_bytes"], machine)
        executed = rate / peak
    return row | {
        "gflops": rate if row["flops"] else None,
        "gbytes": None if row["flops"] else rate,
        "of_peak": rate / peak,
        "executed": executed,
        "missed": executed < row["aim"] if row["aim"] else None,
    }


def copy_rate(held: float, machine: Machine) -> float:
    """Gigabytes a second that are copied within the least probed memory that holds so many."""
    fitting = [size for size in COPIED_KB if size * 1e3 >= held] or COPIED_KB[-1:]
    rates = [value for key, value in machine.items() if key.startswith("copy_gbytes")]
    return float(max(by_size[str(fitting[0])] for by_size in rates))


def show(rows: list[Row]) -> None:
    """Print the rows; `!` marks those that miss their aim."""
    known = {key: None for row in rows for key in row if key.endswith("_ms")}
    times = [key for key in known if key not in ("core_min_ms", "core_max_ms")]
    columns = ["name", *times, "best", "ratio", "gflops", "gbytes", "of_peak", "executed", "aim"]
    cells = [[*(row.get(c) for c in columns), "!" if row["missed"] else ""] for row in rows]
    report.print_table([*columns, ""], cells)
    aimed = [row for row in rows if row["missed"] is not None]
    print(f"{sum(row['missed'] for row in aimed)} of {len(aimed)} miss their aim")
