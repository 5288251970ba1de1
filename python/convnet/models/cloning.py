"""Copies of models with fresh weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convnet import tree
from convnet.layers import Input, InputLayer, Layer
from convnet.models.functional import Functional
from convnet.models.model import Model
from convnet.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """A copy of a functional or sequential model with new layers and fresh weights.

    Args:
        model: The model.
        input_tensors: Symbolic tensors to build the copy on; new ones by default.
        clone_function: Takes a layer, returns its copy; made from its config by default.
        call_function: Takes a copied layer and the arguments of its call, returns the outputs;
            calls it by default. Only for functional models.
        recursive: Whether models inside of the model are cloned layer by layer, too.

    Raises:
        ValueError: if the model is of another kind and functions or tensors are given, or
            `call_function` is given for a sequential model.

    >>> from convnet.layers import Dense, Input
    >>> clone_model(Sequential([Input((4,)), Dense(2)])).count_params()
    10
    """
    if not isinstance(model, (Sequential, Functional)):
        if clone_function or input_tensors or call_function:
            raise ValueError(
                "Arguments `clone_function`, `call_function` and `input_tensors` are only "
                "supported for Sequential models or Functional models. Received model of type "
                f"'{type(model).__name__}'"
            )
        return type(model).from_config(model.get_config())
    if isinstance(model, Sequential) and call_function is not None:
        raise ValueError(
            "`call_function` argument is not supported with Sequential models. In a Sequential "
            "model, layers aren't called at model-construction time (they're merely listed). Use "
            "`call_function` with Functional models only. Received model of type "
            f"'{type(model).__name__}'"
        )
    clone = _Cloner(clone_function or _remade, call_function, recursive)
    copy = clone.model(model, input_tensors)
    if model.compiled:
        copy.compile_from_config(model.get_compile_config())
    return copy


def _remade(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


class _Cloner:
    """Clones layers once each, however often they are called."""

    def __init__(
        self, clone: Callable[[Any], Any], call: Callable[..., Any] | None, recursive: bool
    ) -> None:
        self._clone = clone
        self._call = call or (lambda layer, *args, **kwargs: layer(*args, **kwargs))
        self._recursive = recursive
        self._copies: dict[int, Any] = {}

    def layer(self, layer: Any) -> Any:
        if id(layer) not in self._copies:
            inner = self._recursive and isinstance(layer, (Sequential, Functional))
            self._copies[id(layer)] = self.model(layer) if inner else self._clone(layer)
        return self._copies[id(layer)]

    def model(self, model: Any, inputs: Any = None) -> Any:
        if isinstance(model, Sequential):
            return self._sequential(model, inputs)
        if inputs is None:
            inputs = tree.map_structure(
                lambda x: Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), model.input
            )
        elif not tree.same_structure(inputs, model.input):
            raise ValueError(
                "`input_tensors` must have the same structure as model.input. "
                f"Reference structure: {model.input}. Received structure: {inputs}"
            )
        outputs = model._graph.run(
            tree.flatten(inputs),
            lambda layer, args, kwargs: self._call(self.layer(layer), *args, **kwargs),
        )
        return Functional(inputs, outputs, name=model.name)

    def _sequential(self, model: Sequential, inputs: Any) -> Sequential:
        layers: list[Any] = [self.layer(layer) for layer in model.layers]
        first: Layer | None = model._layers[0] if model._layers else None
        if inputs is not None:
            layers.insert(0, inputs[0] if isinstance(inputs, (list, tuple)) else inputs)
        elif isinstance(first, InputLayer):
            layers.insert(0, _remade(first))
        return Sequential(layers, name=model.name, trainable=model.trainable)
