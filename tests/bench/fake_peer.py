"""A peer's program without a framework: its step sleeps, fails or dies, as the workload says."""

import os
import sys
import time

from bench import protocol


def prepare(request):
    name = request["prepare"]
    if name == "alexnet":
        raise protocol.Unsupported("too large")
    if name == "lenet5":
        raise ValueError("no such net")
    if name == "text_cnn":
        print("last words", file=sys.stderr)
        os._exit(3)
    print("what a library prints")
    return protocol.Loop(lambda: time.sleep(0.002))


def prepare_kernel(request):
    if request["kernel"] == "tanh":
        os._exit(3)
    if request["kernel"] != "dense":
        raise protocol.Unsupported("dense layers only")
    assert set(request["shapes"]) == {"x", "w", "y"}
    step = 0.004 if request["variant"] == "slow" else 0.002
    return protocol.Loop(lambda: time.sleep(step))


if __name__ == "__main__":
    protocol.serve(prepare, {"fake": "1.0"}, prepare_kernel)
