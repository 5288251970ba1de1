"""Single kernels as ONNX graphs of one node: images channels first, sequences time first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench import protocol
from bench.peers.onnx_graph import OnnxGraph

Shape = tuple[int, ...]
Shapes = dict[str, Shape]
Attributes = dict[str, Any]


def channels_first(shape: Shape) -> Shape:
    """[N,C,H,W] of an image's [N,H,W,C]; other shapes as they are."""
    return (shape[0], shape[3], *shape[1:3]) if len(shape) == 4 else shape


def window(a: Attributes, size: list[int]) -> Attributes:
    """What pools and convolutions have in common."""
    top, bottom, left, right = a["padding"]
    pads = [top, left, bottom, right]
    return {"kernel_shape": list(size), "strides": a["strides"], "pads": pads}


def conv2d(graph: OnnxGraph, s: Shapes, a: Attributes) -> str:
    height, width, channels, filters = s["w"]
    w = graph.weight(filters, channels, height, width)
    more = {"dilations": a["dilation"], "group": a["groups"]}
    y = channels_first(s["y"])
    return graph.add("Conv", ["x", w], y, **window(a, [height, width]), **more)


def pool(kind: str, more: Attributes) -> Callable[[OnnxGraph, Shapes, Attributes], str]:
    def add(graph: OnnxGraph, s: Shapes, a: Attributes) -> str:
        y = channels_first(s["y"])
        if tuple(a["size"]) == s["x"][1:3]:
            return graph.add(f"Global{kind}", ["x"], y)
        return graph.add(kind, ["x"], y, **window(a, a["size"]), **more)

    return add


def dense(graph: OnnxGraph, s: Shapes, a: Attributes) -> str:
    return graph.add("MatMul", ["x", graph.weight(*s["w"])], s["y"])


def batch_norm(graph: OnnxGraph, s: Shapes, a: Attributes) -> str:
    ones = [graph.constant(np.ones(s["x"][-1], np.float32)) for _ in range(4)]
    shape = channels_first(s["x"])
    return graph.add("BatchNormalization", ["x", *ones], shape, epsilon=a["epsilon"])


def recurrent(
    kind: str, gates: int, more: Attributes
) -> Callable[[OnnxGraph, Shapes, Attributes], str]:
    def add(graph: OnnxGraph, s: Shapes, a: Attributes) -> str:
        (n, steps, features), units = s["x"], s["u"][0]
        columns = gates * units
        weights = [(1, columns, features), (1, columns, units), (1, 2 * columns)]
        inputs = ["x", *(graph.weight(*shape) for shape in weights)]
        attributes = more | {"hidden_size": units}
        if a["return_sequences"]:
            return graph.add(kind, inputs, (steps, 1, n, units), **attributes)
        return graph.add(kind, inputs, (1, n, units), result=1, **attributes)

    return add


def embedding(graph: OnnxGraph, s: Shapes, a: Attributes) -> str:
    return graph.add("Gather", [graph.weight(*s["w"]), "x"], s["y"])


def of_values(kind: str) -> Callable[[OnnxGraph, Shapes, Attributes], str]:
    return lambda graph, s, a: graph.activate(kind, "x")


KINDS: dict[str, Callable[[OnnxGraph, Shapes, Attributes], str]] = {
    "conv2d": conv2d,
    "max_pool": pool("MaxPool", {}),
    "average_pool": pool("AveragePool", {"count_include_pad": 0}),
    "dense": dense,
    "batch_norm_inference": batch_norm,
    "lstm": recurrent("LSTM", 4, {}),
    "gru": recurrent("GRU", 3, {"linear_before_reset": 1}),
    "simple_rnn": recurrent("RNN", 1, {}),
    "embedding": embedding,
} | {kind.lower(): of_values(kind) for kind in ("Softmax", "Relu", "Sigmoid", "Tanh", "Elu")}
KINDS["softplus"] = of_values("Softplus")


def build(request: dict[str, Any]) -> tuple[bytes, np.ndarray]:
    """The model as a file's bytes and what to feed it.

    Raises:
        Unsupported: for gradients and for what ONNX has no single node for.
    """
    kind, shapes = request["kernel"], {k: tuple(v) for k, v in request["shapes"].items()}
    if request["direction"] != "forward" or kind not in KINDS:
        raise protocol.Unsupported(f"{kind} {request['direction']}")
    rng = np.random.default_rng(0)
    if kind == "embedding":
        x = rng.integers(0, shapes["w"][0], shapes["ids"])
    elif "u" in shapes:
        n, steps, features = shapes["x"]
        x = rng.standard_normal((steps, n, features), dtype=np.float32)
    else:
        x = rng.standard_normal(channels_first(shapes["x"]), dtype=np.float32)
    graph = OnnxGraph(x.shape, tokens=kind == "embedding")
    return graph.finish(KINDS[kind](graph, shapes, request["attributes"])), x
