"""What a step of a model costs, op by op."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Key = Literal["layer", "op"]


@dataclass(frozen=True)
class Row:
    """One op of a step. All amounts are those of one step.

    Attributes:
        layer: The layer that recorded it, with the names of enclosing layers before it and those
            of layers fused into it behind; gradients have their layer's name. `"input"`,
            `"output"`, `"loss"`, `"metrics"` and `"optimizer"` are no layers.
        op: Name of the op in the core.
        shape: Shape of its first result: of one sample where the result has a batch.
        layout: How that lies in memory: `"batch in lanes"`, `"features in lanes"` (a few samples,
            one by one), on a GPU `"batch first"`, or the storage of what is not an activation,
            such as `"single"`.
        scope: What a call works on: `"shard"` (16 samples), `"group"` (a thread's shards) or
            `"batch"`.
        algorithm: The algorithm chosen; empty where there is only one.
        calls: Kernel calls.
        seconds: Share of the step's time: what the calls took, divided by the number of threads.
        flops: Operations of products, a multiply-add being two, as the definition has them: with
            every pixel and every tap, also in the padding. An algorithm that gets by with fewer may
            exceed the peak. Ops that are no products count as 0.
        bytes: Bytes of inputs and outputs, each counted once, lanes beyond the batch included.
        peak_share: Operations a second as a share of the peak of the threads that share the work.
    """

    layer: str
    op: str
    shape: tuple[int, ...]
    layout: str
    scope: str
    algorithm: str
    calls: float
    seconds: float
    flops: float
    bytes: float
    peak_share: float


@dataclass(frozen=True)
class Total:
    """The sum of all ops of one layer, or of one name.

    Attributes:
        name: The layer or op.
        seconds: Time in a step.
        flops: Operations.
        bytes: Bytes of inputs and outputs.
    """

    name: str
    seconds: float
    flops: float
    bytes: float


@dataclass(frozen=True)
class Profile:
    """What a step of a model costs. `print` shows a table and the share of each layer as bars.

    Attributes:
        model: Name of the model.
        mode: `"training"` or `"prediction"`.
        batch: Samples of a step.
        steps: Steps that were measured; amounts are their means.
        threads: Threads that took part; 1 for a GPU.
        isa: The instruction set; the name of a GPU.
        peak: Operations a second that multiply-adds in registers reach on these threads, or in
            float32 on the GPU, whose tensor cores can exceed it.
        seconds: Time of a step, measured from outside.
        rows: The ops in the order in which they ran.
        algorithms: What was forced: see `config.algorithm`.

    Example:

    >>> import numpy as np
    >>> import convnet
    >>> model = convnet.Sequential([convnet.Input((8,)), convnet.layers.Dense(4, name="out")])
    >>> profile = model.profile(np.ones((32, 8)), steps=1)
    >>> [(row.layer, row.op, row.flops) for row in profile.rows if row.flops]
    [('out', 'dense', 2048.0)]
    """

    model: str
    mode: str
    batch: int
    steps: int
    threads: int
    isa: str
    peak: float
    seconds: float
    rows: list[Row]
    algorithms: dict[str, str] = field(default_factory=dict)

    @property
    def kernel_seconds(self) -> float:
        """Time of a step inside of kernels."""
        return sum(row.seconds for row in self.rows)

    @property
    def overhead(self) -> float:
        """Time of a step outside of kernels: the call, waiting for threads, choosing what is next.

        Timing itself, about 0.1 microseconds a kernel call, is part of it. On a GPU, where steps
        are timed one by one, so is waiting for each.
        """
        return self.seconds - self.kernel_seconds

    @property
    def flops(self) -> float:
        """Operations of a step."""
        return sum(row.flops for row in self.rows)

    @property
    def bytes(self) -> float:
        """Bytes of all inputs and outputs of a step."""
        return sum(row.bytes for row in self.rows)

    @property
    def peak_share(self) -> float:
        """Operations a second of the whole step as a share of the peak."""
        return self.flops / self.seconds / self.peak

    def totals(self, by: Key = "layer") -> list[Total]:
        """Sums over the ops of each layer, or over those of one name, in the order of the step.

        Args:
            by: `"layer"` or `"op"`.

        Raises:
            ValueError: if `by` is something else.
        """
        if by not in ("layer", "op"):
            raise ValueError(
                f"Invalid value for argument `by`. Expected 'layer' or 'op'. Received: by={by!r}"
            )
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(getattr(row, by), []).append(row)
        return [
            Total(
                name,
                seconds=sum(row.seconds for row in rows),
                flops=sum(row.flops for row in rows),
                bytes=sum(row.bytes for row in rows),
            )
            for name, rows in groups.items()
        ]

    def table(self, sort: Literal["step", "time"] = "step") -> str:
        """The ops as lines of text under a header, with their total.

        Args:
            sort: `"step"` for the order in which they ran, `"time"` for the slowest first.

        Raises:
            ValueError: if `sort` is something else.
        """
        from convnet.profiling import report

        return report.table(self, sort)

    def bars(self, by: Key = "layer", width: int = 40) -> str:
        """The share of each layer, or op, in the time of a step as bars of text.

        Args:
            by: `"layer"` or `"op"`.
            width: Length of the longest bar.
        """
        from convnet.profiling import report

        return report.bars(self, by, width)

    def plot(self, path: Any = None, by: Key = "layer") -> Any:
        """Draws the time of each layer, or op, as a bar chart.

        Args:
            path: Where to save the picture, such as `profile.png`; not saved if None.
            by: `"layer"` or `"op"`.

        Returns:
            The matplotlib figure.

        Raises:
            ImportError: if matplotlib is not installed.
        """
        from convnet.profiling import chart

        return chart.plot(self, path, by)

    def to_dict(self) -> dict[str, Any]:
        """All attributes, and what is computed from them, as plain values."""
        computed = ("kernel_seconds", "overhead", "flops", "bytes", "peak_share")
        return asdict(self) | {name: getattr(self, name) for name in computed}

    def to_json(self, **kwargs: Any) -> str:
        """`to_dict` as JSON.

        Args:
            **kwargs: Arguments of `json.dumps`.
        """
        return json.dumps(self.to_dict(), **kwargs)

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.bars()}"
