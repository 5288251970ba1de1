"""A kernel's line in the table and in the file."""

from __future__ import annotations

import statistics

from bench import report
from bench.kernels import limits
from bench.kernels.kernel import Kernel
from bench.kernels.limits import Row, share
from bench.rounds import Rounds
from bench.table import FAMILIES

OWN = ("core", "direct", "machine", *limits.CONDITIONS)


def measured(family: str, kernel: Kernel, times: dict[str, Rounds]) -> Row:
    """Medians over rounds of the medians within them, rates, and whether the aim is missed.

    `machine` is the rate of multiply-adds, or of copies, that was probed in the same rounds.
    `of_peak` counts the products of direct summation with padding by the core's time. `executed`
    counts what a kernel does that sums directly, without those with padding: it is held against the
    aim.
    """
    rounds = {name: [statistics.median(r) for r in turns] for name, turns in times.items()}
    medians = {name: statistics.median(found) for name, found in rounds.items()}
    peers = {name: time for name, time in medians.items() if name not in OWN}
    by_family: dict[str, list[float]] = {}
    for name, time in peers.items():
        by_family.setdefault(FAMILIES.get(name, name), []).append(time)
    core, best = medians["core"], min(peers, key=peers.__getitem__, default=None)
    seen = core > 0  # else it is lost in the noise of the machine
    dense = kernel.flops or kernel.moved
    direct = rounds.get("direct", rounds["core"])
    executed = share(kernel.work, direct, rounds["machine"]) if seen else None
    return {
        "name": kernel.name,
        "family": family,
        "core_ms": core,
        "core_min_ms": min(rounds["core"]),
        "core_max_ms": max(rounds["core"]),
        "direct_ms": medians.get("direct"),
        **{f"{name}_ms": min(variants) for name, variants in by_family.items()},
        "best": best,
        "ratio": peers[best] / core if best and seen else None,
        "flops": kernel.flops,
        "executed_flops": kernel.executed or kernel.flops,
        "moved_bytes": kernel.moved,
        "machine": 1e3 / medians["machine"],
        "gflops": dense / core / 1e6 if seen and kernel.flops else None,
        "gbytes": dense / core / 1e6 if seen and not kernel.flops else None,
        "of_peak": share(dense, rounds["core"], rounds["machine"]) if seen else None,
        "executed": executed,
        "aim": kernel.aim,
        "missed": executed < kernel.aim if executed and kernel.aim else None,
        "limits": limits.shares(kernel, rounds) if executed and kernel.aim else None,
    }


def show(rows: list[Row]) -> None:
    """Print the rows; `!` marks those that miss their aim."""
    known = {key: None for row in rows for key in row if key.endswith("_ms")}
    times = [key for key in known if key not in ("core_min_ms", "core_max_ms")]
    columns = ["name", *times, "best", "ratio", "gflops", "gbytes", "of_peak", "executed", "aim"]
    cells = [[*(row.get(c) for c in columns), "!" if row["missed"] else ""] for row in rows]
    report.print_table([*columns, ""], cells)
    aimed = [row for row in rows if row["missed"] is not None]
    print(f"{sum(row['missed'] for row in aimed)} of {len(aimed)} miss their aim")
