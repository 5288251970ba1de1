"""Keras on the backend that KERAS_BACKEND names, with the very nets that convnet is measured with.

The nets are written with convnet's names, which are Keras's: giving Keras for `convnet` is all that
they need.
"""

import os
import sys

import keras

sys.modules["convnet"] = keras

from bench import protocol  # noqa: E402
from bench.batches import load  # noqa: E402
from bench.peers import fit  # noqa: E402

BACKENDS = {"tensorflow": "tensorflow-cpu", "jax": "jax", "torch": "torch"}

if __name__ == "__main__":
    backend = os.environ["KERAS_BACKEND"]
    on_cpu = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
    found = protocol.versions("keras", "numpy", BACKENDS[backend] if on_cpu else backend)
    protocol.serve(lambda request: fit.prepare(keras, request), found, load=load)
