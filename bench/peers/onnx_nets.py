"""The nets as ONNX graphs for inference: channels first, no dropout, ending in probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.batches import find
from bench.peers.onnx_graph import OnnxGraph

# A layer is a tuple: what it is, then its arguments.
Layer = tuple[str, *tuple[int, ...]]
POOL: Layer = ("MaxPool",)
POOL3: Layer = ("MaxPool", 3, 2)

STACKS: dict[str, list[Layer]] = {
    "mnist_cnn_5x5": [("conv", 16, 5, 2), POOL, ("conv", 36, 5, 2), POOL, ("dense", 128)],
    "mnist_cnn_3x3": [("conv", 32, 3), ("conv", 32, 3), POOL, ("dense", 128)],
    "lenet5": [
        ("conv", 6, 5),
        ("AveragePool",),
        ("conv", 16, 5),
        ("AveragePool",),
        ("conv", 120, 5),
        ("dense", 84),
    ],
    "cifar_cnn": [("conv", 32, 3, 1), POOL, ("conv", 32, 3, 1), POOL, ("conv", 32, 3, 1), POOL],
    "softmax_3072": [],
    "emotion_cnn": [
        ("conv", 32, 3),
        ("conv", 64, 3),
        POOL,
        ("conv", 128, 3),
        POOL,
        ("conv", 128, 3),
        POOL,
        ("dense", 1024),
    ],
    "alexnet": [
        ("conv", 96, 11, 0, 4),
        POOL3,
        ("conv", 256, 5, 2),
        POOL3,
        ("conv", 384, 3, 1),
        ("conv", 384, 3, 1),
        ("conv", 256, 3, 1),
        POOL3,
        ("dense", 4096),
        ("dense", 4096),
    ],
}


def stack(name: str, graph: OnnxGraph, classes: int) -> str:
    """Layers one after another, then a classifier."""
    x, activation = "x", "Tanh" if name == "lenet5" else "Relu"
    for kind, *arguments in STACKS[name]:
        if kind == "conv":
            x = graph.activate(activation, graph.conv(x, *arguments))
        elif kind == "dense":
            flat = graph.flatten(x) if len(graph.shapes[x]) > 2 else x
            x = graph.activate(activation, graph.dense(flat, *arguments))
        else:
            x = graph.pool(kind, x, *arguments)
    flat = graph.flatten(x) if len(graph.shapes[x]) > 2 else x
    return graph.activate("Softmax", graph.dense(flat, classes), axis=1)


def stock_lstm(graph: OnnxGraph) -> str:
    """Two LSTMs and a number."""
    x = graph.lstm(graph.transpose("x", 1, 0, 2), 50, sequences=True)
    return graph.dense(graph.lstm(x, 50, sequences=False), 1)


def text_bilstm(graph: OnnxGraph) -> str:
    """Two bidirectional LSTMs over an embedding."""
    x = graph.embedding(graph.transpose("x", 1, 0), 20000, 128)
    x = graph.lstm(x, 64, sequences=True, bidirectional=True)
    x = graph.lstm(x, 64, sequences=False, bidirectional=True)
    return graph.activate("Sigmoid", graph.dense(x, 1))


def text_cnn(graph: OnnxGraph) -> str:
    """Convolutions of three widths over an embedding, each pooled over time."""
    x = graph.transpose(graph.embedding("x", 18765, 128), 0, 2, 1)
    convolutions = [graph.activate("Relu", graph.conv(x, 100, width)) for width in (3, 4, 5)]
    features = graph.concatenate([graph.max_over_time(c) for c in convolutions])
    return graph.activate("Softmax", graph.dense(features, 2), axis=1)


_OTHERS: dict[str, Callable[[OnnxGraph], str]] = {
    "stock_lstm": stock_lstm,
    "text_bilstm": text_bilstm,
    "text_cnn": text_cnn,
}


def build(name: str, batch: int) -> tuple[bytes, np.ndarray]:
    """The model as a file's bytes and a batch for it."""
    x, y = find(name, {}).make(batch)
    if x.ndim == 4:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    graph = OnnxGraph(x.shape, tokens=x.dtype == np.int64)
    result = _OTHERS[name](graph) if name in _OTHERS else stack(name, graph, y.shape[1])
    return graph.finish(result), x
