"""ONNX Runtime on the CPU, with all its graph optimisations."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from bench import protocol
from bench.batches import load
from bench.peers import onnx_kernels, onnx_nets


def session(model: bytes, x: np.ndarray, threads: int) -> protocol.Measurable:
    """A model and what it is fed."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    found = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return protocol.Loop(lambda: found.run(None, {"x": x}))


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request in a session."""
    return session(*onnx_nets.build(request["prepare"], request["batch"]), request["threads"])


def prepare_kernel(request: dict[str, Any]) -> protocol.Measurable:
    """The kernel of a request in a session."""
    return session(*onnx_kernels.build(request), request["threads"])


if __name__ == "__main__":
    protocol.serve(prepare, protocol.versions("onnxruntime", "numpy"), prepare_kernel, load=load)
