"""The config of a functional model: its layers, and which call reads from which."""

from __future__ import annotations

from typing import Any

from convnet import tree
from convnet.models.graph import LayerGraph
from convnet.symbolic import KerasTensor, Node, Operation


def functional_config(model: Any, graph: LayerGraph) -> dict[str, Any]:
    """What `Functional.get_config` returns, in Keras's form."""
    from convnet.saving.serialization import serialize_keras_object

    layers = []
    for operation in graph.operations:
        nodes = [node for node in operation._inbound_nodes if node in graph]
        config = serialize_keras_object(operation)
        config["name"] = operation.name
        config["inbound_nodes"] = [_node_config(n, graph) for n in nodes if n.input_tensors]
        layers.append(config)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": tree.map_structure(lambda t: _end(t, graph), graph.input_structure),
        "output_layers": tree.map_structure(lambda t: _end(t, graph), graph.output_structure),
    }


def _index(operation: Operation, node_index: int, graph: LayerGraph) -> int:
    """The place of a call among those calls of the operation that belong to the model."""
    return sum(node in graph for node in operation._inbound_nodes[:node_index])


def _end(tensor: KerasTensor, graph: LayerGraph) -> list[Any]:
    operation, node_index, tensor_index = tensor._keras_history
    # Keras counts from one in nested functional models, whose own inputs and outputs are call 0.
    return [
        operation.name,
        _index(operation, node_index, graph) + _is_functional(operation),
        tensor_index,
    ]


def _is_functional(operation: Any) -> bool:
    from convnet.models.functional import Functional

    return isinstance(operation, Functional)


def _node_config(node: Node, graph: LayerGraph) -> dict[str, Any]:
    from convnet.saving.serialization import serialize_keras_object

    def value(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        operation, node_index, tensor_index = leaf._keras_history
        history = [operation.name, _index(operation, node_index, graph), tensor_index]
        config = {"shape": leaf.shape, "dtype": leaf.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}

    args, kwargs = tree.map_structure(value, (node.args, node.kwargs))
    return {"args": serialize_keras_object(args), "kwargs": serialize_keras_object(kwargs)}


def functional_from_config(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """A functional model made from its config.

    Args:
        cls: `Functional` or a subclass.
        config: What `functional_config` returned.
        custom_objects: Classes and functions by name.

    Raises:
        ValueError: if the config names layers or calls that do not exist, or calls in a circle.
    """
    from convnet.saving.serialization import deserialize_keras_object

    config = dict(config)
    layers: dict[str, Any] = {}
    waiting: dict[str, list[Any]] = {}
    for layer_config in config.pop("layers"):
        layer = deserialize_keras_object(layer_config, custom_objects=custom_objects)
        if not isinstance(layer, Operation):
            raise ValueError(
                "Unexpected object from deserialization, expected a layer or operation, got a "
                f"{type(layer)}"
            )
        name = layer_config["name"]
        layers[name] = layer
        waiting[name] = list(layer_config["inbound_nodes"])
    _replay(layers, waiting, custom_objects)
    ends = {key: _ends(config.pop(f"{key[:-1]}_layers"), layers) for key in ("inputs", "outputs")}
    return cls(
        **ends, name=config.pop("name", None), trainable=config.pop("trainable", None), **config
    )


def _replay(layers: dict[str, Any], waiting: dict[str, list[Any]], custom: Any) -> None:
    """Call the layers as recorded, each as soon as what it reads exists."""
    while any(waiting.values()):
        progress = False
        for name, nodes in waiting.items():
            while nodes and _is_ready(nodes[0], layers):
                node = nodes.pop(0)
                args, kwargs = (_revive(node[key], layers, custom) for key in ("args", "kwargs"))
                layers[name](*args, **kwargs)
                progress = True
        if not progress:
            raise ValueError(
                "Invalid Functional model configuration. The graph of the Functional model either "
                "has loops or disconnected nodes. The following nodes failed to be resolved: "
                f"{[name for name, nodes in waiting.items() if nodes]}"
            )


def _tensor_configs(config: Any) -> list[Any]:
    if isinstance(config, dict):
        if config.get("class_name") == "__keras_tensor__":
            return [config["config"]]
        return [found for value in config.values() for found in _tensor_configs(value)]
    if isinstance(config, (list, tuple)):
        return [found for value in config for found in _tensor_configs(value)]
    return []


def _is_ready(node: Any, layers: dict[str, Operation]) -> bool:
    histories = [config["keras_history"] for config in _tensor_configs(node)]
    for name, _, _ in histories:
        if name not in layers:
            raise ValueError(f"Unknown layer: {name}")
    return all(index < len(layers[name]._inbound_nodes) for name, index, _ in histories)


def _revive(config: Any, layers: dict[str, Operation], custom_objects: Any) -> Any:
    """Arguments of a call, with the tensors that they name."""
    from convnet.saving.serialization import deserialize_keras_object

    if isinstance(config, (list, tuple)):
        return [_revive(value, layers, custom_objects) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "__keras_tensor__":
        return _tensor(layers, *config["config"]["keras_history"])
    if "class_name" in config and "config" in config:
        return deserialize_keras_object(config, custom_objects=custom_objects)
    return {key: _revive(value, layers, custom_objects) for key, value in config.items()}


def _tensor(layers: dict[str, Operation], name: str, node: int, tensor: int) -> KerasTensor:
    try:
        return layers[name]._inbound_nodes[node].outputs[tensor]
    except (KeyError, IndexError):
        raise ValueError(
            "Invalid Functional model configuration. There is no tensor "
            f"{[name, node, tensor]} in the model."
        ) from None


def _ends(config: Any, layers: dict[str, Operation]) -> Any:
    if isinstance(config, dict):
        return {key: _ends(value, layers) for key, value in config.items()}
    if len(config) == 3 and isinstance(config[0], str):
        name, node, tensor = config
        return _tensor(layers, name, node - _is_functional(layers.get(name)), tensor)
    return [_ends(value, layers) for value in config]
