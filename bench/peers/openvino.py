"""OpenVINO on the CPU, in float32, for the least latency."""

from __future__ import annotations

from typing import Any

import openvino

from bench import protocol
from bench.peers import onnx_nets


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request, compiled."""
    model, x = onnx_nets.build(request["prepare"], request["batch"])
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": request["threads"],
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    inference = compiled.create_infer_request()
    return protocol.Loop(lambda: inference.infer([x], share_inputs=True))


if __name__ == "__main__":
    protocol.serve(prepare, protocol.versions("openvino", "numpy"))
