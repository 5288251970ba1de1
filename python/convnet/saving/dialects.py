"""Configs of Keras 2, and keys that differ between versions, to Keras 3's form."""

from __future__ import annotations

from typing import Any

from convnet.saving.object_registry import register_keras_serializable

Json = Any

RNN = ("LSTM", "GRU", "SimpleRNN")
MAX_LAYERS = 10_000
_OPS_MODULE = "keras.src.ops.numpy"

# Keys of older or newer versions that mean nothing where they have one of these values. With any
# other value they stay, and the layer's constructor refuses them.
NEUTRAL: dict[str, dict[str, tuple[Json, ...]]] = {
    **{name: {"time_major": (False,), "num_constants": (None, 0)} for name in RNN},
    "Bidirectional": {"num_constants": (None, 0)},
    "Conv2DTranspose": {"groups": (1,)},
    "BatchNormalization": {
        "adjustment": (None,),
        "fused": (None, True, False),
        "renorm": (False,),
        "renorm_clipping": (None, {}),
        "renorm_momentum": (0.99,),
        "virtual_batch_size": (None,),
    },
    "Dense": {"quantization_config": (None,)},
    "Embedding": {"quantization_config": (None,)},
    "InputLayer": {"sparse": (False, None), "ragged": (False, None), "optional": (False,)},
}

# Keys that older versions stored and that are implied by others.
_IMPLIED = {
    "DepthwiseConv1D": ("filters", "groups", "kernel_initializer", "kernel_regularizer"),
    "DepthwiseConv2D": ("filters", "groups", "kernel_initializer", "kernel_regularizer"),
    "SeparableConv1D": ("groups", "kernel_initializer", "kernel_regularizer"),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer"),
}


def modernize(name: str, module: str | None, config: Json) -> tuple[str, str | None, Json]:
    """Gives the class name, module and config in the form of Keras 3.

    Args:
        name: The class in the file.
        module: Its module; `None` in files of Keras 2 and in `.h5` files of Keras 3.
        config: Its config, which is not changed.

    Raises:
        ValueError: If the config has an impossible form.

    Example:

    >>> modernize("InputLayer", None, {"batch_input_shape": [None, 3], "name": "x"})
    ('InputLayer', None, {'name': 'x', 'batch_shape': [None, 3]})
    """
    if name == "Sequential":
        return name, module, _sequential(config)
    if not isinstance(config, dict):
        raise ValueError(f"Expected the config of {name} to be a dict. Received: {config}")
    config = dict(config)
    if name in ("Functional", "Model") and {"layers", "output_layers"} <= config.keys():
        return "Functional", module, _functional(config)
    if module is None and "trainable" not in config and _is_operation(name):
        return name, _OPS_MODULE, config
    if module is None or module.startswith(("keras.layers", "keras.src.layers")):
        config = _layer(name, config)
    elif module.startswith(("keras.losses", "keras.src.losses")):
        config = modern_loss(config)
    return name, module, config


def modern_loss(config: dict[str, Json]) -> dict[str, Json]:
    """Gives the config of a loss in the form of Keras 3.

    Args:
        config: Its config, perhaps of Keras 2.

    Example:

    >>> modern_loss({"reduction": "auto", "fn": "mean_squared_error"})
    {'reduction': 'sum_over_batch_size'}
    """
    config = {key: value for key, value in config.items() if key != "fn"}
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return config


def restore_hard_sigmoid(config: Json, keras_version: Json) -> Json:
    """Replaces `hard_sigmoid` in a config that Keras 1 or 2 wrote by what it meant there.

    Args:
        config: A model's config.
        keras_version: The version that wrote it, such as `2.9.0`.

    Example:

    >>> restore_hard_sigmoid({"activation": "hard_sigmoid"}, "3.1.0")
    {'activation': 'hard_sigmoid'}
    """
    if str(keras_version)[:1] not in ("0", "1", "2"):
        return config
    return _restore_hard_sigmoid(config)


def _restore_hard_sigmoid(config: Json) -> Json:
    if isinstance(config, list):
        return [_restore_hard_sigmoid(item) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        key: _KERAS_2_HARD_SIGMOID
        if value == "hard_sigmoid" and key in ("activation", "recurrent_activation")
        else _restore_hard_sigmoid(value)
        for key, value in config.items()
    }


@register_keras_serializable(package="convnet")
def keras_2_hard_sigmoid(x: Any) -> Any:
    """The hard sigmoid of Keras 1 and 2, `clip(0.2 * x + 0.5, 0, 1)`; in Keras 3 it is x / 6.

    Args:
        x: A tensor.

    Example:

    >>> keras_2_hard_sigmoid([-3.0, 1.0]).tolist()
    [0.0, 0.699999988079071]
    """
    from convnet import ops

    return ops.clip(ops.multiply(x, 0.2) + 0.5, 0.0, 1.0)


_KERAS_2_HARD_SIGMOID = {
    "module": __name__,
    "class_name": "function",
    "config": "convnet>keras_2_hard_sigmoid",
    "registered_name": "convnet>keras_2_hard_sigmoid",
}


def _is_operation(name: str) -> bool:
    from convnet.ops.operation import OPERATIONS

    return name in OPERATIONS


def _layer(name: str, config: dict[str, Json]) -> dict[str, Json]:
    batch_shape = config.pop("batch_input_shape", None)
    if name == "InputLayer" and batch_shape is not None:
        config["batch_shape"] = batch_shape
    for key, neutral in NEUTRAL.get(name, {}).items():
        if key in config and any(config[key] == value for value in neutral):
            del config[key]
    for key in _IMPLIED.get(name, ()):
        config.pop(key, None)
    if name == "BatchNormalization" and isinstance(config.get("axis"), list):
        (config["axis"],) = config["axis"] if len(config["axis"]) == 1 else (config["axis"],)
    for key, value in config.items():
        if key.endswith("_initializer") and isinstance(value, dict):
            config[key] = _without_dtype(value)
    return config


def _without_dtype(initializer: dict[str, Json]) -> dict[str, Json]:
    inner = initializer.get("config")
    if not isinstance(inner, dict) or "dtype" not in inner:
        return initializer
    return {**initializer, "config": {k: v for k, v in inner.items() if k != "dtype"}}


def _sequential(config: Json) -> dict[str, Json]:
    if isinstance(config, list):  # Keras up to 2.2.2
        config = {"name": None, "layers": config}
    if not isinstance(config, dict) or "layers" not in config:
        raise ValueError(
            "A Sequential model configuration must be a dictionary containing the 'name' and "
            f"'layers' keys. Received: config={config}"
        )
    modern = {"name": None, **config}
    layers = _checked_list(config["layers"], "layers")
    first = layers[0] if layers and isinstance(layers[0], dict) else {}
    inner = first.get("config")
    if isinstance(inner, dict) and first.get("class_name") != "InputLayer":
        shape = inner.get("batch_input_shape")
        if shape is not None:
            source = {
                "batch_shape": shape,
                "dtype": inner.get("dtype", "float32"),
                "name": f"{inner.get('name', 'sequential')}_input",
            }
            modern["layers"] = [{"class_name": "InputLayer", "config": source}, *layers]
    return modern


def _functional(config: dict[str, Json]) -> dict[str, Json]:
    layers = []
    for layer in _checked_list(config["layers"], "layers"):
        if not isinstance(layer, dict) or not isinstance(layer.get("name"), str):
            raise ValueError(f"Expected the config of a layer with its name. Received: {layer}")
        nodes = _checked_list(layer.get("inbound_nodes", []), "inbound_nodes")
        is_rnn = layer.get("class_name") in RNN
        layers.append({**layer, "inbound_nodes": [_node(node, is_rnn) for node in nodes]})
    return {"name": None, **config, "layers": layers}


def _checked_list(value: Json, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"Expected '{what}' of a model to be a list. Received: {value}")
    if len(value) > MAX_LAYERS:
        raise ValueError(f"Expected at most {MAX_LAYERS} '{what}'. Received: {len(value)}")
    return value


def _node(node: Json, is_rnn: bool) -> dict[str, Json]:
    """One call of a layer: Keras 2's list of [layer, node, tensor, kwargs] to args and kwargs."""
    if isinstance(node, dict) and {"args", "kwargs"} <= node.keys():
        return node
    kwargs: dict[str, Json] = {}
    tensors = []
    for item in _checked_list(node, "inbound_nodes"):
        if not isinstance(item, list) or len(item) not in (3, 4):
            raise ValueError(f"Cannot deserialize the model (invalid config data?): {item}")
        if len(item) == 4 and isinstance(item[3], dict):
            kwargs = item[3]
        tensors.append(item[2] if item[0] == "_CONSTANT_VALUE" else _tensor(item))
    kwargs = {key: _argument(value) for key, value in kwargs.items()}
    if is_rnn and len(tensors) > 1:  # the initial state came behind the sequence
        tensors, kwargs = tensors[:1], {**kwargs, "initial_state": tensors[1:]}
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


def _argument(value: Json) -> Json:
    if isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
            return _tensor(value)
        return [_argument(item) for item in value]
    return value


def _tensor(history: list[Json]) -> dict[str, Json]:
    config = {"shape": [], "dtype": "float32", "keras_history": list(history[:3])}
    return {"class_name": "__keras_tensor__", "config": config}
