"""A profile as text: a table of ops and bars of layers."""

from __future__ import annotations

from collections.abc import Sequence

from convnet.profiling.profile import Key, Profile, Row

_HEADER = ("layer", "op", "output", "layout", "algorithm", "calls", "ms", "share", "MFLOP", "MB")
_TEXTS = 5  # columns that are aligned to the left


def table(profile: Profile, sort: str) -> str:
    """See `Profile.table`."""
    if sort not in ("step", "time"):
        raise ValueError(
            f"Invalid value for argument `sort`. Expected 'step' or 'time'. Received: sort={sort!r}"
        )
    rows = profile.rows
    if sort == "time":
        rows = sorted(rows, key=lambda row: row.seconds, reverse=True)
    lines = [(*_HEADER, "of peak"), *(_cells(profile, row) for row in rows)]
    for name, seconds in (
        ("kernels", profile.kernel_seconds),
        ("outside of kernels", profile.overhead),
    ):
        lines.append(_summary(name, *_time(profile, seconds)))
    whole = (_mega(profile.flops), _mega(profile.bytes), _percent(profile.peak_share))
    lines.append(_summary("step", *_time(profile, profile.seconds), *whole))
    return "\n".join([_title(profile), "", *_aligned(lines)])


def bars(profile: Profile, by: Key, width: int) -> str:
    """See `Profile.bars`."""
    shown = [(total.name, total.seconds) for total in profile.totals(by)]
    shown.append(("outside of kernels", profile.overhead))
    longest = max(seconds for _, seconds in shown)
    lines = [
        (name, *_time(profile, seconds), "█" * round(width * max(seconds, 0.0) / longest))
        for name, seconds in shown
    ]
    names = max(len(line[0]) for line in lines)
    times = max(len(line[1]) for line in lines)
    return "\n".join(
        f"{name.ljust(names)}  {time.rjust(times)} ms  {share.rjust(6)}  {bar}".rstrip()
        for name, time, share, bar in lines
    )


def _title(profile: Profile) -> str:
    samples = "1 sample" if profile.batch == 1 else f"{profile.batch} samples"
    threads = "1 thread" if profile.threads == 1 else f"{profile.threads} threads"
    forced = "".join(f", {name}={value}" for name, value in profile.algorithms.items())
    return (
        f'{profile.mode.capitalize()} of "{profile.model}", {samples} a step: mean of '
        f"{profile.steps} steps, {threads}, {profile.isa}, peak {profile.peak / 1e9:.0f} GFLOP/s"
        f"{forced}"
    )


def _cells(profile: Profile, row: Row) -> tuple[str, ...]:
    return (
        row.layer,
        row.op,
        f"({', '.join(map(str, row.shape))})" if row.layout else "",
        row.layout,
        row.algorithm,
        f"{row.calls:.0f}",
        *_time(profile, row.seconds),
        _mega(row.flops) if row.flops else "",
        _mega(row.bytes),
        _percent(row.peak_share) if row.flops else "",
    )


def _summary(name: str, *numbers: str) -> tuple[str, ...]:
    """A line below the table: its numbers begin with the time."""
    cells = (name, *[""] * _TEXTS, *numbers)
    return cells + ("",) * (len(_HEADER) + 1 - len(cells))


def _time(profile: Profile, seconds: float) -> tuple[str, str]:
    return f"{seconds * 1e3:.4f}", _percent(seconds / profile.seconds)


def _mega(amount: float) -> str:
    return f"{amount / 1e6:.3f}"


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < _TEXTS else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
