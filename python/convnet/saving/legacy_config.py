"""The configs of `.h5` files: the model's without modules, and the arguments of `compile`."""

from __future__ import annotations

import importlib
from typing import Any

from convnet.saving import class_table, dialects

Json = Any

# Metrics that are chosen by the shapes of targets and outputs; their names stay names.
_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def from_modern(config: dict[str, Json]) -> dict[str, Json]:
    """Gives a model's config as Keras 3 writes it into an `.h5` file.

    Args:
        config: The model in the form of `serialize_keras_object`.
    """
    inner = config["config"]
    if isinstance(inner, dict) and isinstance(inner.get("layers"), list):
        inner = {**inner, "layers": [_layer(layer) for layer in inner["layers"]]}
    return {"class_name": config["registered_name"] or config["class_name"], "config": inner}


def _layer(config: dict[str, Json]) -> dict[str, Json]:
    layer = from_modern(config)
    if str(config["module"]).startswith("keras.src.ops"):
        layer["module"] = config["module"]  # or `Multiply` could be the op or the layer
    return layer | {key: config[key] for key in ("name", "inbound_nodes") if key in config}


def training_config(compiled: dict[str, Json]) -> dict[str, Json]:
    """Gives the arguments of `compile` as an `.h5` file holds them.

    Args:
        compiled: What `get_compile_config` returned, serialised.
    """
    arguments = {key: _plain(value) for key, value in compiled.items() if key != "optimizer"}
    if "loss" in arguments:  # Keras 3.15 cannot read short names such as `mse` here
        arguments["loss"] = _each(arguments["loss"], _full_name)
    if isinstance(compiled.get("optimizer"), dict):
        arguments["optimizer_config"] = from_modern(compiled["optimizer"])
    elif "optimizer" in compiled:
        arguments["optimizer_config"] = {"class_name": compiled["optimizer"], "config": {}}
    return arguments


def _plain(value: Json) -> Json:
    """Objects without their modules, functions as their names."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value or "config" not in value:
        return {key: _plain(item) for key, item in value.items()}
    if value["class_name"] == "function":
        return value["config"]
    return {
        "class_name": value.get("registered_name") or value["class_name"],
        "config": value["config"],
    }


def compile_arguments(config: dict[str, Json]) -> dict[str, Any]:
    """Gives the arguments of `compile` that the training config of an `.h5` file describes.

    Args:
        config: The training config, as Keras 1, 2 or 3 wrote it.

    Raises:
        ValueError: If it names a loss, metric or optimizer that is not known.
    """
    optimizers = importlib.import_module("convnet.optimizers")
    arguments = {
        "loss": _each(config.get("loss"), _loss),
        "loss_weights": config.get("loss_weights"),
    }
    for key in ("metrics", "weighted_metrics"):
        arguments[key] = _each(_unnested(config.get(key)), _metric)
    optimizer = config.get("optimizer_config")
    if optimizer is not None:
        if not isinstance(optimizer, dict):
            raise ValueError(f"Expected the optimizer's config to be a dict. Received: {optimizer}")
        name = str(optimizer.get("class_name")).removeprefix("Custom>")
        arguments["optimizer"] = optimizers.deserialize({**optimizer, "class_name": name})
    return arguments


def _each(value: Json, make: Any) -> Any:
    if isinstance(value, list):
        return [_each(item, make) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _each(item, make) for key, item in value.items()}
    return value if value is None else make(value)


def _unnested(metrics: Json) -> Json:
    """Keras 2 stores one list for each output, also of a model with one."""
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        return metrics[0]
    return metrics


def _full_name(loss: Json) -> Json:
    function = class_table.find_function(loss) if isinstance(loss, str) else None
    return loss if function is None else function.__name__


def _loss(loss: Json) -> Any:
    if isinstance(loss, dict) and isinstance(loss.get("config"), dict):
        loss = {**loss, "config": dialects.modern_loss(loss["config"])}
    return _named("convnet.losses", loss)


def _named(module: str, identifier: Json) -> Any:
    """The object; a name that is known stays a name."""
    found = importlib.import_module(module).get(identifier)
    return identifier if isinstance(identifier, str) else found


def _metric(metric: Json) -> Any:
    if isinstance(metric, dict) and metric.get("class_name") == "MeanMetricWrapper":
        config = metric.get("config")
        config = config if isinstance(config, dict) else {}
        metric = config["name"] if config.get("name") in _BY_SHAPE else config.get("fn")
    if isinstance(metric, str) and metric in _BY_SHAPE:
        return metric
    return _named("convnet.metrics", metric)
