"""Interleaved rounds: every peer in turn on the same workload, so that all meet the same load."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from bench import registry
from bench.protocol import PeerError, Program, Unsupported
from bench.registry import Peer

Entry = dict[str, Any]
Turn = Callable[[float], list[float]]
Rounds = list[list[float]]

TOUCHED_BYTES = 1 << 29


@dataclass(frozen=True)
class Plan:
    """How long and with what everybody is measured.

    Args:
        rounds: Turns of every peer.
        seconds: Length of a turn; a step longer than that is taken once or twice.
        threads: Threads of each peer.
        variables: Environment variables of every peer.
        precision: Of products on a GPU: "float32", or "tf32" or "bf16", which round operands.
    """

    rounds: int = 7
    seconds: float = 1.0
    threads: int = 2
    variables: dict[str, str] = field(default_factory=dict)
    precision: str = "float32"


class Field:
    """The programs of some peers, alive for one workload.

    Args:
        peers: Who takes part.
        plan: With which settings.
    """

    def __init__(self, peers: Sequence[Peer], plan: Plan) -> None:
        self.failures: dict[str, str] = {}
        self._plan = plan
        self._peers = {peer.name: peer for peer in peers}
        self._programs: dict[str, Program] = {}
        for name in self._peers:
            self._start(name)

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs.values():
            program.close()

    def versions(self) -> dict[str, dict[str, str]]:
        """Package versions that each program told."""
        return {name: program.versions for name, program in self._programs.items()}

    def measure(
        self, workload: str, mode: str, batch: int, sizes: dict[str, int] | None = None
    ) -> dict[str, Entry]:
        """Entries by peer: `first_step_ms`, `import_s`, `rounds` of milliseconds, `memory_mb`."""
        request = {"prepare": workload, "mode": mode, "batch": batch, "sizes": sizes or {}}
        entries = self.prepare(request)
        turns = {name: partial(self.turn, name) for name in entries}
        times = interleaved(turns, self._plan.rounds, self._plan.seconds)
        for name, entry in entries.items():
            entry |= {"rounds": times[name]} | (self._ask(name, {"memory": True}) or {})
        return {name: entry for name, entry in entries.items() if "memory_mb" in entry}

    def prepare(self, request: dict[str, Any]) -> dict[str, Entry]:
        """What those answer who can run this, warmed up for half a turn."""
        request = request | {"precision": self._plan.precision}
        answers = {}
        for name, peer in self._peers.items():
            own = {"threads": peer.threads or self._plan.threads}
            own |= {"variant": peer.variant, "device": peer.device}
            if request.get("mode") == "training":
                touch_memory()
            first = self._ask(name, request | own)
            if first and self._ask(name, {"run": self._plan.seconds / 2}):
                answers[name] = first | {"import_s": self._programs[name].import_s}
        return answers

    def turn(self, name: str, seconds: float) -> list[float]:
        """Milliseconds of a peer's steps, taken for so long; none from one that failed."""
        answer = self._ask(name, {"run": seconds}) or {"times": []}
        times: list[float] = answer["times"]
        return times

    def revive(self) -> dict[str, str]:
        """Start those again that failed, and say why they did."""
        failures, self.failures = self.failures, {}
        for name in failures:
            self._start(name)
        return failures

    def _start(self, name: str) -> None:
        try:
            self._programs[name] = start(self._peers[name], self._plan)
        except (PeerError, OSError) as error:
            self.failures[name] = str(error)

    def _ask(self, name: str, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None from a program that cannot do this or takes no further part."""
        if name not in self._programs:
            return None
        try:
            return self._programs[name].ask(request)
        except Unsupported:
            return None
        except PeerError as error:
            self.failures[name] = str(error)
            self._programs.pop(name).close()
            return None


def touch_memory() -> None:
    """Use memory for a moment, so that the host of a virtual machine has given it.

    What is not used for a second or two such a host takes back, and giving it again can last longer
    than a first step that uses it.
    """
    np.empty(TOUCHED_BYTES, np.uint8)[:: mmap.PAGESIZE] = 1


def interleaved(
    turns: dict[str, Turn], rounds: int, seconds: float
) -> dict[str, list[list[float]]]:
    """The times of every round by name, everybody having a turn in each, in rotating order."""
    times: dict[str, list[list[float]]] = {name: [] for name in turns}
    for index in range(rounds):
        for name in _rotated(list(turns), index):
            times[name].append(turns[name](seconds))
    return times


def _rotated(names: list[str], by: int) -> list[str]:
    by %= max(1, len(names))
    return names[by:] + names[:by]


def start(peer: Peer, plan: Plan) -> Program:
    """Start a peer's program with its environment variables and as many processors as threads."""
    libraries = ("OMP", "MKL", "OPENBLAS", "CONVNET")
    threads = peer.threads or plan.threads
    variables = {f"{name}_NUM_THREADS": str(threads) for name in libraries}
    variables["TF_NUM_INTRAOP_THREADS"] = str(threads)
    variables["TF_CPP_MIN_LOG_LEVEL"] = "2"
    paths = [str(registry.ROOT)]
    if peer.environment is None:
        paths.append(os.environ.get("PYTHONPATH", ""))
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if peer.device == registry.CPU:
        variables |= registry.NO_GPU
    elif plan.precision != "tf32":
        variables |= registry.FLOAT32
    variables |= plan.variables | peer.variables
    command = [str(peer.python), "-m", peer.module]
    return Program(command, variables, registry.ROOT, threads)
