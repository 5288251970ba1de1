"""The legacy `.h5` format: weights in groups named after layers, the config in attributes."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import numpy as np

from convnet.saving import legacy_config
from convnet.saving.atomic_write import atomic_write
from convnet.saving.hdf5_reader import Group
from convnet.saving.keras_file import KERAS_VERSION
from convnet.saving.serialization import serialize_keras_object

Array = np.ndarray[Any, Any]
Pair = tuple[str, list[Any], Group]  # what is loaded, for errors; its variables; where from

BACKEND = "convnet"
ATTRIBUTE_LIMIT = 64512  # bytes that fit into an HDF5 object header
TOP_LEVEL = "top_level_model_weights"


def save(model: Any, path: str | os.PathLike[str], include_optimizer: bool = True) -> None:
    """Writes a model to an `.h5` file.

    Args:
        model: The model.
        path: Where to.
        include_optimizer: Whether to write the arguments of `compile` and the optimizer's state.
    """
    import h5py

    configs = _configs(model, include_optimizer)
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as root:
        root.attrs["keras_version"] = KERAS_VERSION
        root.attrs["backend"] = BACKEND
        for name, text in configs.items():
            root.attrs[name] = text
        _write_layers(root.create_group("model_weights"), model)
        if include_optimizer and getattr(model, "optimizer", None) is not None:
            _write_variables(root.create_group("optimizer_weights"), model.optimizer.variables)


def _configs(model: Any, include_optimizer: bool) -> dict[str, bytes]:
    config = serialize_keras_object(model)
    texts = {"model_config": legacy_config.from_modern(config)}
    compiled = config.get("compile_config")
    if compiled and include_optimizer:
        texts["training_config"] = legacy_config.training_config(compiled)
    return {name: json.dumps(value).encode() for name, value in texts.items()}


def _write_layers(group: Any, model: Any) -> None:
    _write_texts(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"] = BACKEND.encode()
    group.attrs["keras_version"] = KERAS_VERSION.encode()
    for layer in sorted(model.layers, key=lambda layer: str(layer.name)):
        _write_variables(group.create_group(layer.name), layer_variables(layer))
    _write_variables(group.create_group(TOP_LEVEL), top_level_variables(model))


def _write_variables(group: Any, variables: list[Any]) -> None:
    names = _unique([variable.path for variable in variables])
    _write_texts(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        group.create_dataset(name, data=variable.numpy())


def _unique(paths: list[str]) -> list[str]:
    """Two variables of a layer may have one path; a file needs two."""
    names: list[str] = []
    for path in paths:
        name, count = path, 0
        while name in names:
            count += 1
            name = f"{path}_{count}"
        names.append(name)
    return names


def _write_texts(group: Any, name: str, texts: list[str]) -> None:
    data = np.array([text.encode() for text in texts]) if texts else np.array([])
    parts = max(1, -(-data.nbytes // ATTRIBUTE_LIMIT))
    if parts == 1:
        group.attrs[name] = data
        return
    for i, part in enumerate(np.array_split(data, parts)):
        group.attrs[f"{name}{i}"] = part


def layer_variables(layer: Any) -> list[Any]:
    """Gives a layer's variables in the order of `.h5` files.

    Args:
        layer: A layer or model.
    """
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def top_level_variables(model: Any) -> list[Any]:
    """Gives the variables that a model holds besides those of its layers.

    Args:
        model: A model.
    """
    return [*model._trainable_variables, *model._non_trainable_variables]


def weights_group(root: Group) -> Group:
    """Gives the group that holds the layers: the root of a file that holds weights only.

    Args:
        root: The file.

    Raises:
        ValueError: If it is no `.h5` file of Keras.
    """
    if root.has("model_weights"):
        return root.group("model_weights")
    if not has_texts(root, "layer_names"):
        raise ValueError(
            "The HDF5 file holds no weights in a layout of Keras: it has neither the attribute "
            "`layer_names` nor a group `model_weights`."
        )
    return root


def load_weights(
    group: Group, model: Any, by_name: bool = False, skip_mismatch: bool = False
) -> None:
    """Gives the weights in an `.h5` file to a model.

    Args:
        group: What `weights_group` returned.
        model: A built model.
        by_name: Whether layers are matched by name; by default by their order, leaving out those
            without weights.
        skip_mismatch: Whether to warn of layers that do not fit instead of failing.

    Raises:
        ValueError: If layers or shapes do not match; nothing is changed then.
    """
    pairs = _by_name(group, model) if by_name else _by_order(group, model)
    if group.has(TOP_LEVEL):
        pairs.append(("top-level model", top_level_variables(model), group.group(TOP_LEVEL)))
    assignments: list[tuple[Any, Array]] = []
    for where, variables, saved in pairs:
        assignments += _matched(where, variables, saved, skip_mismatch)
    for variable, value in assignments:
        variable.assign(value)


def _by_order(group: Group, model: Any) -> list[Pair]:
    layers = [layer for layer in model.layers if layer_variables(layer)]
    names = [n for n in read_texts(group, "layer_names") if _weight_names(group.group(n))]
    if len(names) != len(layers):
        raise ValueError(
            "Layer count mismatch when loading weights from file. "
            f"Model expected {len(layers)} layers, found {len(names)} saved layers."
        )
    return [
        (f"layer #{i} (named {layer.name})", layer_variables(layer), group.group(name))
        for i, (layer, name) in enumerate(zip(layers, names, strict=True))
    ]


def _by_name(group: Group, model: Any) -> list[Pair]:
    places = {name: i for i, name in enumerate(read_texts(group, "layer_names"))}
    return [
        (
            f"layer #{places[layer.name]} (named {layer.name})",
            layer_variables(layer),
            group.group(layer.name),
        )
        for layer in model.layers
        if layer.name in places
    ]


def _matched(
    where: str, variables: list[Any], saved: Group, skip_mismatch: bool
) -> list[tuple[Any, Array]]:
    arrays = [saved.dataset(name) for name in _weight_names(saved)]
    problem = None
    if len(arrays) != len(variables):
        problem = (
            f"Weight count mismatch for {where}. Layer expects {len(variables)} weight(s). "
            f"Received {len(arrays)} saved weight(s)"
        )
    for variable, array in zip(variables, arrays, strict=False):
        if problem is None and variable.shape != array.shape:
            problem = (
                f"Shape mismatch in {where} for weight {variable.path}. "
                f"Weight expects shape {variable.shape}. Received saved weight with shape "
                f"{array.shape}"
            )
    if problem is None:
        return [(v, array.read()) for v, array in zip(variables, arrays, strict=True)]
    if not skip_mismatch:
        raise ValueError(problem)
    warnings.warn(f"Skipping: {problem}", stacklevel=4)
    return []


def load_optimizer(root: Group, optimizer: Any) -> None:
    """Gives the state in an `.h5` file to an optimizer; warns if it does not fit.

    Args:
        root: The file.
        optimizer: A built optimizer.
    """
    if not root.has("optimizer_weights"):
        return
    group = root.group("optimizer_weights")
    names = _weight_names(group)
    values = [group.dataset(name).read() for name in names]
    if len(values) < len(optimizer.variables) and not (values and np.any(values[0])):
        return  # saved before its first step
    if names and names[0].endswith(":0"):
        values = _in_modern_order(values, optimizer)
    try:
        optimizer.set_weights(values)
    except ValueError as error:
        warnings.warn(
            "Error in loading the saved optimizer state. As a result, your model is starting with "
            f"a freshly initialized optimizer. ({error})",
            stacklevel=3,
        )


def _in_modern_order(values: list[Array], optimizer: Any) -> list[Array]:
    """Keras 2: the step count, then one slot of all variables after another."""
    slots = len(optimizer.slot_names)
    own = optimizer.variables
    states = values[1:]
    if slots == 0 or len(states) % slots or len(own) - len(states) not in (1, 2):
        return values
    count = len(states) // slots
    interleaved = [states[s * count + i] for i in range(count) for s in range(slots)]
    rate = [own[1].numpy()] if len(own) - len(states) == 2 else []
    return [values[0], *rate, *interleaved]


def _weight_names(group: Group) -> list[str]:
    return read_texts(group, "weight_names")


def has_texts(group: Group, name: str) -> bool:
    return group.attribute(name) is not None or group.attribute(f"{name}0") is not None


def read_texts(group: Group, name: str) -> list[str]:
    """Gives a list of texts from an attribute, which may be split into numbered ones.

    Args:
        group: The group with the attribute.
        name: The attribute, such as `layer_names`.

    Raises:
        ValueError: If it holds anything but texts.
    """
    parts = [group.attribute(name)]
    if parts[0] is None:
        parts = []
        while (part := group.attribute(f"{name}{len(parts)}")) is not None:
            parts.append(part)
    texts = [text for part in parts for text in _as_list(part)]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"Expected the attribute {name!r} of {group.name!r} to list names.")
    return texts


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | np.ndarray) else [value]
