"""The base of all models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from convnet import tree
from convnet.execution import infer_outputs
from convnet.layers import Layer
from convnet.layers.call_spec import CallSpec
from convnet.symbolic import KerasTensor
from convnet.training.trainer import Trainer

if TYPE_CHECKING:
    from convnet.profiling import Profile


class Model(Trainer, Layer):
    """Layers joined into something that trains, evaluates, predicts and is saved.

    There are three ways to make one: `Model(inputs, outputs)` from symbolic tensors, a
    `Sequential` list of layers, or a subclass with layers in attributes and its own `call`.

    Args:
        *args: `inputs` and `outputs`, for a functional model.
        **kwargs: The same by name; `name`, `trainable` and other arguments of `Layer`.

    >>> from convnet.layers import Dense, Input
    >>> inputs = Input((4,))
    >>> Model(inputs, Dense(2)(inputs)).output_shape
    (None, 2)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and is_functional(args, kwargs):
            from convnet.models.functional import Functional

            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        from convnet.models.functional import Functional

        Trainer.__init__(self)
        if is_functional(args, kwargs):
            _make_functional(type(self))
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
        else:
            Layer.__init__(self, *args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; override it in a subclass."""
        raise NotImplementedError(
            f"Model {type(self).__name__} does not have a `call()` method implemented."
        )

    def _maybe_build(self, spec: CallSpec) -> None:
        if type(self).build is not Model.build:
            super()._maybe_build(spec)
        elif not self.built:  # the layers build themselves when `call` is traced
            self._build_shapes = spec.shapes
            self.built = True

    def build(self, input_shape: Any) -> None:
        """Make the weights of all layers.

        Args:
            input_shape: Shape of the inputs with the batch, or a structure of shapes.

        Raises:
            ValueError: if the model cannot be called on inputs of that shape.
        """
        inputs = tree.map_shapes(lambda shape: KerasTensor(shape), input_shape)
        infer_outputs(self._inferred_call, (inputs,), {})

    @property
    def layers(self) -> list[Layer]:
        """The layers, without those inside of other layers."""
        return self._flatten_layers(include_self=False, recursive=False)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place.

        Raises:
            ValueError: if there is none, or both name and index are given, or neither.
        """
        if index is not None and name is not None:
            raise ValueError(
                f"Provide only a layer name or a layer index. Received: index={index}, name={name}."
            )
        layers = self.layers
        if index is not None:
            if len(layers) <= index:
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(layers)} layers."
                )
            return layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"No such layer: {name}. Existing layers are: {[layer.name for layer in layers]}."
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: tuple[str, str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights.

        Args:
            line_length: Width of the table.
            positions: Ends of the columns, relative or absolute.
            print_fn: Takes the text; `print` by default.
            expand_nested: Whether to list the layers of nested models.
            show_trainable: Whether to show which layers are trainable.
            layer_range: Names, or patterns of names, of the first and the last layer to show.
        """
        from convnet.utils.summary_utils import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def profile(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int = 32,
        steps: int | None = None,
    ) -> Profile:
        """Measure what each op of a step costs.

        The model stays as it is: weights, optimizer, metrics and seeds are what they were before.
        No other thread should use it meanwhile.

        Args:
            x: Inputs: an array, or a list or dict of arrays.
            y: Targets: a step of training is measured. By default `predict` is.
            sample_weight: Weights of the samples in the loss.
            batch_size: Samples of a step; all of `x` where there are fewer.
            steps: Steps to measure; by default as many as take half a second.

        Returns:
            The profile, to be printed or drawn.

        Raises:
            ValueError: if targets are given and the model is not compiled, or data do not fit it.

        >>> import numpy as np
        >>> from convnet import Sequential, layers
        >>> model = Sequential([layers.Input((28, 28, 1)), layers.Conv2D(8, 5), layers.Flatten()])
        >>> profile = model.profile(np.ones((64, 28, 28, 1)))
        >>> [row.algorithm for row in profile.rows if row.op == "conv2d"]
        ['direct']
        """
        from convnet.profiling.measure import profile_model

        return profile_model(self, x, y, sample_weight, batch_size, steps)

    # Files.

    def save(
        self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Save the model with its weights and the state of its optimizer.

        Args:
            filepath: Path ending in `.keras`, or in `.h5` or `.hdf5` for the older format.
            overwrite: Whether to replace an existing file without asking.
            zipped: Whether to write one file or a folder.
            **kwargs: Further arguments of `saving.save_model`.
        """
        from convnet import saving

        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save the weights.

        Args:
            filepath: Path ending in `.weights.h5`.
            overwrite: Whether to replace an existing file without asking.
            **kwargs: Further arguments of `saving.save_weights`.
        """
        from convnet import saving

        saving.save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Load weights that `save_weights` or `save` wrote.

        Args:
            filepath: Path of the file.
            skip_mismatch: Whether to leave out layers whose weights do not fit.
            **kwargs: Further arguments of `saving.load_weights`.
        """
        from convnet import saving

        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON, for `model_from_json`.

        Args:
            **kwargs: Arguments of `json.dumps`.
        """
        from convnet.saving.serialization import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model made from what `get_config` returned."""
        from convnet.models.functional import Functional
        from convnet.models.functional_config import functional_from_config

        keys = ("name", "layers", "input_layers", "output_layers")
        if all(key in config for key in keys):
            return functional_from_config(
                Functional if cls is Model else cls, config, custom_objects
            )
        return super().from_config(config)


def is_functional(args: Any, kwargs: Any) -> bool:
    """Whether a constructor's arguments are the inputs and outputs of a functional model."""
    given = len(args) + sum(name in kwargs for name in ("inputs", "outputs"))
    return len(args) <= 2 and given == 2


def _make_functional(cls: type) -> None:
    """Let a user's subclass that calls `super().__init__(inputs, outputs)` be functional."""
    from convnet.models.functional import Functional

    if issubclass(cls, Functional):
        return
    if Model in cls.__bases__:
        cls.__bases__ = tuple(Functional if base is Model else base for base in cls.__bases__)
    else:
        for base in cls.__bases__:
            if issubclass(base, Model):
                _make_functional(base)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """A model made from what `Model.to_json` returned, with fresh weights.

    Args:
        json_string: The JSON text.
        custom_objects: Classes and functions by name.

    Raises:
        TypeError: if the text names a class that is not known.
    """
    from convnet.saving.serialization import deserialize_keras_object

    return deserialize_keras_object(json.loads(json_string), custom_objects=custom_objects)
