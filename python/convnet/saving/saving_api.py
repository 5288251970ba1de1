"""Saving and loading: whole models and weights, in the formats of Keras."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convnet.memory_limit import limit_variables
from convnet.saving import config_json, dialects, h5_file, keras_file, legacy_config, weights_file
from convnet.saving.atomic_write import atomic_write
from convnet.saving.deserialization import deserialize_keras_object, sharing_objects
from convnet.saving.hdf5_reader import Group, open_hdf5
from convnet.saving.object_registry import CustomObjectScope, known_custom_objects
from convnet.utils.io_utils import ask_to_proceed_with_overwrite

StrPath = str | os.PathLike[str]
Objects = Mapping[str, Any]

_H5 = (".h5", ".hdf5")
SLACK = 64 * 2**20  # bytes of variables that a model may have beyond those in its file
_log = logging.getLogger("convnet")


def save_model(
    model: Any, filepath: StrPath, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Saves a model: its architecture, weights, arguments of `compile` and optimizer state.

    The file takes the place of an older one only when it is complete.

    Args:
        model: The model.
        filepath: Where to. The ending `.keras` chooses Keras's native format; `.h5` or `.hdf5`
            the legacy format.
        overwrite: Whether to replace an existing file without asking.
        zipped: `False` writes a folder with the members of a `.keras` file.
        **kwargs: `include_optimizer`, for `.h5` files.

    Raises:
        ValueError: If the ending or an argument is not known.

    Example:

    >>> save_model(None, "model.pkl")
    Traceback (most recent call last):
    ValueError: Invalid filepath extension for saving. Please add either a `.keras` extension \
for the native Keras format (recommended) or a `.h5` extension. Received: filepath=model.pkl.
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    save_format = kwargs.pop("save_format", None)
    path = os.fspath(filepath)
    if save_format and not path.endswith((".keras", *_H5)):
        raise ValueError(
            "The `save_format` argument is deprecated in Keras 3. Please remove this argument and "
            "pass a file path with either `.keras` or `.h5` extension."
            f"Received: save_format={save_format}"
        )
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
    zipped = True if zipped is None else zipped
    if not path.endswith((".keras", *_H5)) and zipped:
        raise ValueError(
            "Invalid filepath extension for saving. Please add either a `.keras` extension for "
            "the native Keras format (recommended) or a `.h5` extension. "
            f"Received: filepath={path}."
        )
    if not zipped and path.endswith(".keras"):
        raise ValueError(
            "When using `zipped=False`, the `filepath` argument should not end in `.keras`. "
            f"Received: filepath={path}"
        )
    if os.path.exists(path) and not overwrite and not ask_to_proceed_with_overwrite(path):
        return
    _warn_if_not_built(model)
    if not zipped:
        keras_file.save_folder(model, path)
    elif path.endswith(".keras"):
        keras_file.save(model, path)
    else:
        _log.warning(
            "You are saving your model as an HDF5 file via `model.save()` or "
            "`keras.saving.save_model(model)`. This file format is considered legacy. "
            "We recommend using instead the native Keras format, e.g. "
            "`model.save('my_model.keras')` or "
            "`keras.saving.save_model(model, 'my_model.keras')`. "
        )
        h5_file.save(model, path, include_optimizer)


def _warn_if_not_built(model: Any) -> None:
    if not model.built:
        warnings.warn(
            "You are saving a model that has not yet been built. It might not contain any weights "
            "yet. Consider building the model first by calling it on some data.",
            stacklevel=4,
        )


def load_model(
    filepath: StrPath,
    custom_objects: Objects | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Loads a model that convnet, Keras 3 or Keras 2 saved.

    Nothing in the file is executed, and no other file is opened, whatever the file says.

    Args:
        filepath: A `.keras` file, a folder with its members, or an `.h5` or `.hdf5` file.
        custom_objects: Classes and functions of yours by the names that the file uses.
        compile: Whether to compile the model as it was compiled when it was saved.
        safe_mode: Accepted for compatibility. Code in a file is refused either way.

    Returns:
        The model.

    Raises:
        ValueError: If there is no such file, its format is not known, it is damaged, or it asks
            for anything but weights and known layers; the message names the file.

    Example:

    >>> load_model("missing.keras")
    Traceback (most recent call last):
    ValueError: File not found: filepath=missing.keras. Please ensure the file is an accessible \
`.keras` zip file.
    """
    path = os.fspath(filepath)
    is_folder = os.path.isfile(os.path.join(path, keras_file.CONFIG))
    if not is_folder and not path.endswith((".keras", *_H5)):
        raise ValueError(
            f"File format not supported: filepath={path}. Expected a `.keras` file or a legacy "
            "`.h5` file. TensorFlow's SavedModel format is not supported."
        )
    if not is_folder and not os.path.isfile(path):
        kind = "`.keras` zip" if path.endswith(".keras") else "`.h5`"
        raise ValueError(
            f"File not found: filepath={path}. Please ensure the file is an accessible {kind} file."
        )
    if is_folder or path.endswith(".keras"):
        return _load_keras(path, custom_objects, compile)
    return _load_h5(path, custom_objects, compile)


def _load_keras(path: str, custom_objects: Objects | None, compile: bool) -> Any:
    file = keras_file.KerasFile(path)
    config = dialects.restore_hard_sigmoid(file.config(), file.keras_version())
    if not compile:
        config["compile_config"] = None
    weights = open_hdf5(file.weights(), f"{keras_file.WEIGHTS} in {path}")
    with _naming(path), sharing_objects():
        with limit_variables(weights.file_size + SLACK):
            model = _checked_model(deserialize_keras_object(config, custom_objects))
        weights_file.WeightsLoader(weights, path).load(model)
    return model


def _load_h5(path: str, custom_objects: Objects | None, compile: bool) -> Any:
    with _naming(path), CustomObjectScope(known_custom_objects(custom_objects)):
        root = open_hdf5(path)
        config = _config_of(root, "model_config")
        if config is None:
            raise ValueError(f"No model config found in the file at {path}.")
        config = dialects.restore_hard_sigmoid(config, root.attribute("keras_version") or "1")
        with limit_variables(root.file_size + SLACK):
            model = _checked_model(deserialize_keras_object(config))
        h5_file.load_weights(h5_file.weights_group(root), model)
        if compile:
            _compile(model, root)
    return model


def _compile(model: Any, root: Group) -> None:
    config = _config_of(root, "training_config")
    if config is None:
        _log.warning(
            "No training configuration found in the save file, so the model was *not* compiled. "
            "Compile it manually."
        )
        return
    arguments = legacy_config.compile_arguments(config)
    model.compile(**arguments)
    if model.optimizer is not None:
        model.optimizer.build(model.trainable_variables)
        h5_file.load_optimizer(root, model.optimizer)


def _config_of(root: Group, name: str) -> dict[str, Any] | None:
    text = root.attribute(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"Expected the attribute {name!r} to be text.")
    return config_json.parse(text, name)


def _checked_model(model: Any) -> Any:
    from convnet.models import Model

    if not isinstance(model, Model):
        raise ValueError(f"Expected the config of a model. It describes: {type(model).__name__}")
    return model


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Turns what a bad file makes the loader raise into one error that names the file."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        message = str(error)
        if isinstance(error, KeyError):
            message = f"the key {message} is missing"
        elif not isinstance(error, TypeError | ValueError):
            message = f"{type(error).__name__}: {message}"
        elif path in message and isinstance(error, ValueError):
            raise
        raise ValueError(f"Could not load {path}: {message}") from error


def save_weights(model: Any, filepath: StrPath, overwrite: bool = True, **kwargs: Any) -> None:
    """Saves the weights of a model, and its optimizer's state, to a `.weights.h5` file.

    Args:
        model: A built model.
        filepath: Where to; must end in `.weights.h5`.
        overwrite: Whether to replace an existing file without asking.
        **kwargs: `max_shard_size`, which must be `None`.

    Raises:
        ValueError: If the ending is wrong, the model is not built, or an argument is not known.

    Example:

    >>> save_weights(None, "model.h5")
    Traceback (most recent call last):
    ValueError: The filename must end in `.weights.h5`. Received: filepath=model.h5
    """
    path = os.fspath(filepath)
    if kwargs.pop("max_shard_size", None) is not None:
        raise ValueError("Argument `max_shard_size` is not supported; expected None.")
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    if not path.endswith(".weights.h5"):
        raise ValueError(f"The filename must end in `.weights.h5`. Received: filepath={path}")
    if os.path.exists(path) and not overwrite and not ask_to_proceed_with_overwrite(path):
        return
    _check_built(model, "saving a model")
    with atomic_write(path) as temporary:
        temporary.write_bytes(keras_file.weights_image(model))


def load_weights(model: Any, filepath: StrPath, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Gives the weights in a file to a model. If anything fails, the model stays as it was.

    Args:
        model: A built model with the architecture that was saved.
        filepath: A `.weights.h5`, `.keras` or legacy `.h5` file.
        skip_mismatch: Whether to warn of layers that do not fit, and leave them as they are,
            instead of failing.
        **kwargs: `by_name`, for legacy `.h5` files: match layers by name instead of order.

    Raises:
        ValueError: If the format is not known, the file is damaged, or weights do not fit.

    Example:

    >>> load_weights(None, "model.ckpt")
    Traceback (most recent call last):
    ValueError: File format not supported: filepath=model.ckpt. Expected a `.weights.h5` file, a \
`.keras` file or a legacy `.h5` file.
    """
    path = os.fspath(filepath)
    by_name = kwargs.pop("by_name", None)
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    if not path.endswith((".keras", *_H5)):
        raise ValueError(
            f"File format not supported: filepath={path}. Expected a `.weights.h5` file, a "
            "`.keras` file or a legacy `.h5` file."
        )
    _check_built(model, "loading weights into a model")
    if not Path(path).is_file():
        raise ValueError(f"File not found: filepath={path}.")
    with _naming(path):
        if path.endswith(".keras"):
            _refuse_by_name(by_name, path)
            root = open_hdf5(keras_file.KerasFile(path).weights(), path)
        else:
            root = open_hdf5(path)
            if root.has("model_weights") or h5_file.has_texts(root, "layer_names"):
                group = h5_file.weights_group(root)
                h5_file.load_weights(group, model, bool(by_name), skip_mismatch)
                return
            _refuse_by_name(by_name, path)
        weights_file.WeightsLoader(root, path, skip_mismatch).load(model)


def _refuse_by_name(by_name: bool | None, path: str) -> None:
    if by_name is not None:
        raise ValueError(
            f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {path}"
        )


def _check_built(model: Any, doing: str) -> None:
    if not model.built:
        raise ValueError(
            f"You are {doing} that has not yet been built. "
            "Try building the model first by calling it on some data or by using `build()`."
        )


def model_from_json(json_string: str, custom_objects: Objects | None = None) -> Any:
    """Makes a model with fresh weights from what `model.to_json` returned.

    Args:
        json_string: The JSON.
        custom_objects: Classes and functions of yours by the names that the JSON uses.

    Raises:
        ValueError: If it is no JSON.
        TypeError: If it names a class that is not known.
    """
    config = config_json.parse(json_string, "JSON of a model")
    config = dialects.restore_hard_sigmoid(config, config.get("keras_version", "3"))
    with sharing_objects():
        return _checked_model(deserialize_keras_object(config, custom_objects))
