"""OpenVINO on the CPU, in float32, for the least latency."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino

from bench import protocol
from bench.batches import load
from bench.peers import onnx_kernels, onnx_nets


def compiled(model: bytes, x: np.ndarray, threads: int) -> protocol.Measurable:
    """A model and what it is fed."""
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    inference = core.compile_model(core.read_model(model), "CPU", settings).create_infer_request()
    return protocol.Loop(lambda: inference.infer([x], share_inputs=True))


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request, compiled."""
    return compiled(*onnx_nets.build(request["prepare"], request["batch"]), request["threads"])


def prepare_kernel(request: dict[str, Any]) -> protocol.Measurable:
    """The kernel of a request, compiled."""
    return compiled(*onnx_kernels.build(request), request["threads"])


if __name__ == "__main__":
    protocol.serve(prepare, protocol.versions("openvino", "numpy"), prepare_kernel, load=load)
