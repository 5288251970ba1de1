"""The progress bar, in Keras's own format."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

import numpy as np

from convnet.utils import console
from convnet.utils.io_utils import print_msg

_BOLD, _GREEN, _GREY, _RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"

# A line is a list of pieces of text, each with the escape code of its style, or "".
_Line = list[tuple[str, str]]


class Progbar:
    """Shows how far a loop has come, how long it still takes, and its metrics.

    In a terminal and in a notebook one line is overwritten as the loop goes on, cut to the
    terminal's width until it is final; in a file only the final line is written, as plain
    text. A non-empty environment variable `NO_COLOR` switches colours off.

    Args:
        target: Number of steps expected, `None` if unknown.
        width: Width of the bar in characters.
        verbose: 0 (silent), 1 (a bar), 2 (one line at the end).
        interval: Least time between two updates of the bar, in seconds.
        stateful_metrics: Names of metrics to show as they are given, all others being
            averaged over the steps; the last update shows them as given. By default all
            are averaged.
        stateless_metrics: Names of metrics to average over the steps, all others being
            shown as they are given. Excludes `stateful_metrics`.
        unit_name: What a step is called.

    Raises:
        ValueError: If both `stateful_metrics` and `stateless_metrics` are given.

    Example:

    >>> bar = Progbar(3, verbose=2)
    >>> for step in range(1, 4):
    ...     bar.update(step, [("loss", 1.5 / step)])  # doctest: +ELLIPSIS
    3/3 - 0s - ...s/step - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Only one of `stateful_metrics` or `stateless_metrics` can be provided. "
                "`stateful_metrics` is used to make metrics stateless by default (with an "
                "exclusion list), while `stateless_metrics` is used to make metrics stateful "
                "by default (with an exclusion list)."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)

        self._display = console.display_kind()
        self._values: dict[str, tuple[float, int]] = {}
        self._seen_so_far = 0
        self._start = time.monotonic()
        self._time_after_first_step: float | None = None
        self._last_update = -math.inf
        self._previous_width = 0

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, float]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Tells the bar how many steps are done.

        Args:
            current: Number of steps done.
            values: Pairs `(name, value)`: a metric's value over the steps since the last
                update.
            finalize: Whether this is the last update; by default, whether `current` has
                reached `target`.

        Example:

        >>> Progbar(2, verbose=2).update(1)
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._record(name, value, max(current - self._seen_so_far, 1), finalize)
        self._seen_so_far = current

        now = time.monotonic()
        seconds = self._step_duration(current, now)
        if self.verbose == 1:
            self._show_bar(current, now, seconds, finalize)
        elif self.verbose == 2 and finalize and self.target:
            elapsed = f"{now - self._start:.0f}s - {self._format_step(seconds)}"
            print_msg(f"{self._count(current)} - {elapsed}{self._format_metrics()}")

    def add(self, n: int, values: Iterable[tuple[str, float]] | None = None) -> None:
        """Tells the bar that `n` more steps are done.

        Args:
            n: Number of steps done since the last update.
            values: As for `update`.

        Example:

        >>> bar = Progbar(10, verbose=2)
        >>> bar.add(4)
        """
        self.update(self._seen_so_far + n, values)

    def _record(self, name: str, value: float, steps: int, finalize: bool) -> None:
        averaged = (
            name in self.stateless_metrics
            if self.stateless_metrics is not None
            else name not in self.stateful_metrics
        )
        if finalize or not averaged:
            self._values[name] = (value, 1)
        else:
            total, count = self._values.get(name, (0.0, 0))
            self._values[name] = (total + value * steps, count + steps)

    def _show_bar(self, current: int, now: float, seconds: float, finalize: bool) -> None:
        waits = self._display == "file" or now - self._last_update < self.interval
        if waits and not finalize:
            return
        self._last_update = now
        left = None if finalize or not self.target else seconds * (self.target - current)
        clock = f"{now - self._start:.0f}s" if left is None else _format_left(left)
        info = f" {self._format_step(seconds)}{self._format_metrics()}"
        line = [*self._bar(current), ("", " "), (_BOLD, clock), ("", info)]
        if not finalize:
            line = _cut(line, console.line_width(self._display))
        width = sum(len(text) for _, text in line)
        text = _render(line, console.uses_color(self._display))
        if self._display != "file":
            text = "\r" + text + " " * (self._previous_width - width)
        self._previous_width = width
        print_msg(text, line_break=finalize)

    def _bar(self, current: int) -> _Line:
        if not self.target:
            return [("", f"{current:7d}/Unknown")]
        done = int(self.width * current / self.target)
        bar: _Line = [(_BOLD, self._count(current)), ("", " ")]
        if done > 0:
            bar.append((_GREEN, "━" * done))
        return [*bar, (_GREY, "━" * (self.width - done))]

    def _count(self, current: int) -> str:
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _step_duration(self, current: int, now: float) -> float:
        """Seconds a step takes, the first one (which builds the plan) left out if possible."""
        if not current:
            return 0.0
        if self._time_after_first_step is not None and current > 1:
            return (now - self._time_after_first_step) / (current - 1)
        if current == 1:
            self._time_after_first_step = now
        return (now - self._start) / current

    def _format_step(self, seconds: float) -> str:
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit_name}"
        return f"{seconds * 1e6:.0f}us/{self.unit_name}"

    def _format_metrics(self) -> str:
        means = {name: np.mean(total) / count for name, (total, count) in self._values.items()}
        return "".join(
            f" - {name}: {mean:.4f}" if abs(mean) > 1e-3 else f" - {name}: {mean:.4e}"
            for name, mean in means.items()
        )


def _format_left(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if seconds > 3600:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if seconds > 60 else f"{int(seconds)}s"


def _cut(line: _Line, width: int | None) -> _Line:
    if width is None:
        return line
    shown: _Line = []
    for style, text in line:
        shown.append((style, text[: max(width, 0)]))
        width -= len(text)
    return shown


def _render(line: _Line, color: bool) -> str:
    return "".join(f"{style}{text}{_RESET}" if color and style else text for style, text in line)
