"""What limits kernels that miss their aim: `python -m bench limits` writes docs/kernels.md.

Beside a kernel with an aim, the same is timed on one thread, and there with so little data that a
second-level cache holds all of it. How much larger a share of the machine it reaches there tells
what the other threads cost, and what the data's way to the core does. The rest is its own
instructions.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import registry, report
from bench.kernels.kernel import SHARD, Builder, Difference, Kernel, MachineRate
from bench.rounds import Turn
from convnet import _core, config

Row = dict[str, Any]
CACHED_BYTES = 1 << 18  # of a thread: a quarter of a second-level cache
CONDITIONS = ("alone", "machine alone", "cached", "machine cached")
CLEAR = 1.1  # a factor that is no noise

CAUSES = {
    "best": "other guests of the machine",
    "alone": "other threads",
    "cached": "data from memory and larger caches",
    "": "its own instructions",
}


def with_cached(build: Callable[[Any], Any], case: Any, small: Any) -> Builder:
    """The kernels of a case, each with that of a case whose data a cache holds."""
    return lambda: [
        replace(kernel, cached=cached)
        for kernel, cached in zip(build(case), build(small), strict=True)
    ]


def fitting(size: tuple[int, int], channels: int) -> tuple[int, int]:
    """The size, its larger extent halved until a cache holds a shard's images."""
    high, wide = size
    while 4 * SHARD * channels * high * wide > CACHED_BYTES:
        high, wide = ((high + 1) // 2, wide) if high > wide else (high, (wide + 1) // 2)
    return high, wide


def turns(kernel: Kernel) -> dict[str, Turn]:
    """A kernel with an aim, summing directly, on one thread and in its cache; the machine there."""
    if kernel.aim is None or config.gpu() >= 0:
        return {}
    found = {}
    for name, one in (("alone", kernel), ("cached", kernel.cached)):
        if one:
            found[name] = _on_one_thread(Difference(one.directly() or one).measure)
            found[f"machine {name}"] = _on_one_thread(MachineRate(one).measure)
    return found


def share(work: float, own: list[float], machine: list[float], best: bool = False) -> float:
    """Work done by what the machine does in the time: the median over rounds, or the best."""
    found = [
        work * whole / part / 1e9 for part, whole in zip(own, machine, strict=True) if part > 0
    ]
    return max(found) if best else statistics.median(found)


def shares(kernel: Kernel, rounds: dict[str, list[float]]) -> dict[str, float]:
    """What `executed` is in the best round, on one thread and in its cache; of milliseconds."""
    full = rounds.get("direct", rounds["core"])
    found = {"best": share(kernel.work, full, rounds["machine"], best=True)}
    work = {"alone": kernel.work, "cached": kernel.cached.work if kernel.cached else 0.0}
    for name in work.keys() & rounds.keys():
        if statistics.median(rounds[name]) > 0:
            found[name] = share(work[name], rounds[name], rounds[f"machine {name}"])
    return found


def _on_one_thread(turn: Turn) -> Turn:
    def measure(seconds: float) -> list[float]:
        threads = _core.num_threads()
        _core.set_num_threads(1)
        try:
            return turn(seconds)
        finally:
            _core.set_num_threads(threads)

    return measure


def limit(row: Row) -> str:
    """What costs a row most."""
    found, full = row["limits"], row["executed"]
    alone = found.get("alone", full)
    factors = {"best": found["best"] / full, "alone": alone / full}
    factors["cached"] = found.get("cached", alone) / alone
    largest = max(factors, key=factors.__getitem__)
    return CAUSES[largest if factors[largest] >= CLEAR else ""]


def page(document: dict[str, Any]) -> str:
    """The text of docs/kernels.md."""
    told = document["environment"]
    aimed = [row for row in document["results"] if row["missed"] is not None]
    missed = [row for row in aimed if row["missed"]]
    causes = Counter(map(limit, missed))
    lines = [
        "# Kernels that miss their aim, and what limits them",
        "",
        "Written by `python -m bench limits` from `bench/results/kernels.json`, which "
        "`python -m bench.kernels` measured on",
        f"{told['machine']}, {told['isa']}, {told['threads']} threads, {told['date']}, "
        f"commit `{told['commit']}`.",
        "",
        f"Of {len(aimed)} kernels with an aim {len(missed)} miss it. What costs them most:",
        ", ".join(f"{cause} ({count})" for cause, count in causes.most_common()) + ".",
        "",
        "All columns are shares of what the machine was probed to reach in the same rounds, of "
        "multiply-adds or of copies: in the",
        "*median* round, which counts, and in the *best* one; of *one thread*; of one thread *in "
        "its cache*, with images, channels,",
        "steps or parameters cut until they fit in a quarter of the second level. The largest "
        "factor, of the best round or of one",
        "thread by the median, or of the cache by the one thread, names the limit. Where none "
        f"reaches {CLEAR}, the kernel's own",
        "instructions are it: loads, tails of tiles, functions other than products.",
    ]
    lines += ["", *_summary(aimed)]
    for family in dict.fromkeys(row["family"] for row in missed):
        lines += ["", f"## {family.capitalize()}", ""]
        lines += ["| kernel | aim | median | best | one thread | in its cache | limited by |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [_line(row) for row in missed if row["family"] == family]
    return "\n".join(lines) + "\n"


def _summary(rows: list[Row]) -> list[str]:
    """A table of the rows that have an aim, by family, direction and aim."""
    kinds: dict[tuple[str, str, float], list[Row]] = {}
    for row in rows:
        last = row["name"].split()[-1]
        direction = last if last.startswith(("forward", "backward")) else ""
        kinds.setdefault((row["family"], direction, row["aim"]), []).append(row)
    lines = ["| family | direction | aim | kernels | meet it | in their best round | median |"]
    lines.append("|---|---|---|---|---|---|---|")
    for (family, direction, aim), found in kinds.items():
        meet = [row for row in found if not row["missed"]]
        at_best = [row for row in found if row["limits"]["best"] >= aim]
        median = statistics.median(row["executed"] for row in found)
        lines.append(
            f"| {family} | {direction} | {aim:.0%} | {len(found)} | {len(meet)} | {len(at_best)} "
            f"| {median:.0%} |"
        )
    return lines


def _line(row: Row) -> str:
    found = [row["aim"], row["executed"], *map(row["limits"].get, ("best", "alone", "cached"))]
    cells = [f"{share:.0%}" if share else "" for share in found]
    return f"| {' | '.join([row['name'], *cells, limit(row)])} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench limits", description=__doc__)
    parser.add_argument("--json", type=Path, default=report.RESULTS / "kernels.json")
    parser.add_argument("--page", type=Path, default=registry.ROOT / "docs" / "kernels.md")
    options = parser.parse_args(arguments)
    options.page.write_text(page(json.loads(options.json.read_text())))
    print(f"wrote {options.page}")
