"""Draw a comparison: `python -m bench chart [--json FILE] [--out docs/speed.svg]`.

A bar is how many times faster convnet is than the best peer of a workload; the bars of a part are
sorted, with their geometric mean last. A PNG of the same name is written beside the SVG.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench import registry, table

FASTER, SLOWER, MEAN = "#2a7f62", "#b5543c", "#3b4a6b"


def bars(part: list[table.Row]) -> list[tuple[str, float, str]]:
    """Label, ratio and colour of each bar, the greatest ratio first and the mean last."""
    compared = sorted((row for row in part if row["ratio"]), key=lambda row: -row["ratio"])
    found = [
        (
            f"{row['workload']} ({row['batch']}) to {row['best']}",
            row["ratio"],
            FASTER if row["ratio"] >= 1 else SLOWER,
        )
        for row in compared
    ]
    mean = table.geometric_mean([row["ratio"] for row in compared]) if compared else None
    return [*found, ("geometric mean", mean, MEAN)] if mean else []


def caption(document: dict[str, Any]) -> str:
    """What was measured where."""
    told = document["environment"]
    return (
        f"convnet {told['convnet']}, {told['isa']}, threads: {told['threads']}, {told['machine']}, "
        f"probed peak {table.peak_gflops(document):.0f} GFLOP/s, {told['date']}"
    )


def draw(document: dict[str, Any]) -> Any:
    """The figure, a panel for each part of the comparison."""
    from matplotlib.figure import Figure

    parts = {title: bars(part) for title, part in table.groups(document).items()}
    parts = {title: part for title, part in parts.items() if part}
    heights = [len(part) for part in parts.values()]
    figure = Figure(figsize=(8, 0.9 + 0.6 * len(parts) + 0.26 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(parts), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, part) in zip(axes, parts.items(), strict=True):
        _panel(axis, title, part)
    figure.suptitle("Times as fast as the best peer", fontsize=11)
    figure.supxlabel(caption(document), fontsize=7)
    return figure


def _panel(axis: Any, title: str, part: list[tuple[str, float, str]]) -> None:
    labels, ratios, colours = zip(*part, strict=True)
    drawn = axis.barh(range(len(part)), ratios, color=colours, height=0.7)
    axis.bar_label(drawn, [f"{ratio:.2f}" for ratio in ratios], padding=3, fontsize=7)
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_yticks(range(len(part)), labels, fontsize=7)
    axis.tick_params(axis="x", labelsize=7)
    axis.set_xlim(0, max(ratios) * 1.1)
    axis.invert_yaxis()
    axis.set_title(title, fontsize=9, loc="left")
    axis.spines[["top", "right"]].set_visible(False)


def save(figure: Any, path: Path) -> None:
    """Write a figure as SVG and as PNG, the same bytes for the same figure."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "convnet"}):
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        figure.savefig(path.with_suffix(".png"), dpi=150)
    print(f"wrote {path.with_suffix('.svg')} and .png")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench chart", description=__doc__)
    results = registry.ROOT / "bench" / "results" / "compare.json"
    parser.add_argument("--json", type=Path, default=results)
    parser.add_argument("--out", type=Path, default=registry.ROOT / "docs" / "speed.svg")
    options = parser.parse_args(arguments)
    save(draw(json.loads(options.json.read_text())), options.out)


if __name__ == "__main__":
    main()
