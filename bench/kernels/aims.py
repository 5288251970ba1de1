"""The share of the machine's peak, or of its copy bandwidth, that a kernel should reach."""

from __future__ import annotations

MEMORY = 0.80  # of the rate at which data of that size is copied: pooling and optimizers
CONVOLUTION = {"forward": 0.88, "backward_input": 0.85, "backward_weight": 0.75}
FIRST_LAYER = 0.60
LSTM_TRAINING = 0.50
GEMM, GEMM_OF_FEW_ROWS = 0.90, 0.72


def convolution(direction: str, channels: int, groups: int) -> float | None:
    """Of products without padding; nobody needs a first layer's gradient for its input."""
    if groups > 1:
        return None
    if channels in (1, 3) and direction != "backward_input":
        return FIRST_LAYER
    return CONVOLUTION[direction] if channels >= 32 else None


def dense(rows: int, inputs: int, units: int) -> float | None:
    """Of a product of matrices."""
    if min(inputs, units) < 256:
        return None
    return GEMM if rows >= 256 else GEMM_OF_FEW_ROWS if 32 <= rows <= 128 else None


def recurrent(op: str, batch: int) -> float | None:
    """Of LSTMs on a batch of samples."""
    return LSTM_TRAINING if op == "lstm" and batch >= 32 else None
