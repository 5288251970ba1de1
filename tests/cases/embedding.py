"""Named shapes of embeddings, shared by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EmbeddingCase:
    """Numbers [batch, positions] of rows of a table [rows, columns]."""

    name: str
    batch: int
    positions: int
    rows: int
    columns: int


BENCH = [
    EmbeddingCase("text_bilstm_embedding", 32, 200, 20000, 128),
    EmbeddingCase("text_cnn_embedding", 50, 56, 18765, 128),
]
