"""How the comparison talks to a peer's program: a JSON object a line on stdin and stdout.

    (start)                            -> {"hello": {package: version}}
    {"prepare": workload, "mode": "training" | "inference", "batch": 8, "threads": 2,
     "device": "cpu" | "gpu", "precision": "float32" | "tf32" | "bf16",
     "variant": "", "sizes": {}}       -> {"first_step_ms": 1.5} or {"unsupported": why}
    {"kernel": "conv2d", "direction": "forward" | "backward_input" | "backward_weight" | "backward",
     "shapes": {"x": [8, 28, 28, 1], "w": [5, 5, 1, 16], "y": [8, 24, 24, 16]},
     "attributes": {"strides": [1, 1], ...}, "threads": 2, "device": "cpu", ..., "variant": ""}
                                       -> the same, for one kernel instead of a net
    {"run": seconds}                   -> {"times": [milliseconds of a step, ...]}
    {"memory": true}                   -> {"memory_mb": peak of the resident set}
    {"quit": true}                     -> (end)

The kernels are those of `bench/kernels`, their attributes the core's; shapes have the batch first
and channels last, and a program lays its data out as suits it. Optimizers are asked to "update".

`serve` is the program's side, `Program` the other. A program is stopped between answers, so that
its idle threads take no time from the peer whose turn it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

CHUNK_SECONDS = 0.01
TIMEOUT_SECONDS = 600.0


class Unsupported(Exception):
    """Raised by a program that cannot run the workload that it is asked for."""


class PeerError(Exception):
    """Raised when a program failed, ended or did not answer."""


class Measurable(Protocol):
    """What a program prepares: a net and a batch in memory."""

    def first(self) -> None:
        """Take the first step, with all that is compiled by it."""

    def measure(self, seconds: float) -> list[float]:
        """Milliseconds of a step, several times, for so long."""


Prepare = Callable[[dict[str, Any]], Measurable]


class Loop:
    """Measures a step that is called again and again; a time is the mean of 10 ms of calls.

    The first call of a turn finds cold caches and does not count, unless it fills the turn.

    Args:
        step: What is called.
        finish: Waits until what calls have started is done.
    """

    def __init__(self, step: Callable[[], Any], finish: Callable[[], Any] = lambda: None) -> None:
        self._step, self._finish = step, finish

    def first(self) -> None:
        self._step()
        self._finish()

    def measure(self, seconds: float) -> list[float]:
        start = time.perf_counter()
        cold = self._mean(0.0)
        times: list[float] = []
        while time.perf_counter() < start + seconds:
            times.append(self._mean(CHUNK_SECONDS))
        return times or [cold]

    def _mean(self, seconds: float) -> float:
        start, calls, elapsed = time.perf_counter(), 0, 0.0
        while elapsed < seconds or calls == 0:
            self._step()
            calls += 1
            elapsed = time.perf_counter() - start
        self._finish()
        return (time.perf_counter() - start) / calls * 1e3


def versions(*packages: str) -> dict[str, str]:
    """The versions of installed packages."""
    return {name: metadata.version(name) for name in packages}


def no_kernels(request: dict[str, Any]) -> Measurable:
    """Refuse a single kernel."""
    raise Unsupported("no single kernels")


def no_data(request: dict[str, Any]) -> None:
    """Load nothing."""


def serve(
    prepare: Prepare,
    versions: dict[str, str],
    prepare_kernel: Prepare = no_kernels,
    load: Callable[[dict[str, Any]], None] = no_data,
) -> None:
    """Answer requests until told to quit. What else is printed goes to stderr.

    Args:
        prepare: Builds what a `prepare` request asks for.
        versions: Versions of the packages that count.
        prepare_kernel: Builds what a `kernel` request asks for.
        load: Makes the data of a `prepare` request at hand, which the first step does not time.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def send(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    send({"hello": versions})
    current: list[Measurable] = []
    for line in sys.stdin:
        request = json.loads(line)
        if "quit" in request:
            return
        try:
            if "prepare" in request:
                load(request)
            send(_answer(request, prepare_kernel if "kernel" in request else prepare, current))
        except Unsupported as reason:
            send({"unsupported": str(reason)})
        except Exception:
            send({"error": traceback.format_exc()})


def _answer(request: dict[str, Any], prepare: Prepare, current: list[Measurable]) -> dict[str, Any]:
    if "prepare" in request or "kernel" in request:
        current.clear()
        start = time.perf_counter()
        current.append(prepare(request))
        current[0].first()
        return {"first_step_ms": (time.perf_counter() - start) * 1e3}
    if "run" in request:
        return {"times": current[0].measure(request["run"])}
    if "memory" in request:
        return {"memory_mb": peak_memory()}
    raise ValueError(f"unknown request {request}")


def _confine(process: int, threads: int | None) -> None:
    if threads is not None and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process, sorted(os.sched_getaffinity(0))[:threads])


def peak_memory() -> float:
    """Megabytes of the largest resident set of this process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(s.split()[1]) for s in lines if s.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


class Program:
    """A peer's program, started; stopped except while it answers.

    Args:
        command: What to start.
        variables: Environment variables on top of this process's.
        folder: Where it runs.
        threads: Processors that it may use; None for all.

    Raises:
        PeerError: if it does not start.
    """

    def __init__(
        self,
        command: Sequence[str],
        variables: dict[str, str],
        folder: Path,
        threads: int | None = None,
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        start = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | variables,
            cwd=folder,
        )
        _confine(self._process.pid, threads)
        try:
            self.versions: dict[str, str] = self._read()["hello"]
        except PeerError:
            self.close()
            raise
        self.import_s = time.perf_counter() - start
        self._signal(signal.SIGSTOP)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            Unsupported: if the program cannot run that.
            PeerError: if it failed.
        """
        self._signal(signal.SIGCONT)
        try:
            self._write(request)
            answer = self._read()
        except OSError as error:
            raise PeerError(f"{error}\n{self._last_words()}") from error
        self._signal(signal.SIGSTOP)
        if "unsupported" in answer:
            raise Unsupported(answer["unsupported"])
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def close(self) -> None:
        """End the program."""
        self._signal(signal.SIGCONT)
        with contextlib.suppress(OSError):
            self._write({"quit": True})
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]

    def _write(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], TIMEOUT_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            reason = "ended" if ready else f"no answer in {TIMEOUT_SECONDS:.0f} s"
            raise PeerError(f"{reason}\n{self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
