"""Models made of a list of layers."""

from __future__ import annotations

import inspect
from typing import Any

from convnet import tree
from convnet.layers import InputLayer, Layer
from convnet.layers.call_spec import CallSpec
from convnet.models.functional import Functional, typed_like
from convnet.models.model import Model
from convnet.symbolic import KerasTensor


class Sequential(Model):
    """A model made of a list of layers, each applied to the output of the one before.

    With an `Input` in front, the weights are made as layers are added; without, when the model
    is first used or built.

    Args:
        layers: The layers.
        trainable: Whether training changes the weights.
        name: Name of the model.

    >>> from convnet.layers import Dense, Input
    >>> model = Sequential([Input((4,)), Dense(8, activation="relu"), Dense(1)])
    >>> model.count_params()
    49
    """

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self._functional: Functional | None = None
        self._layers: list[Layer] = []
        for layer in layers or ():
            self.add(layer, rebuild=False)
        if self._layers:
            self._maybe_rebuild()

    @property
    def _sublayers(self) -> list[Any]:
        layers: list[Any] = self.__dict__.get("_layers", [])
        return layers

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input layer."""
        layers = self._layers
        return layers[1:] if layers and isinstance(layers[0], InputLayer) else layers[:]

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Append a layer.

        Args:
            layer: Layer, or what `Input` returned.
            rebuild: Whether to make its weights at once, where shapes are known.

        Raises:
            ValueError: if it is no layer, or its name is taken.
        """
        if not self._layers and getattr(layer, "_input_shape_arg", None) is not None:
            self.add(InputLayer(shape=layer._input_shape_arg))
        if isinstance(layer, KerasTensor):
            origin = layer._keras_history.operation
            layer = origin if isinstance(origin, InputLayer) else layer
        self._check(layer)
        self._layers.append(layer)
        if rebuild:
            self._maybe_rebuild()
        else:
            self._forget()

    def _check(self, layer: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Only instances of `keras.Layer` can be added to a Sequential model. "
                f"Received: {layer} (of type {type(layer)})"
            )
        if any(other.name == layer.name and other is not layer for other in self._layers):
            raise ValueError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model. Update the `name` "
                "argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and self._layers:
            first = self._layers[0]
            if isinstance(first, InputLayer):
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input "
                    f"shape {first.batch_shape}. You cannot add a different Input layer to it."
                )

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove the last layer and return it.

        Args:
            rebuild: Whether to connect the layers that stay at once.
        """
        layer = self._layers.pop()
        self._forget()
        if rebuild and self._layers:
            self._maybe_rebuild()
        return layer

    def _forget(self) -> None:
        self.built = False
        self._functional = None
        self._plans.clear()
        self._predictor = None

    def _maybe_rebuild(self) -> None:
        self._forget()
        if len(self._layers) < 2:
            return
        first = self._layers[0]
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif isinstance(first, Model) and getattr(first, "input_shape", None) is not None:
            self.build(first.input_shape)

    def _lock_state(self) -> None:
        """Let further layers be added."""

    def _maybe_build(self, spec: CallSpec) -> None:
        if not self.built:
            self.build(next(iter(spec.shapes.values()), None))
            self.built = True

    def build(self, input_shape: Any = None) -> None:
        """Connect the layers and make their weights.

        Args:
            input_shape: Shape of the input with the batch. For a structure of shapes, the layers
                are connected when the model is called.

        Raises:
            ValueError: if there are no layers, or the model is built for another shape.
        """
        if not self._layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. "
                "Call `model.add(layer)`."
            )
        if input_shape is None or not tree.is_shape(input_shape):
            return
        shape = tuple(input_shape)
        first = self._layers[0]
        if not isinstance(first, InputLayer):
            self._layers.insert(0, InputLayer(batch_shape=(None, *shape[1:])))
        elif first.batch_shape[1:] != shape[1:]:
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{first.batch_shape}. You cannot build it with input_shape {shape}"
            )
        self._functional = Functional(self._layers[0].output, self._chain(), name=self.name)

    def _chain(self) -> Any:
        x = self._layers[0].output
        for layer in self._layers[1:]:
            try:
                x = layer(x)
            except TypeError:
                _check_signature(layer)
                raise
        return x

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the outputs.

        Args:
            inputs: Tensor, or what the first layer takes.
            training: Whether layers behave as in training.
            mask: Mask of the inputs.
        """
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask)
        for layer in self.layers:
            kwargs = {"mask": mask} if layer._call_has_mask_arg else {}
            inputs = layer(inputs, training=training, **kwargs)
            mask = tree.map_structure(lambda x: getattr(x, "_keras_mask", None), inputs)
        return inputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic tensor that the model returns for symbolic tensors."""
        outputs = super().compute_output_spec(*args, **kwargs)
        return outputs if self._functional is None else typed_like(self.outputs, outputs)

    def _assert_input_compatibility(self, inputs: Any) -> None:
        if self._functional is not None:
            self._functional._assert_input_compatibility(inputs)

    def _of_functional(self, name: str) -> Any:
        if self._functional is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {name.replace('_', ' ')} yet."
            )
        return getattr(self._functional, name)

    @property
    def input_shape(self) -> Any:
        """The shape of the input."""
        return self._of_functional("input_shape")

    @property
    def output_shape(self) -> Any:
        """The shape of the output."""
        return self._of_functional("output_shape")

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input in a list."""
        return list(self._of_functional("inputs"))

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic output in a list."""
        return list(self._of_functional("outputs"))

    @property
    def input_names(self) -> list[str]:
        """The name of the input in a list."""
        return list(self._of_functional("input_names"))

    @property
    def output_names(self) -> list[str]:
        """The name of the output in a list."""
        return list(self._of_functional("output_names"))

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._of_functional("input")

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._of_functional("output")

    def get_config(self) -> dict[str, Any]:
        """The configs of the layers, and the shape that the model is built for."""
        from convnet.saving.serialization import serialize_keras_object

        config = super().get_config()
        config["layers"] = [serialize_keras_object(layer) for layer in self._layers]
        if self._functional is not None:
            config["build_input_shape"] = self._layers[0].batch_shape
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model made from what `get_config` returned.

        Raises:
            ValueError: if name or layers are missing.
        """
        from convnet.saving.serialization import deserialize_keras_object

        if "name" not in config or "layers" not in config:
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and "
                f"'layers' keys. Received: config={config}"
            )
        model = cls(name=config["name"])
        for layer_config in config["layers"]:
            layer = deserialize_keras_object(layer_config, custom_objects=custom_objects)
            model.add(layer, rebuild=False)
        if model._layers:
            model._maybe_rebuild()
        if model._functional is None and config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        return model


def _check_signature(layer: Layer) -> None:
    parameters = inspect.signature(layer.call).parameters.values()
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in places if p.default is p.empty]
    name = type(layer).__name__
    if not places:
        raise ValueError(
            "Layers added to a Sequential model should have a single positional argument, the "
            f"input tensor. Layer {name} has no positional arguments."
        )
    if len(required) > 1:
        raise ValueError(
            "Layers added to a Sequential model can only have a single required positional "
            f"argument, the input tensor. Layer {name} has multiple required positional "
            f"arguments: {required}"
        )
