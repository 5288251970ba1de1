"""A profile as a picture."""

from __future__ import annotations

from typing import Any

from convnet.profiling.profile import Key, Profile
from convnet.visualization.figure import new_figure


def plot(profile: Profile, path: Any, by: Key) -> Any:
    """See `Profile.plot`."""
    shown = [(total.name, total.seconds) for total in profile.totals(by)]
    shown.append(("outside of kernels", profile.overhead))
    names = [name for name, _ in shown]
    times = [seconds * 1e3 for _, seconds in shown]
    figure = new_figure(8, 1.2 + 0.28 * len(shown))
    axes = figure.subplots()
    bars = axes.barh(range(len(shown)), times, color=["C0"] * (len(shown) - 1) + ["0.6"])
    axes.bar_label(bars, [f"{time / profile.seconds / 1e3:.1%}" for time in times], padding=3)
    axes.set_yticks(range(len(shown)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("milliseconds a step")
    axes.set_title(
        f"{profile.mode.capitalize()} of {profile.model}, {profile.batch} samples a step"
    )
    if path is not None:
        figure.savefig(path)
    return figure
