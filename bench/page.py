"""The tables of docs/speed.md: `python -m bench page` writes them from bench/results/.

They stand between two comments of that page; what is said around them is left as it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench import registry, table

PAGE = registry.ROOT / "docs" / "speed.md"
RESULTS = registry.ROOT / "bench" / "results"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def run_of(document: dict[str, Any]) -> str:
    """Where, when and how a comparison was made."""
    told, probes = document["environment"], document["probes"]
    spans = [
        f"{min(probe[key] for probe in probes):.0f} to {max(probe[key] for probe in probes):.0f}"
        for key in ("peak_gflops", "copy_gb_per_s")
    ]
    versions = {
        f"{name} {v}" for found in document["versions"].values() for name, v in found.items()
    }
    return "\n".join(
        [
            f"{told['machine']}, {told['isa']}, threads: {told['threads']}, Python "
            f"{told['python']}, {told['date']}, commit `{told['commit']}`; {told['rounds']} "
            "interleaved rounds.",
            f"Probed between workloads: {spans[0]} GFLOP/s of multiply-adds, {spans[1]} GB/s of "
            "copies.",
            f"Versions: {', '.join(sorted(versions))}.",
        ]
    )


def times(document: dict[str, Any]) -> str:
    """The tables of milliseconds a step."""
    parts = []
    for title, rows in table.groups(document).items():
        ratios = {row["workload"]: row["ratio"] for row in rows if row["ratio"]}
        lowest = min(ratios, key=ratios.__getitem__)
        parts += [
            f"### {title.capitalize()}",
            "Milliseconds a step, the best variant of each framework. Geometric mean of the "
            f"ratios **{table.geometric_mean(list(ratios.values())):.2f}**, lowest "
            f"{ratios[lowest]:.2f} (`{lowest}`).",
            markdown(*table.times_table(rows)),
        ]
    return "\n\n".join(parts)


def markdown(columns: list[str], rows: list[list[Any]]) -> str:
    """A table, numbers to three digits."""
    lines = [columns, ["---"] * len(columns), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


def tables(document: dict[str, Any], avx2: dict[str, Any]) -> str:
    """Everything between the two comments."""
    return "\n\n".join(
        [
            run_of(document),
            times(document),
            "## What a user pays beside steps",
            "First step with all compilation (ms), peak memory (MB), import (s), installed (MB).",
            markdown(*table.costs_table(document)),
            "## Held to AVX2",
            run_of(avx2),
            times(avx2),
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench page", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    files = ("compare.json", "compare_avx2.json")
    documents = [json.loads((options.results / name).read_text()) for name in files]
    before, rest = options.page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    options.page.write_text(f"{before}{BEGIN}\n\n{tables(*documents)}\n\n{END}{after}")
    print(f"wrote {options.page}")
