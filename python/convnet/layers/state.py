"""The state of a layer: its weights, its sub-layers, and what can be asked of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from convnet import constraints, initializers, regularizers, tree
from convnet.dtype_policies import standardize_dtype
from convnet.naming import name_scope
from convnet.symbolic import Operation
from convnet.tracing import current_trace
from convnet.variables import Variable


def unique(objects: Iterable[Any]) -> list[Any]:
    """Objects without repetitions, in order of first appearance."""
    return list({id(obj): obj for obj in objects}.values())


class LayerState(Operation):
    """Weights and sub-layers: what is assigned to an attribute, also in a container, is tracked."""

    name: str
    built = False
    _trainable_variables: list[Variable]
    _non_trainable_variables: list[Variable]

    if TYPE_CHECKING:  # attributes come from `_configure`, from `build` and from users

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, name: str | None = None, trainable: bool = True) -> None:
        object.__setattr__(self, "_trainable_variables", [])
        object.__setattr__(self, "_non_trainable_variables", [])
        super().__init__(name=name)
        if not isinstance(trainable, bool):
            raise ValueError(
                "Expected `trainable` to be a boolean. "
                f"Received: trainable={trainable} (of type {type(trainable)})"
            )
        self._trainable = trainable
        self._own_losses: list[Any] = []
        self._locked = False

    def __setattr__(self, name: str, value: Any) -> None:
        for leaf in tree.walk(value):
            if isinstance(leaf, Variable):
                self._check_super_called()
                self._track_variable(leaf)
        object.__setattr__(self, name, value)

    def _check_super_called(self) -> None:
        if "_trainable_variables" not in self.__dict__:
            raise RuntimeError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the "
                "first statement in the `__init__()` method. Go add it!"
            )

    # Tracking.

    def _track_variable(self, variable: Variable) -> None:
        if any(variable is v for v in self._trainable_variables + self._non_trainable_variables):
            return
        if self._locked:
            raise ValueError(
                "You cannot add new elements of state (variables or sub-layers) to a layer that is "
                "already built. All state must be created in the `__init__()` method or in the "
                "`build()` method."
            )
        kind = self._trainable_variables if variable.trainable else self._non_trainable_variables
        kind.append(variable)
        if not self._trainable:
            variable.trainable = False

    def _attributes_of(self, kind: type) -> Iterator[Any]:
        for value in list(vars(self).values()):
            if isinstance(value, kind):
                yield value
            elif isinstance(value, (list, tuple, dict)):
                yield from (leaf for leaf in tree.walk(value) if isinstance(leaf, kind))

    @property
    def _sublayers(self) -> list[Any]:
        """The layers held in attributes."""
        return unique(self._attributes_of(LayerState))

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        layers: list[Any] = [self] if include_self else []
        for layer in self._sublayers:
            layers.extend(layer._flatten_layers() if recursive else [layer])
        return unique(layers)

    # Weights.

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        *,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable that belongs to the layer.

        Args:
            shape: Its shape, `()` by default.
            initializer: Initializer or its name, `"glorot_uniform"` by default.
            dtype: Data type, the layer's by default.
            trainable: Whether an optimizer may update it.
            autocast: Accepted for compatibility.
            regularizer: Regularizer or its name, whose value is added to the loss.
            constraint: Constraint or its name, applied after each update.
            aggregation: Accepted for compatibility.
            overwrite_with_gradient: Accepted for compatibility.
            name: Name of the variable.

        Raises:
            ValueError: if the shape is not fully known, or the layer is built already.
        """
        self._check_super_called()
        if isinstance(shape, str):
            raise ValueError(
                "`name` must be passed as a keyword argument. Received: "
                f"add_weight('{shape}', ...). Use: add_weight(shape=..., name='{shape}')."
            )
        dtype = standardize_dtype(dtype)
        default = "glorot_uniform" if "float" in dtype else "zeros"
        with name_scope(self.name):
            variable = Variable(
                initializers.get(default if initializer is None else initializer),
                shape=() if shape is None else shape,
                dtype=dtype,
                trainable=trainable,
                name=name,
                regularizer=regularizers.get(regularizer),
                constraint=constraints.get(constraint),
            )
        self._track_variable(variable)
        return variable

    @property
    def weights(self) -> list[Variable]:
        """All variables of the layer and its sub-layers: own ones first, trainable ones before."""
        own = self._trainable_variables + self._non_trainable_variables
        return unique([*own, *(v for layer in self._sublayers for v in layer.weights)])

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change, such as moving averages."""
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer; setting it sets it for all sub-layers, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = self._trainable
        for layer in self._sublayers:
            layer.trainable = value

    @property
    def metrics(self) -> list[Any]:
        """The metrics held in attributes of the layer and its sub-layers."""
        from convnet.metrics import Metric

        own = self._attributes_of(Metric)
        return unique([*own, *(m for layer in self._sublayers for m in layer.metrics)])

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set the weights from arrays in the order of `weights`.

        Raises:
            ValueError: if their number or a shape differs.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(weights)}, but the layer was expecting {len(variables)} weights."
            )
        for variable, value in zip(variables, weights, strict=True):
            if variable.shape != np.shape(value):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with "
                    f"provided weight shape {np.shape(value)}."
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of scalars in all weights.

        Raises:
            ValueError: if the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(math.prod(variable.shape) for variable in self.weights)

    # Losses.

    def add_loss(self, loss: Any) -> None:
        """Add scalars, computed inside `call`, to the loss that is minimised."""
        trace = current_trace()
        for scalar in tree.flatten(loss):
            if trace is not None:
                trace.losses.append(trace.tensor(scalar))
            else:
                self._own_losses.append(scalar)

    @property
    def losses(self) -> list[Any]:
        """Scalars of `add_loss` and of the regularizers of all trainable weights.

        While a computation is traced, they are tensors of the trace.
        """
        trace = current_trace()
        added = list(trace.losses) if trace is not None else self._added_losses()
        penalized = [v for v in self.trainable_weights if v.regularizer is not None]
        return added + [v.regularizer(v) for v in penalized]

    def _added_losses(self) -> list[Any]:
        return [loss for layer in self._flatten_layers() for loss in layer._own_losses]

    # Files.

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own variables, without those of sub-layers, into a dictionary."""
        own = self._trainable_variables + self._non_trainable_variables
        for i, variable in enumerate(own):
            store[f"{i}"] = variable

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote.

        Raises:
            ValueError: if the number of variables differs.
        """
        own = self._trainable_variables + self._non_trainable_variables
        if len(store.keys()) != len(own):
            if not own and not self.built:
                raise ValueError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. "
                    f"However the weights file lists {len(store.keys())} variables for this layer."
                )
            raise ValueError(
                f"Layer '{self.name}' expected {len(own)} variables, but received "
                f"{len(store.keys())} variables during loading. "
                f"Expected: {[variable.name for variable in own]}"
            )
        for i, variable in enumerate(own):
            variable.assign(store[f"{i}"])
