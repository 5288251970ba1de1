"""Running a model for its profile, and leaving it as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from convnet import _core, config, random
from convnet.metrics import Metric
from convnet.profiling.profile import Profile, Row
from convnet.training.arguments import check_positive
from convnet.training.data_adapter import Arrays
from convnet.training.engine import Engine, trace_model
from convnet.training.prediction import Predictor
from convnet.training.train_step import TrainStep
from convnet.variables import Variable

_SECONDS = 0.5  # how long is measured, unless told how many steps
_LEAST_STEPS = 3
_PROBES, _PROBE_SECONDS = 4, 0.02


def profile_model(
    model: Any, x: Any, y: Any, sample_weight: Any, batch_size: int, steps: int | None
) -> Profile:
    """See `Model.profile`."""
    check_positive(batch_size=batch_size, steps=steps)
    engine: Engine | None = None if y is None else model._training_engine("profile")
    data = model._data.arrays(x, y, sample_weight)
    batch = min(batch_size, data.samples)
    if not model.built:
        trace_model(model, data)
    with random.preserved(), _on_copies(model.variables):
        if engine is not None:
            return _profile_training(model, engine.twin(), data, batch, steps)
        return _profile_prediction(model, data.rows(0, batch), steps)


@contextmanager
def _on_copies(variables: Iterable[Variable]) -> Iterator[None]:
    """Let variables live in other memory for a while: what is written there is lost."""
    own = [(variable, variable._value) for variable in variables]
    for variable, memory in own:
        variable.rebase(memory.copy())
    try:
        yield
    finally:
        for variable, memory in own:
            variable.adopt(memory)


@contextmanager
def _kept(metrics: Iterable[Metric]) -> Iterator[None]:
    """Put back what compiled steps have added to metrics."""
    sums = [(memory, memory.copy()) for metric in metrics for memory in metric.accumulators]
    try:
        yield
    finally:
        for memory, before in sums:
            memory[...] = before


def _profile_training(
    model: Any, engine: Engine, data: Arrays, batch: int, steps: int | None
) -> Profile:
    step = engine.train_step(data, batch)
    with _kept(engine.metrics):
        run = _training(engine, step, data, batch)
        measured = _measure(run, [step.plan], steps)
    return _summed(model, "training", batch, measured, [step.plan])


def _training(engine: Engine, step: TrainStep, data: Arrays, batch: int) -> Callable[[int], None]:
    one_by_one = step.eager_update or step.untraced

    def run(steps: int) -> None:
        rows = np.arange(steps * batch) % data.samples
        for part in np.split(rows, steps) if one_by_one else [rows]:
            engine.run_train_step(step, data, part, batch)

    return run


def _profile_prediction(model: Any, data: Arrays, steps: int | None) -> Profile:
    parts = Predictor(model).plans(data)
    plans = [call.plan for call, _ in parts]

    def run(steps: int) -> None:
        for _ in range(steps):
            for call, part in parts:
                call(part.x)

    return _summed(model, "prediction", data.samples, _measure(run, plans, steps), plans)


@dataclass(frozen=True)
class _Measured:
    """Steps, seconds of each, and the peak of one thread while all are busy, or of a GPU."""

    steps: int
    seconds: float
    peak: float


def _measure(run: Callable[[int], None], plans: list[_core.Plan], steps: int | None) -> _Measured:
    """Run steps that are timed, after two that warm up."""
    gpu = plans[0].gpu
    peak = _probe(gpu)
    run(1)
    start = time.perf_counter()
    run(1)
    if steps is None:
        steps = max(_LEAST_STEPS, int(_SECONDS / (time.perf_counter() - start)))
    for plan in plans:
        plan.timed = True
    start = time.perf_counter()
    run(steps)
    seconds = (time.perf_counter() - start) / steps
    return _Measured(steps, seconds, max(peak, _probe(gpu)))


def _probe(gpu: int) -> float:
    """The best of several probes: other programs may disturb some."""
    if gpu >= 0:
        return _core.probe_gpu(gpu)[0]
    best = max(_core.probe_peak(_PROBE_SECONDS) for _ in range(_PROBES))
    return best / _core.num_threads()


def _summed(
    model: Any, mode: str, batch: int, measured: _Measured, plans: list[_core.Plan]
) -> Profile:
    profiles = [plan.profile() for plan in plans]
    threads = max(profile["threads"] for profile in profiles)
    return Profile(
        model=model.name,
        mode=mode,
        batch=batch,
        steps=measured.steps,
        threads=threads,
        isa=_core.cuda_devices()[plans[0].gpu]["name"] if plans[0].gpu >= 0 else config.isa(),
        peak=measured.peak * threads,
        seconds=measured.seconds,
        rows=[
            _row(call, model.name, profile["threads"], measured)
            for profile in profiles
            for call in profile["calls"]
            if call["calls"]
        ],
        algorithms=config.algorithms(),
    )


def _row(call: dict[str, Any], model: str, threads: int, measured: _Measured) -> Row:
    steps = measured.steps
    flops, seconds = call["operations"] / steps, call["seconds"] / steps
    return Row(
        layer=_layer(call["label"], model),
        op=call["op"],
        shape=call["shape"],
        layout=call["layout"],
        scope=call["scope"],
        algorithm=call["algorithm"],
        calls=call["calls"] / steps,
        seconds=seconds / threads,
        flops=flops,
        bytes=call["bytes"] / steps,
        peak_share=flops / (seconds * measured.peak) if flops else 0.0,
    )


def _layer(label: str, model: str) -> str:
    """A label without the name of the model itself; fused layers are joined by plus signs."""
    parts = label.split(" + ")
    return " + ".join(part.removeprefix(f"{model}/") for part in parts) or model
