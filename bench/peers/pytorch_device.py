"""Where and how exactly PyTorch computes, and how its steps are measured there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bench import protocol


def settle(request: dict[str, Any]) -> None:
    """Take the threads, the device and the precision of a request."""
    torch.set_num_threads(request["threads"])
    if request["device"] == "gpu":
        torch.set_default_device("cuda")
        tf32 = request["precision"] == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True


class Mixed(nn.Module):
    """A net that rounds the operands of products to bfloat16."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            logits: Tensor = self.net(x)
        return logits.float()


def loop(step: Callable[[], Any], request: dict[str, Any]) -> protocol.Loop:
    """Measures a step on the device of a request."""
    if request["device"] == "gpu":
        return protocol.Loop(step, torch.cuda.synchronize)
    return protocol.Loop(step)
