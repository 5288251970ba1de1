"""How a training step grows: `python -m bench scaling [axes] [--peers a,b] [--json FILE]`.

One size of a plain net is varied at a time: the batch, image size, channels or depth of a
convolutional net, the sequence length or hidden size of an LSTM, and the number of threads.
convnet's curves are drawn beside those of its peers, PyTorch by default.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import registry
from bench.compare import probe
from bench.registry import TRAINING, Peer
from bench.rounds import Field, Plan
from bench.table import rounds_ms

BATCH = 32
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Axis:
    """One size of a net, and the values it takes.

    Args:
        net: Name of the scaled net.
        size: Which size; `batch` and `threads` are no argument of the net.
        values: From the least to the greatest.
    """

    net: str
    size: str
    values: tuple[int, ...]


def powers(least: int, most: int) -> tuple[int, ...]:
    """Powers of two, with the greatest even where it is none."""
    found = [least]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return tuple(dict.fromkeys([*found, most]))


AXES = {
    "batch": Axis("scaled_cnn", "batch", powers(1, 1024)),
    "size": Axis("scaled_cnn", "size", powers(8, 128)),
    "channels": Axis("scaled_cnn", "channels", (1, 4, 8, 16, 24, 32, 48, 64, 128)),
    "depth": Axis("scaled_cnn", "depth", powers(1, 16)),
    "length": Axis("scaled_lstm", "length", powers(8, 512)),
    "hidden": Axis("scaled_lstm", "hidden", (8, 16, 32, 50, 64, 128, 256)),
    "lstm_batch": Axis("scaled_lstm", "batch", powers(1, 512)),
    "threads": Axis("scaled_cnn", "threads", powers(1, THREADS)),
}


def curve(axis: Axis, peers: list[Peer], options: argparse.Namespace) -> list[dict[str, Any]]:
    """For each value of an axis the median milliseconds of each peer's step."""
    points = []
    for value in axis.values:
        threads = value if axis.size == "threads" else options.threads
        batch = value if axis.size == "batch" else BATCH
        sizes = {} if axis.size in ("batch", "threads") else {axis.size: value}
        with Field(peers, Plan(options.rounds, options.seconds, threads)) as field:
            entries = field.measure(axis.net, TRAINING, batch, sizes)
        times = {name: statistics.median(rounds_ms(entry)) for name, entry in entries.items()}
        points.append({"value": value, "times": times})
        told = ", ".join(f"{name} {time:.3g}" for name, time in times.items())
        print(f"{axis.size} {value}: {told} ms", file=sys.stderr, flush=True)
    return points


def draw(document: dict[str, Any]) -> Any:
    """The figure, a panel for each axis, both of its scales logarithmic."""
    from matplotlib.figure import Figure

    curves = document["curves"]
    columns = min(4, len(curves))
    lines = -(-len(curves) // columns)
    figure = Figure(figsize=(3 * columns, 2.6 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for axis, (name, found) in zip(axes, curves.items(), strict=False):
        _panel(axis, f"{found['net']}: {name}", found["points"])
    for unused in axes[len(curves) :]:
        unused.remove()
    figure.suptitle("Milliseconds of a training step", fontsize=11)
    return figure


def _panel(axis: Any, title: str, points: list[dict[str, Any]]) -> None:
    for name in dict.fromkeys(name for point in points for name in point["times"]):
        found = [(p["value"], p["times"][name]) for p in points if name in p["times"]]
        axis.plot(*zip(*found, strict=True), marker="o", markersize=3, label=name)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_title(title, fontsize=9)
    axis.tick_params(which="both", labelsize=7)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=6)


def main(arguments: list[str] | None = None) -> None:
    from bench import chart, report

    parser = argparse.ArgumentParser(prog="bench scaling", description=__doc__)
    parser.add_argument("axes", nargs="*", help=f"of {', '.join(AXES)}; all by default")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=["pytorch"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--threads", type=int, default=THREADS)
    results = registry.ROOT / "bench" / "results" / "scaling.json"
    parser.add_argument("--json", type=Path, default=results)
    parser.add_argument("--out", type=Path, default=registry.ROOT / "docs" / "scaling.svg")
    options = parser.parse_args(arguments)
    for unknown in set(options.axes) - set(AXES):
        parser.error(f"unknown axis {unknown!r}; expected some of {', '.join(AXES)}")
    try:
        chosen = registry.chosen(options.peers)
    except ValueError as error:
        parser.error(str(error))
    for missing in (peer.name for peer in chosen if not peer.installed):
        print(f"not installed: {missing}")
    peers = [registry.CONVNET, *(peer for peer in chosen if peer.installed)]
    document: dict[str, Any] = {"environment": report.environment(), "probes": [probe()]}
    document["curves"] = {
        name: {"net": AXES[name].net, "points": curve(AXES[name], peers, options)}
        for name in options.axes or AXES
    }
    document["probes"].append(probe())
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n")
    print(f"wrote {options.json}")
    chart.save(draw(document), options.out)


if __name__ == "__main__":
    main()
