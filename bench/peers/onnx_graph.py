"""A writer of ONNX graphs, layer by layer, with random weights and a fixed batch size."""

from __future__ import annotations

from math import prod

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSET = 21
IR_VERSION = 10


class OnnxGraph:
    """A graph that is written front to back; methods return the name of their result.

    Args:
        shape: Shape of the input with its batch, channels first.
        tokens: Whether the input holds word numbers.
    """

    def __init__(self, shape: tuple[int, ...], tokens: bool = False) -> None:
        self._rng = np.random.default_rng(0)
        self._nodes: list[object] = []
        self._weights: list[object] = []
        self._tokens = tokens
        self._shape = shape
        self.shapes: dict[str, tuple[int, ...]] = {"x": shape}

    def conv(self, x: str, filters: int, size: int, padding: int = 0, stride: int = 1) -> str:
        """A convolution over images `[N,C,H,W]` or sequences `[N,C,T]`."""
        n, channels, *space = self.shapes[x]
        kernel = [size] * len(space)
        w = self.weight(filters, channels, *kernel)
        attributes = {"kernel_shape": kernel, "strides": [stride] * len(space)}
        attributes["pads"] = [padding] * 2 * len(space)
        out = [(length + 2 * padding - size) // stride + 1 for length in space]
        return self.add("Conv", [x, w, self.weight(filters)], (n, filters, *out), **attributes)

    def pool(self, kind: str, x: str, size: int = 2, stride: int = 2) -> str:
        """`MaxPool` or `AveragePool` over images."""
        n, channels, *space = self.shapes[x]
        out = [(length - size) // stride + 1 for length in space]
        attributes = {"kernel_shape": [size] * len(space), "strides": [stride] * len(space)}
        return self.add(kind, [x], (n, channels, *out), **attributes)

    def activate(self, kind: str, x: str, **attributes: int) -> str:
        """An op that keeps the shape."""
        return self.add(kind, [x], self.shapes[x], **attributes)

    def flatten(self, x: str) -> str:
        """All features of a sample in a row."""
        n, *features = self.shapes[x]
        return self.add("Flatten", [x], (n, prod(features)))

    def dense(self, x: str, units: int) -> str:
        """A matrix product and a bias."""
        n, features = self.shapes[x]
        return self.add("Gemm", [x, self.weight(features, units), self.weight(units)], (n, units))

    def embedding(self, x: str, words: int, features: int) -> str:
        """The vectors of word numbers."""
        table = self.weight(words, features)
        return self.add("Gather", [table, x], (*self.shapes[x], features))

    def transpose(self, x: str, *order: int) -> str:
        """Axes in another order."""
        shape = tuple(self.shapes[x][axis] for axis in order)
        return self.add("Transpose", [x], shape, perm=list(order))

    def concatenate(self, parts: list[str]) -> str:
        """Features of several results side by side."""
        n = self.shapes[parts[0]][0]
        return self.add("Concat", parts, (n, sum(self.shapes[p][1] for p in parts)), axis=1)

    def max_over_time(self, x: str) -> str:
        """The maximum over the last axis."""
        axes = self.constant(np.array([2]))
        return self.add("ReduceMax", [x, axes], self.shapes[x][:2], keepdims=0)

    def reshape(self, x: str, *shape: int) -> str:
        """The same numbers in another shape."""
        return self.add("Reshape", [x, self.constant(np.array(shape))], shape)

    def lstm(self, x: str, hidden: int, sequences: bool, bidirectional: bool = False) -> str:
        """An LSTM over `[T,N,F]`; all states `[T,N,D H]` or the last ones `[N,D H]`."""
        length, n, features = self.shapes[x]
        ways = 2 if bidirectional else 1
        w, r = self.weight(ways, 4 * hidden, features), self.weight(ways, 4 * hidden, hidden)
        inputs = [x, w, r, self.weight(ways, 8 * hidden)]
        attributes = {
            "hidden_size": hidden,
            "direction": "bidirectional" if bidirectional else "forward",
        }
        if sequences:
            y = self.add("LSTM", inputs, (length, ways, n, hidden), **attributes)
            return self.reshape(self.transpose(y, 0, 2, 1, 3), length, n, ways * hidden)
        last = self.add("LSTM", inputs, (ways, n, hidden), result=1, **attributes)
        return self.reshape(self.transpose(last, 1, 0, 2), n, ways * hidden)

    def finish(self, result: str) -> bytes:
        """The model as a file's bytes, with `x` going in and `result` coming out."""
        kind = TensorProto.INT64 if self._tokens else TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes,
            "net",
            [helper.make_tensor_value_info("x", kind, self._shape)],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, self.shapes[result])],
            self._weights,
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def weight(self, *shape: int) -> str:
        """A weight of small random numbers."""
        scale = np.float32(2 / np.sqrt(prod(shape[1:])))
        return self.constant((self._rng.random(shape, np.float32) - np.float32(0.5)) * scale)

    def constant(self, array: np.ndarray) -> str:
        """A weight of these numbers."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def add(
        self,
        kind: str,
        inputs: list[str],
        shape: tuple[int, ...],
        result: int = 0,
        **attributes: object,
    ) -> str:
        """A node of which the given result, of that shape, counts."""
        name = f"y{len(self._nodes)}"
        outputs = [""] * result + [name]
        self._nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        self.shapes[name] = shape
        return name
