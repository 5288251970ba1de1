"""What an optimizer remembers: the step count, and arrays beside each weight (slots)."""

import re
import warnings
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convnet.naming import name_scope
from convnet.variables import Variable


class OptimizerState:
    """Base of `Optimizer`: its variables, in the order in which Keras stores them.

    Slots are made one by one in `build`; the trainer moves them into one flat buffer for each
    slot name with `attach`.
    """

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None

    def __init__(self) -> None:
        self.built = False
        self._variables: list[Variable] = []
        self._slots: dict[str, list[Variable]] = {}
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The kernel's slot names; those of one group are stored variable by variable."""
        return ()

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Names of the kernel's slots, in the order of its inputs."""
        return tuple(name for group in self.slot_groups for name in group)

    @property
    def all_slot_names(self) -> tuple[str, ...]:
        """`slot_names` after `"average"` (with `use_ema`) and `"gradient_accumulator"`."""
        return tuple(name for group in self._all_slot_groups() for name in group)

    def _all_slot_groups(self) -> Iterable[tuple[str, ...]]:
        if self.use_ema:
            yield ("average",)
        if self.gradient_accumulation_steps:
            yield ("gradient_accumulator",)
        yield from self.slot_groups

    def initial_slot_value(self, name: str) -> float:
        """Gives the value that a slot starts with.

        Args:
            name: Name of the slot.
        """
        return 0.0

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots of `variables`; does nothing if that was done before.

        Args:
            variables: Trainable variables.
        """
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._index = {id(v): i for i, v in enumerate(self._trainable_variables)}
        from convnet import initializers

        for group in self._all_slot_groups():
            self._slots |= {name: [] for name in group}
            for variable in self._trainable_variables:
                for name in group:
                    start = initializers.Constant(self.initial_slot_value(name))
                    slot = self._add(_slot_name(variable, name), start, shape=variable.shape)
                    self._slots[name].append(slot)
        self.built = True

    def ensure_built(self, variables: Sequence[Variable]) -> None:
        """Calls `build` unless that was done before.

        Args:
            variables: Trainable variables.
        """
        if not self.built:
            self.build(variables)
            self.built = True

    def attach(
        self,
        variables: Sequence[Variable],
        flat_slots: Mapping[str, NDArray[np.float32]],
        offsets: Sequence[int] | None = None,
    ) -> None:
        """Moves slots into flat buffers; the values go with them.

        Args:
            variables: Trainable variables, all known to the optimizer if it is built.
            flat_slots: For each of `all_slot_names`, a float32 buffer; of zeros if the optimizer
                has made no step.
            offsets: Where each variable starts in the buffers; by default they lie end to end.

        Raises:
            ValueError: If a variable is unknown.
        """
        self.ensure_built(variables)
        self._check_variables_are_known(variables)
        if offsets is None:
            offsets = np.cumsum([0, *(v.size for v in variables)])[:-1].tolist()
        for name, flat in flat_slots.items():
            for variable, offset in zip(variables, offsets, strict=True):
                memory = flat[offset : offset + variable.size].reshape(variable.shape)
                slot = self._slots[name][self._get_variable_index(variable)]
                if slot.made or self.initial_slot_value(name):
                    slot.rebase(memory)
                else:
                    slot.adopt(memory)

    def slot(self, name: str, variable: Variable) -> NDArray[np.float32]:
        """Gives the memory of a slot of a variable, to read and write.

        Args:
            name: Name of the slot.
            variable: A variable that the optimizer was built with.
        """
        return self._slots[name][self._get_variable_index(variable)]._value

    @property
    def variables(self) -> list[Variable]:
        """The step count, the learning rate unless it is a schedule, and all slots."""
        return list(self._variables)

    def export_slots(self, variables: Sequence[Variable]) -> list[tuple[str, NDArray[Any]]]:
        """Gives paths and copies of `self.variables`, building the optimizer if need be.

        Args:
            variables: The model's trainable variables.
        """
        self.ensure_built(variables)
        return [(v.path, v.numpy()) for v in self.variables]

    def import_slots(self, variables: Sequence[Variable], values: Sequence[ArrayLike]) -> None:
        """Takes over what `export_slots` gave.

        Args:
            variables: The model's trainable variables.
            values: One array for each of `self.variables`.

        Raises:
            ValueError: If number or shapes do not match; nothing is changed then.
        """
        self.ensure_built(variables)
        self.set_weights(values)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Assigns all of `self.variables`.

        Args:
            weights: One array for each.

        Raises:
            ValueError: If the optimizer is not built, or number or shapes do not match.
        """
        if not self.built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. "
                "Please call `optimizer.build(trainable_variables)` to create the optimizer "
                "weights before calling `set_weights()`."
            )
        own = self.variables
        if len(weights) != len(own):
            raise ValueError(
                f"Optimizer '{self.name}' has {len(own)} variables. Received: {len(weights)} arrays"
            )
        for variable, weight in zip(own, weights, strict=True):
            if variable.shape != np.shape(weight):
                raise ValueError(
                    f"Optimizer variable {variable.path} has shape {variable.shape} not "
                    f"compatible with provided weight shape {np.shape(weight)}."
                )
        for variable, weight in zip(own, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Writes `self.variables` as `"0"`, `"1"`, ...

        Args:
            store: Where to; a dict or an HDF5 group.
        """
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Reads what `save_own_variables` wrote; warns and does nothing if the number differs.

        Args:
            store: Where from; a dict or an HDF5 group.
        """
        count = len(self.variables)
        if len(store.keys()) != count:
            message = (
                f"Skipping variable loading for optimizer '{self.name}', because it has {count} "
                f"variables whereas the saved optimizer has {len(store.keys())} variables. "
            )
            warnings.warn(message, stacklevel=2)
            return
        for i, variable in enumerate(self.variables):
            variable.assign(np.asarray(store[str(i)]))

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str | None = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Adds a variable of an optimizer of your own.

        Args:
            shape: Its shape.
            initializer: Its first value; a name or an initializer.
            dtype: Its type, by default float32.
            aggregation: Accepted for Keras's sake.
            layout: Accepted for Keras's sake.
            name: Its name.
        """
        from convnet import initializers

        value = initializers.get(initializer)(tuple(shape), dtype=dtype)
        return self._add(name or "variable", value)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Adds a variable of the shape of a trainable one to an optimizer of your own.

        Args:
            reference_variable: The trainable variable.
            name: Name, put after that of the trainable variable.
            initializer: Its first value; a name or an initializer.
        """
        full_name = _slot_name(reference_variable, name or "var")
        return self.add_variable(reference_variable.shape, initializer, name=full_name)

    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: str | Sequence[str],
        initializer: Any = "zeros",
    ) -> Any:
        """Adds a variable for each trainable one, or several with a list of names.

        Args:
            trainable_variables: The trainable variables.
            name: A name, or several.
            initializer: The first value, or one for each name.

        Returns:
            A list of variables, or a tuple of lists.

        Raises:
            ValueError: If there are not as many initializers as names.
        """
        names = [name] if isinstance(name, str) else list(name)
        firsts = (
            initializer if isinstance(initializer, list | tuple) else [initializer] * len(names)
        )
        if len(names) != len(firsts):
            raise ValueError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name='{name}', initializer='{initializer}'"
            )
        added: tuple[list[Variable], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for i, (slot_name, first) in enumerate(zip(names, firsts, strict=True)):
                added[i].append(self.add_variable_from_reference(variable, slot_name, first))
        return added[0] if isinstance(name, str) else added

    def _add(
        self, name: str, value: Any, dtype: str | None = None, shape: Sequence[int] | None = None
    ) -> Variable:
        with name_scope(self.name):
            variable = Variable(value, shape, dtype=dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index[id(variable)]

    def _check_variables_are_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if id(variable) not in self._index:
                raise ValueError(
                    f"Unknown variable: {variable}. This optimizer can only be called for the "
                    "variables it was originally built with. When working with a new set of "
                    "variables, you should recreate a new optimizer instance."
                )


def _slot_name(variable: Variable, name: str) -> str:
    return f"{re.sub('[/:]', '_', variable.path)}_{name}"
