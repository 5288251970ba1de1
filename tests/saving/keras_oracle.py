"""Run by a Python that has Keras: writes files for convnet to read, and reads convnet's.

Usage: keras_oracle.py write|read FOLDER
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import sample_nets  # noqa: E402


def as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]


def numbered(prefix, arrays):
    return {f"{prefix}_{i:03}": np.asarray(array) for i, array in enumerate(arrays)}


def state_of(model):
    """Everything about a model that must survive a file, as named arrays."""
    arrays = numbered("weight", [v.numpy() for v in model.weights])
    arrays |= numbered("output", as_list(model.predict(sample_nets.inputs_for(model), verbose=0)))
    if getattr(model, "optimizer", None) is not None:
        values = [np.asarray(v.numpy(), np.float64) for v in model.optimizer.variables]
        arrays |= numbered("optimizer", values)
    return arrays


def write(folder):
    for name, build in sample_nets.NETS.items():
        model = build(keras)
        sample_nets.fill(model)
        sample_nets.compile_net(keras, name, model)
        model.train_on_batch(sample_nets.inputs_for(model), sample_nets.targets_for(model))
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")
        model.save(folder / f"{name}.h5")
        np.savez(folder / f"{name}.npz", **state_of(model))
        model.train_on_batch(sample_nets.inputs_for(model), sample_nets.targets_for(model))
        np.savez(folder / f"{name}.next.npz", **state_of(model))


def read(folder):
    for path in sorted(folder.glob("*.keras")) + sorted(folder.glob("*[!s].h5")):
        model = keras.models.load_model(path)
        np.savez(path.with_suffix(path.suffix + ".npz"), **state_of(model))
        config = keras.saving.serialize_keras_object(model)
        path.with_suffix(path.suffix + ".json").write_text(json.dumps(config))
    for path in sorted(folder.glob("*.weights.h5")):
        model = sample_nets.NETS[path.name.removesuffix(".weights.h5")](keras)
        model.load_weights(path)
        np.savez(path.with_suffix(path.suffix + ".npz"), **state_of(model))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
