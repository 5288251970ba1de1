"""Named shapes of recurrent layers, shared by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RnnShape:
    name: str
    batch: int
    steps: int
    features: int
    units: int
    return_sequences: bool


BENCH = [
    RnnShape("stock_first", 32, 60, 1, 50, True),
    RnnShape("stock_second", 32, 60, 50, 50, False),
    RnnShape("text_first", 32, 200, 128, 64, True),
    RnnShape("text_second", 32, 200, 128, 64, False),
]
