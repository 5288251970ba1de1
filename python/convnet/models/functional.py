"""Models made of symbolic inputs and outputs."""

from __future__ import annotations

import warnings
from typing import Any

from convnet import ops, tree
from convnet.layers import Input, InputLayer, Layer
from convnet.layers.input_spec import InputSpec
from convnet.layers.state import LayerState, unique
from convnet.models.functional_config import functional_config
from convnet.models.graph import LayerGraph
from convnet.models.model import Model
from convnet.symbolic import KerasTensor


class Functional(Model):
    """A model made of the calls of layers that lead from symbolic inputs to symbolic outputs.

    Made by `Model(inputs, outputs)`.

    Args:
        inputs: Symbolic tensor, or list or dictionary of them. Tensors inside of another model
            may be given, too: then the layers between are shared with it.
        outputs: Symbolic tensor, or list or dictionary of them.
        name: Name of the model.
        trainable: Whether training changes the weights; None to leave each layer as it is.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if something else is given, or the outputs depend on other inputs.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        trainable = kwargs.pop("trainable", None)
        if "_trainable_variables" not in self.__dict__:
            super().__init__(name=name, **kwargs)
        _check_tensors("inputs", inputs)
        _check_tensors("outputs", outputs)
        _warn_about_keys(inputs)
        self._graph = _graph_between(inputs, outputs)
        self.output_names = [t._keras_history.operation.name for t in self._graph.outputs]
        if trainable is not None:
            self.trainable = trainable
        self.build(None)

    def build(self, input_shape: Any = None) -> None:
        """Do nothing: the layers are built already."""

    def _lock_state(self) -> None:
        """Let further layers be attached."""

    @property
    def _sublayers(self) -> list[Any]:
        attached = self._attributes_of(LayerState)
        return unique([*self._graph_layers(), *attached])

    def _graph_layers(self) -> list[Layer]:
        if "_graph" not in self.__dict__:
            return []
        return [op for op in self._graph.operations if isinstance(op, Layer)]

    @property
    def layers(self) -> list[Layer]:
        """The layers from inputs to outputs, input layers included."""
        return self._graph_layers()

    @property
    def operations(self) -> list[Any]:
        """The layers and ops from inputs to outputs."""
        return list(self._graph.operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs as a flat list."""
        return self._graph.inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs as a flat list."""
        return self._graph.outputs

    @property
    def input(self) -> Any:
        """The symbolic inputs as they were given."""
        return self._graph.input_structure

    @property
    def output(self) -> Any:
        """The symbolic outputs as they were given."""
        return self._graph.output_structure

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [tensor.name for tensor in self.inputs]

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or a list of the inputs' shapes."""
        return _one_or_all([tensor.shape for tensor in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of the outputs' shapes."""
        return _one_or_all([tensor.shape for tensor in self.outputs])

    @property
    def input_spec(self) -> Any:
        """What the model expects of its inputs."""
        if "_input_spec" in self.__dict__:
            return self._input_spec
        structure = self.input
        if isinstance(structure, dict):
            return [_spec(structure[key], key) for key in sorted(structure)]
        return [_spec(tensor) for tensor in self.inputs]

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        if value is not None:
            self._input_spec = value

    # Calling.

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the outputs.

        Args:
            inputs: Tensors in the structure of the model's inputs; a dictionary by input names
                fits any structure.
            training: Whether layers behave as in training.
            mask: Masks of the inputs.
        """
        values = self._fitted(self._in_order(inputs))
        masks = [None] * len(values) if mask is None else tree.flatten(mask)
        for value, one in zip(values, masks, strict=True):
            if one is not None:
                value._keras_mask = one

        def call(operation: Any, args: Any, kwargs: Any) -> Any:
            if training is not None and isinstance(operation, Layer):
                kwargs = {**kwargs, "training": training}
            return operation(*args, **kwargs)

        outputs = self._graph.run(values, call)
        single = isinstance(outputs, (list, tuple)) and len(outputs) == 1
        return outputs[0] if single else outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic tensors that the model returns for symbolic tensors."""
        return typed_like(self.outputs, super().compute_output_spec(*args, **kwargs))

    def _assert_input_compatibility(self, inputs: Any) -> None:
        super()._assert_input_compatibility(self._in_order(inputs))

    def _in_order(self, inputs: Any) -> list[Any]:
        """The inputs as a flat list in the order of the model's own.

        Raises:
            ValueError: if inputs are missing or their structure is another one.
        """
        names = self.input_names
        if isinstance(self.input, dict):
            names = sorted(self.input)
        if isinstance(inputs, dict):
            if set(names) <= inputs.keys():
                return [inputs[name] for name in names]
        elif len(flat := tree.flatten(inputs)) == len(names):
            return flat
        shapes = tree.map_structure(lambda x: getattr(x, "shape", x), inputs)
        raise ValueError(
            "The structure of `inputs` doesn't match the expected structure. "
            f"Expected: {tree.map_structure(lambda x: x.name, self.input)}. "
            f"Received: inputs with shapes {shapes}"
        )

    def _fitted(self, values: list[Any]) -> list[Any]:
        """The inputs with a last axis of size 1 added or removed where the rank asks for it."""
        fitted = []
        for value, expected in zip(values, self.inputs, strict=True):
            difference = len(expected.shape) - value.ndim
            if difference == 1 and expected.shape[-1] == 1:
                value = _with_mask_of(value, ops.expand_dims(value, -1))
            elif difference == -1 and value.shape[-1] == 1:
                value = _with_mask_of(value, ops.squeeze(value, -1))
            elif difference:
                raise ValueError(
                    f"Invalid input shape for input {value} with name '{expected.name}'. Expected "
                    f"shape {expected.shape}, but input has incompatible shape {value.shape}"
                )
            fitted.append(value)
        return fitted

    def get_config(self) -> dict[str, Any]:
        """Layers and the calls between them."""
        return functional_config(self, self._graph)


def typed_like(tensors: list[KerasTensor], outputs: Any) -> Any:
    """The outputs of a model, with the data types of those that it was made of."""
    for output, tensor in zip(tree.flatten(outputs), tensors, strict=False):
        output.dtype = tensor.dtype
    return outputs


def _check_tensors(name: str, structure: Any) -> None:
    for x in tree.flatten(structure):
        if not isinstance(x, KerasTensor):
            raise ValueError(
                f"All `{name}` values must be KerasTensors. Received: {name}={structure} including "
                f"invalid value {x} of type {type(x)}"
            )


def _warn_about_keys(inputs: Any) -> None:
    for key, tensor in inputs.items() if isinstance(inputs, dict) else ():
        if isinstance(tensor, KerasTensor) and key != tensor.name:
            warnings.warn(
                "When providing `inputs` as a dict, all keys in the dict must match the names of "
                f"the corresponding tensors. Received key '{key}' mapping to value {tensor} which "
                f"has name '{tensor.name}'. Change the tensor name to '{key}' (via `Input(..., "
                f"name='{key}')`)",
                stacklevel=4,
            )


def _graph_between(inputs: Any, outputs: Any) -> LayerGraph:
    """The graph; inputs from inside of another model are replaced by new ones."""
    operations = [tensor._keras_history.operation for tensor in tree.flatten(inputs)]
    if all(isinstance(operation, InputLayer) for operation in operations):
        return LayerGraph(inputs, outputs)
    new = tree.map_structure(_own_input, inputs)
    part = LayerGraph(inputs, outputs)
    called = part.run(tree.flatten(new), _call)
    return LayerGraph(new, called)


def _call(operation: Any, args: Any, kwargs: Any) -> Any:
    return operation(*args, **kwargs)


def _own_input(tensor: KerasTensor) -> KerasTensor:
    if isinstance(tensor._keras_history.operation, InputLayer):
        return tensor
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}_clone")


def _spec(tensor: KerasTensor, name: str | None = None) -> InputSpec:
    layer = tensor._keras_history.operation
    return InputSpec(
        shape=(None, *tensor.shape[1:]),
        allow_last_axis_squeeze=True,
        name=layer.name if name is None else name,
        optional=getattr(layer, "optional", False),
    )


def _one_or_all(shapes: list[Any]) -> Any:
    return shapes[0] if len(shapes) == 1 else shapes


def _with_mask_of(source: Any, tensor: Any) -> Any:
    tensor._keras_mask = source._keras_mask
    return tensor
