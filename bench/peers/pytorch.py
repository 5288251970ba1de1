"""PyTorch: eager, with images stored channels last, or compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import protocol
from bench.batches import Data, find, load
from bench.peers import pytorch_kernels
from bench.peers.pytorch_device import Mixed, loop, settle
from bench.peers.pytorch_nets import NETS

CHANNELS_LAST, COMPILE = "channels_last", "compile"

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "categorical_crossentropy": F.cross_entropy,
    "binary_crossentropy": F.binary_cross_entropy_with_logits,
    "mse": F.mse_loss,
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "categorical_crossentropy": lambda logits: logits.softmax(1),
    "binary_crossentropy": torch.sigmoid,
    "mse": lambda y: y,
}
# With Keras's defaults for what PyTorch's differ in.
OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "adam": lambda weights: torch.optim.Adam(weights, lr=1e-3, eps=1e-7, fused=True),
    "sgd": lambda weights: torch.optim.SGD(weights, lr=1e-2, fused=True),
    "adadelta": lambda weights: torch.optim.Adadelta(weights, lr=1e-3, rho=0.95, eps=1e-7),
}


def tensors(data: Data, loss: str, variant: str) -> tuple[Tensor, Tensor]:
    """A batch as PyTorch takes it: channels first, class numbers as labels.

    Raises:
        Unsupported: if there are no channels to put last.
    """
    x, y = torch.as_tensor(data[0]), torch.as_tensor(data[1])  # on the default device
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2)
        last = variant == CHANNELS_LAST
        x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
    elif variant == CHANNELS_LAST:
        raise protocol.Unsupported("no images")
    return x, y.argmax(1) if loss == "categorical_crossentropy" else y


def training(net: nn.Module, batch: tuple[Tensor, Tensor], loss: str, optimizer: str) -> Any:
    """A training step."""
    x, y = batch
    criterion, updates = LOSSES[loss], OPTIMIZERS[optimizer](net.parameters())

    def step() -> None:
        updates.zero_grad()
        criterion(net(x), y).backward()
        updates.step()

    return step


def inference(net: nn.Module, x: Tensor, loss: str) -> Any:
    """A prediction, as probabilities where the net is a classifier."""
    activation = ACTIVATIONS[loss]
    net.eval()

    @torch.inference_mode()
    def step() -> Tensor:
        return activation(net(x))

    return step


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request."""
    settle(request)
    torch.manual_seed(0)
    name, sizes, variant = request["prepare"], request["sizes"], request["variant"]
    found = find(name, sizes)
    batch = tensors(found.make(request["batch"]), found.loss, variant)
    net = NETS[name](**sizes)
    if variant == CHANNELS_LAST:
        net = net.to(memory_format=torch.channels_last)
    if request["device"] == "gpu" and request["precision"] == "bf16":
        net = Mixed(net)
    if variant == COMPILE:
        net = torch.compile(net, mode="reduce-overhead" if request["device"] == "gpu" else None)
    if request["mode"] == "inference":
        return loop(inference(net, batch[0], found.loss), request)
    return loop(training(net, batch, found.loss, found.optimizer), request)


if __name__ == "__main__":
    protocol.serve(prepare, protocol.versions("torch", "numpy"), pytorch_kernels.prepare, load=load)
