"""Single kernels in PyTorch: eager, with images stored channels first or last.

A gradient is taken of a graph that is kept. Where that is one node, the node itself is called,
which leaves out the 20 microseconds of walking the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import protocol
from bench.peers.pytorch_device import loop, settle

Shapes = dict[str, list[int]]
Attributes = dict[str, Any]
FORMATS = {"": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass
class Kernel:
    """A call and what it may be differentiated for."""

    call: Callable[[], Tensor]
    inputs: list[Tensor]
    weights: list[Tensor] = field(default_factory=list)


def image(shape: list[int], format: torch.memory_format) -> Tensor:
    """An image of shape [N,H,W,C] as PyTorch stores it."""
    n, height, width, channels = shape
    return torch.randn(n, channels, height, width).contiguous(memory_format=format)


def padded_image(s: Shapes, a: Attributes, format: torch.memory_format) -> tuple[Tensor, list[int]]:
    """An image and the padding left to the op: none where it differs by side, which no op takes."""
    n, height, width, channels = s["x"]
    top, bottom, left, right = a["padding"]
    if (top, left) == (bottom, right):
        return image(s["x"], format), [top, left]
    return image([n, height + top + bottom, width + left + right, channels], format), [0, 0]


def conv2d(s: Shapes, a: Attributes, format: torch.memory_format) -> Kernel:
    x, padding = padded_image(s, a, format)
    height, width, channels, filters = s["w"]
    w = torch.randn(filters, channels, height, width).contiguous(memory_format=format)
    settings = a["strides"], padding, a["dilation"], a["groups"]
    return Kernel(lambda: torch.conv2d(x, w, None, *settings), [x], [w])


def conv2d_relu_max_pool(s: Shapes, a: Attributes, format: torch.memory_format) -> Kernel:
    plain = conv2d(s, a, format)
    plain.call = lambda call=plain.call: F.max_pool2d(torch.relu(call()), 2)
    return plain


def pool(kind: str, s: Shapes, a: Attributes, format: torch.memory_format) -> Kernel:
    x, padding = padded_image(s, a, format)
    if a["size"] == s["x"][1:3]:
        whole = {"max": F.adaptive_max_pool2d, "avg": F.adaptive_avg_pool2d}[kind]
        return Kernel(lambda: whole(x, 1), [x])
    if kind == "max":
        return Kernel(lambda: F.max_pool2d(x, a["size"], a["strides"], padding), [x])
    return Kernel(
        lambda: F.avg_pool2d(x, a["size"], a["strides"], padding, count_include_pad=False), [x]
    )


def batch_norm(training: bool, s: Shapes, a: Attributes, format: torch.memory_format) -> Kernel:
    x = image(s["x"], format) if len(s["x"]) == 4 else torch.randn(s["x"])
    gamma, beta, mean, variance = (torch.rand(s["x"][-1]) for _ in range(4))
    call = partial(
        F.batch_norm, x, mean, variance, gamma, beta, training=training, eps=a["epsilon"]
    )
    return Kernel(call, [x], [gamma, beta])


def dense(s: Shapes, a: Attributes, format: torch.memory_format) -> Kernel:
    """With the weights of `nn.Linear`, which are stored by unit."""
    x, w = torch.randn(s["x"]), torch.randn(s["w"][::-1]).t()
    return Kernel(lambda: torch.mm(x, w), [x], [w])


def recurrent(
    layer: Callable[..., nn.Module], s: Shapes, a: Attributes, format: torch.memory_format
) -> Kernel:
    x, net = torch.randn(s["x"]), layer(s["x"][2], s["u"][0], batch_first=True)
    last = () if a["return_sequences"] else (slice(None), -1)
    return Kernel(lambda: net(x)[0][last], [x], list(net.parameters()))


def embedding(s: Shapes, a: Attributes, format: torch.memory_format) -> Kernel:
    ids, table = torch.randint(s["w"][0], s["ids"]), torch.randn(s["w"])
    return Kernel(lambda: F.embedding(ids, table), [], [table])


def crossentropy(
    loss: Callable[..., Tensor], s: Shapes, a: Attributes, format: torch.memory_format
) -> Kernel:
    x = torch.randn(s["x"])
    sparse = len(s["labels"]) == 1
    labels = torch.randint(s["x"][1], s["labels"]) if sparse else torch.rand(s["labels"])
    return Kernel(lambda: loss(x, labels, reduction="none"), [x])


def of_values(
    function: Callable[..., Tensor], s: Shapes, a: Attributes, format: torch.memory_format
) -> Kernel:
    """What takes any shape."""
    values = [torch.randn(s[name]) for name in s if name != "y"]
    return Kernel(lambda: function(*values), values)


def optimizer(
    make: Callable[..., torch.optim.Optimizer],
    s: Shapes,
    a: Attributes,
    format: torch.memory_format,
) -> Kernel:
    w = torch.randn(s["w"]).requires_grad_()
    w.grad = torch.randn(s["w"])
    return Kernel(make([w]).step, [])


OF_IMAGES: dict[str, Callable[..., Kernel]] = {
    "conv2d": conv2d,
    "conv2d_relu_max_pool": conv2d_relu_max_pool,
    "max_pool": partial(pool, "max"),
    "average_pool": partial(pool, "avg"),
    "batch_norm": partial(batch_norm, True),
    "batch_norm_inference": partial(batch_norm, False),
}
SGD, Adam, RMSprop = torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop
Adagrad, Adadelta = torch.optim.Adagrad, torch.optim.Adadelta
KINDS = OF_IMAGES | {
    "dense": dense,
    "matmul": partial(of_values, torch.matmul),
    "lstm": partial(recurrent, nn.LSTM),
    "gru": partial(recurrent, nn.GRU),
    "simple_rnn": partial(recurrent, nn.RNN),
    "softmax": partial(of_values, partial(torch.softmax, dim=-1)),
    "relu": partial(of_values, torch.relu),
    "sigmoid": partial(of_values, torch.sigmoid),
    "tanh": partial(of_values, torch.tanh),
    "elu": partial(of_values, F.elu),
    "softplus": partial(of_values, F.softplus),
    "add": partial(of_values, torch.add),
    "dropout": partial(of_values, F.dropout),
    "embedding": embedding,
    "softmax_crossentropy": partial(crossentropy, F.cross_entropy),
    "sparse_softmax_crossentropy": partial(crossentropy, F.cross_entropy),
    "sigmoid_crossentropy": partial(crossentropy, F.binary_cross_entropy_with_logits),
    "sgd": partial(optimizer, partial(SGD, fused=True)),
    "sgd_momentum": partial(optimizer, partial(SGD, momentum=0.9, fused=True)),
    "adam": partial(optimizer, partial(Adam, fused=True)),
    "rmsprop": partial(optimizer, RMSprop),
    "adagrad": partial(optimizer, partial(Adagrad, fused=True)),
    "adadelta": partial(optimizer, Adadelta),
}


def gradient(kernel: Kernel, leaves: list[Tensor]) -> Callable[[], Any]:
    """The gradient of the kernel's result for some of what it is made of."""
    for leaf in leaves:
        leaf.requires_grad_()
    y = kernel.call()
    dy, node = torch.randn_like(y), y.grad_fn
    assert node is not None
    made_of = [parent for parent, _ in node.next_functions if parent is not None]
    if all(parent.name().endswith("AccumulateGrad") for parent in made_of):
        return torch.no_grad()(lambda: node(dy))
    return lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True)


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The kernel of a request."""
    settle(request)
    torch.manual_seed(0)
    kind, direction, variant = request["kernel"], request["direction"], request["variant"]
    shapes, attributes = request["shapes"], request["attributes"]
    if kind not in KINDS or variant not in FORMATS:
        raise protocol.Unsupported(f"{kind} {variant}")
    if variant and (kind not in OF_IMAGES or len(shapes["x"]) != 4):
        raise protocol.Unsupported("no images")
    kernel = KINDS[kind](shapes, attributes, FORMATS[variant])
    if direction == "update":
        return loop(kernel.call, request)
    if direction == "forward":
        return loop(torch.inference_mode()(kernel.call), request)
    leaves = {"backward_input": kernel.inputs, "backward_weight": kernel.weights}
    wanted = leaves.get(direction, kernel.inputs + kernel.weights)
    return loop(gradient(kernel, wanted), request)
