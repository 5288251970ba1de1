"""convnet's own program."""

from typing import Any

import convnet
from bench import protocol
from bench.batches import load
from bench.peers import fit


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request."""
    convnet.config.set_num_threads(request["threads"])
    convnet.config.set_device(request["device"])
    if request["precision"] == "tf32":
        convnet.config.set_matmul_precision("medium")
    return fit.prepare(convnet, request)


if __name__ == "__main__":
    protocol.serve(
        prepare, {"convnet": convnet.__version__} | protocol.versions("numpy"), load=load
    )
