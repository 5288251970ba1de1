"""ONNX Runtime on the CPU, with all its graph optimisations."""

from __future__ import annotations

from typing import Any

import onnxruntime

from bench import protocol
from bench.peers import onnx_nets


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request in a session."""
    model, x = onnx_nets.build(request["prepare"], request["batch"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return protocol.Loop(lambda: session.run(None, {"x": x}))


if __name__ == "__main__":
    protocol.serve(prepare, protocol.versions("onnxruntime", "numpy"))
