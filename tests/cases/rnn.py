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

# Units, which are features as well, steps and samples.
_LSTM = [(32, 20, 1), (32, 200, 64), (64, 60, 1), (64, 60, 16), (64, 60, 32), (64, 200, 64)]
_LSTM += [(128, 20, 1), (128, 60, 16), (128, 60, 32), (128, 200, 64), (256, 20, 1), (256, 60, 16)]
_LSTM += [(256, 60, 32), (256, 200, 32), (512, 20, 1), (512, 200, 1), (512, 20, 32), (512, 60, 64)]

LSTM = [RnnShape(f"h{h}_t{t}_b{n}", n, t, h, h, True) for h, t, n in _LSTM]
