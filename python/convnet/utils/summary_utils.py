"""`model.summary()`, in Keras's own look."""

from __future__ import annotations

import itertools
import math
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convnet import tree
from convnet.utils.io_utils import print_msg
from convnet.utils.text_table import Align, render_table

if TYPE_CHECKING:
    from convnet.models.graph import LayerGraph
    from convnet.models.model import Model


def print_summary(
    model: Model,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints a model's layers with their output shapes and numbers of parameters.

    Args:
        model: The model.
        line_length: Length of a line in characters; by default 88, or 108 where layers are
            not simply in a row, or what the terminal has room for.
        positions: Where each column ends, as fractions of the line.
        print_fn: Called once with the whole text, instead of printing it.
        expand_nested: Whether to show the layers of models that are layers.
        show_trainable: Whether to show if a layer is trainable.
        layer_range: Names of the first and the last layer to show, or regular expressions
            that match the start of their names.

    Raises:
        ValueError: If a column would be narrower than 4 characters, or `layer_range` is not
            two strings that match layers.

    Example:

    >>> import convnet
    >>> model = convnet.Sequential([convnet.layers.Dense(2, name="out")], name="small")
    >>> model.build((None, 3))
    >>> print_summary(model, line_length=50)
    Model: "small"
    ┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
    ┃ Layer (type)        ┃ Output Shape   ┃ Param # ┃
    ┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
    │ out (Dense)         │ (None, 2)      │       8 │
    └─────────────────────┴────────────────┴─────────┘
     Total params: 8 (32.00 B)
     Trainable params: 8 (32.00 B)
     Non-trainable params: 0 (0.00 B)
    """
    graph = _branching_graph(model)
    layers = getattr(model, "operations", model.layers)
    first, last = _bounds(layers, layer_range)
    rows = [
        row
        for layer in layers[first:last]
        for row in _layer_rows(layer, "", expand_nested, graph, show_trainable)
    ]
    table = _table(rows, line_length, positions, graph is not None, show_trainable)
    text = f'Model: "{model.name}"\n{table}{_footer(model)}'
    if print_fn is None:
        print_msg(text, line_break=False)
    else:
        print_fn(text)


def readable_memory_size(size: float) -> str:
    """Writes a number of bytes with two decimals in the unit that suits it.

    Args:
        size: Number of bytes.

    Example:

    >>> readable_memory_size(968248)
    '945.55 KB'
    """
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def _branching_graph(model: Model) -> LayerGraph | None:
    """The calls in a functional model; `None` if its layers are simply in a row."""
    graph: LayerGraph | None = getattr(model, "_graph", None)
    if graph is None:
        return None
    in_a_row = all(node.parent_nodes == [last] for last, node in itertools.pairwise(graph.nodes))
    shared = any(_calls(layer, graph) > 1 for layer in model.layers)
    return graph if shared or not in_a_row else None


def _calls(layer: Any, graph: LayerGraph) -> int:
    return sum(node in graph for node in layer._inbound_nodes)


def _table(
    rows: list[list[str]],
    line_length: int | None,
    positions: Sequence[float] | None,
    is_graph: bool,
    show_trainable: bool,
) -> str:
    header = ["Layer (type)", "Output Shape", "Param #"]
    align: list[Align] = ["left", "left", "right"]
    ends = list(positions or ([0.3, 0.56, 0.74, 1.0] if is_graph else [0.45, 0.80, 1.0]))
    longest = 108 if is_graph else 88
    if is_graph:
        header.append("Connected to")
        align.append("left")
    if show_trainable:
        header.append("Trainable")
        align.append("center")
        ends = [end * 0.90 for end in ends] + [1.0]
        longest += 12
    length = line_length or min(longest, shutil.get_terminal_size().columns - 4)
    stops = [0, *(int(end * length) for end in ends)]
    widths = [stop - start for start, stop in itertools.pairwise(stops)]
    if len(widths) < len(header):
        raise ValueError(
            "Invalid value for argument `positions`. Expected the end of each column "
            f"{header}. Received: positions={positions}"
        )
    if min(widths) < 4:
        raise ValueError("Insufficient console width to print summary.")
    return render_table(header, rows, align, widths[: len(header)], length)


def _layer_rows(
    layer: Any, prefix: str, expand_nested: bool, graph: LayerGraph | None, show_trainable: bool
) -> Iterable[list[str]]:
    row = [f"{prefix}{layer.name} ({type(layer).__name__})", _output_shape(layer), _params(layer)]
    if graph is not None:
        row.append(_connections(layer, graph))
    if show_trainable:
        mark = "Y" if getattr(layer, "trainable", True) else "N"
        row.append(mark if getattr(layer, "weights", None) else "-")
    yield row
    if expand_nested:
        indent = " " * (len(prefix) - 2) if prefix else ""
        for nested in getattr(layer, "layers", ()):
            yield from _layer_rows(nested, f"{indent}   └ ", True, graph, show_trainable)


def _output_shape(layer: Any) -> str:
    """Output shapes of the last call, or else of the shapes the layer was built with."""
    if layer._inbound_nodes:
        shapes = [tensor.shape for tensor in layer._inbound_nodes[-1].output_tensors]
        texts = [_format_shape(shape) for shape in shapes]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    built_with = getattr(layer, "_build_shapes", None)
    if not built_with:
        return "?"
    try:
        texts = tree.map_shapes(_format_shape, layer.compute_output_shape(**built_with))
    except NotImplementedError:
        return "?"
    return str(texts).replace("'", "")


def _format_shape(shape: Iterable[int | None]) -> str:
    return f"({', '.join(map(str, shape))})"


def _params(layer: Any) -> str:
    if not hasattr(layer, "built"):
        return "0"
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _connections(layer: Any, graph: LayerGraph) -> str:
    histories = [
        tensor._keras_history
        for node in layer._inbound_nodes
        if node in graph
        for tensor in node.input_tensors
    ]
    sources = [f"{h.operation.name}[{h.node_index}][{h.tensor_index}]" for h in histories]
    return ", ".join(sources) or "-"


def _footer(model: Model) -> str:
    trainable = _count(model.trainable_weights)
    frozen = _count(model.non_trainable_weights)
    lines = [("Trainable", trainable), ("Non-trainable", frozen)]
    if model.compiled and model.optimizer is not None and model.optimizer.built:
        lines.append(("Optimizer", _count(model.optimizer.variables)))
    counts, sizes = zip(*(line[1] for line in lines), strict=True)
    return "".join(
        f" {what} params: {count:,} ({readable_memory_size(size)})\n"
        for what, (count, size) in [("Total", (sum(counts), sum(sizes))), *lines]
    )


def _count(weights: Iterable[Any]) -> tuple[int, int]:
    """Number of values and of bytes."""
    sizes = [(math.prod(weight.shape), np.dtype(weight.dtype).itemsize) for weight in weights]
    return sum(n for n, _ in sizes), sum(n * bytes_each for n, bytes_each in sizes)


def _bounds(layers: Sequence[Any], layer_range: Sequence[str] | None) -> tuple[int, int]:
    """Indices of the first layer to show and of the first one not to show after it."""
    if layer_range is None:
        return 0, len(layers)
    if len(layer_range) != 2:
        raise ValueError(
            "layer_range must be a list or tuple of length 2. Received: "
            f"layer_range = {layer_range} of length {len(layer_range)}"
        )
    if not all(isinstance(pattern, str) for pattern in layer_range):
        raise ValueError(f"layer_range should contain string type only. Received: {layer_range}")
    first, last = (
        [index for index, layer in enumerate(layers) if re.match(pattern, layer.name)]
        for pattern in layer_range
    )
    if not first or not last:
        raise ValueError(
            f"Passed layer_names do not match the layer names in the model. Received: {layer_range}"
        )
    if min(first) > max(last):
        return min(last), max(first) + 1
    return min(first), max(last) + 1
