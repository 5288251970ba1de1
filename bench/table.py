"""Tables of a comparison."""

from __future__ import annotations

import statistics
from math import exp, log
from typing import Any

from bench.registry import CONVNET, INFERENCE, ONE_THREAD, PEERS, TRAINING

Result = dict[str, Any]
Row = dict[str, Any]
FAMILIES = {p.name: p.environment or p.name for p in PEERS}


def rounds_ms(entry: dict[str, Any]) -> list[float]:
    """A peer's time in each round: the median of the round."""
    return [statistics.median(times) for times in entry["rounds"]]


def peak_gflops(document: dict[str, Any]) -> float:
    """The machine's peak during the run: the highest that was probed."""
    return float(max(probe["peak_gflops"] for probe in document["probes"]))


def best_variants(result: Result) -> dict[str, str]:
    """For each other framework that was measured its fastest variant."""
    medians = {
        name: statistics.median(rounds_ms(entry))
        for name, entry in result["peers"].items()
        if name not in (CONVNET.name, ONE_THREAD.name)
    }
    best: dict[str, str] = {}
    for name in sorted(medians, key=medians.__getitem__):
        best.setdefault(FAMILIES.get(name, name), name)
    return best


def summarise(result: Result, peak: float) -> Row | None:
    """What a table or a chart shows of a result; None without convnet in it.

    The ratio is that of the best peer's time to convnet's: above one convnet is faster. It is the
    median over rounds, so that a round disturbed by a neighbour disturbs both of its times. So is
    how many times faster all threads are than one.
    """
    times = {name: rounds_ms(entry) for name, entry in result["peers"].items()}
    if CONVNET.name not in times:
        return None
    own, best = times[CONVNET.name], best_variants(result)
    others = {family: times[name] for family, name in best.items()}
    row: Row = {
        "workload": result["workload"],
        "batch": result["batch"],
        "convnet": statistics.median(own),
        "spread": (max(own) - min(own)) / statistics.median(own),
        "times": {family: statistics.median(times) for family, times in others.items()},
        "variants": best,
        "of_peak": result["flops"] / statistics.median(own) / 1e6 / peak,
        "best": None,
        "ratio": None,
        "by_threads": None,
    }
    if others:
        fastest = min(others, key=lambda family: statistics.median(others[family]))
        row |= {"best": best[fastest], "ratio": faster(own, others[fastest])}
    if ONE_THREAD.name in times:
        row["by_threads"] = faster(own, times[ONE_THREAD.name])
    return row


def faster(own: list[float], than: list[float]) -> float:
    """How many times, in the median over rounds."""
    return statistics.median(theirs / ours for theirs, ours in zip(than, own, strict=True))


def rows(document: dict[str, Any], mode: str, single: bool = False) -> list[Row]:
    """Summaries of a mode; of inference either those of one sample or those of a batch."""
    peak = peak_gflops(document)
    wanted = [
        result
        for result in document["results"]
        if result["mode"] == mode and (mode == TRAINING or (result["batch"] == 1) == single)
    ]
    found = [summarise(result, peak) for result in wanted]
    return [row for row in found if row is not None]


def geometric_mean(ratios: list[float]) -> float:
    """The mean by which ratios are averaged."""
    return exp(sum(map(log, ratios)) / len(ratios))


def groups(document: dict[str, Any]) -> dict[str, list[Row]]:
    """The rows of training, of inference on one sample and of inference on a batch."""
    found = {
        "training": rows(document, TRAINING),
        "inference, one sample": rows(document, INFERENCE, single=True),
        "inference, a batch": rows(document, INFERENCE),
    }
    return {title: part for title, part in found.items() if part}


def show(document: dict[str, Any]) -> None:
    """Print the tables of a document."""
    from bench import report

    print(", ".join(f"{k} {v}" for k, v in document["environment"].items()))
    for key in ("peak_gflops", "copy_gb_per_s"):
        values = [probe[key] for probe in document["probes"]]
        print(f"{key}: first {values[0]}, last {values[-1]}, {min(values)} to {max(values)}")
    if document["not_installed"]:
        print("not installed:", ", ".join(document["not_installed"]))
    for title, part in groups(document).items():
        print(f"\n{title}: milliseconds a step, the best variant of each")
        report.print_table(*times_table(part))
        ratios = [row["ratio"] for row in part if row["ratio"]]
        if ratios:
            print(f"geometric mean of the ratios to the best peer: {geometric_mean(ratios):.2f}")
    print("\nfirst step with all compilation (ms), peak memory (MB), import (s), installed (MB)")
    report.print_table(*costs_table(document))


def times_table(part: list[Row]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a mode's times."""
    families = list(dict.fromkeys(family for row in part for family in row["times"]))
    columns = ["workload", "batch", "convnet", "spread", *families, "best", "ratio", "of peak"]
    threads = any(row["by_threads"] for row in part)
    cells = [
        [
            *(row[key] for key in ("workload", "batch", "convnet")),
            f"{row['spread']:.0%}",
            *(row["times"].get(family) for family in families),
            row["best"],
            row["ratio"],
            f"{row['of_peak']:.1%}",
            *([row["by_threads"]] if threads else []),
        ]
        for row in part
    ]
    return [*columns, *(["by threads"] if threads else [])], cells


def costs_table(document: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """What a user pays beside steps, for each peer: medians, and the most over all workloads."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for result in document["results"]:
        for name, entry in result["peers"].items():
            if name == ONE_THREAD.name:
                continue
            entries.setdefault(name, []).append(entry)
    columns = ["peer", "first median", "first most", "memory median", "memory most", "import"]
    cells = []
    for name, found in entries.items():
        firsts, memory = ([e[key] for e in found] for key in ("first_step_ms", "memory_mb"))
        cells.append(
            [
                name,
                statistics.median(firsts),
                max(firsts),
                statistics.median(memory),
                max(memory),
                statistics.median(e["import_s"] for e in found),
                document["installed_mb"].get(FAMILIES.get(name, name)),
            ]
        )
    return [*columns, "installed"], cells
