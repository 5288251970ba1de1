"""A step of `fit` as a plan: gradients and the update of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from convnet.optimizers import Optimizer
from convnet.training.parameters import FlatParameters
from convnet.training.step import Step
from convnet.variables import Variable

# Elements of a table that are more than the second-level cache holds with gradients and slots.
_LARGE_TABLE = 1 << 16
# Rows of a table for each one that a batch looks up, from which on updates by the row are no slower
# even if all rows come equally often: where a row without a gradient has averages that decay, and
# where it is moved as well.
_FEWEST_ROWS, _FEWEST_MOVING_ROWS = 6, 16
_DECAYING = ("adadelta", "adagrad", "rmsprop", "sgd")


class TrainStep(Step):
    """A step of `fit`.

    Args:
        optimizer: Makes the update, as an op of the plan where it has a kernel.
        parameters: Where weights, gradients and slots live.
    """

    training = True

    def __init__(
        self, *args: Any, optimizer: Optimizer, parameters: FlatParameters, **kwargs: Any
    ) -> None:
        self._optimizer = optimizer
        self._parameters = parameters
        super().__init__(*args, **kwargs)

    def _trainable_ids(self) -> set[int]:
        return {id(variable) for variable in self._parameters.variables}

    @property
    def eager_update(self) -> bool:
        """Whether the optimizer updates in Python, after each step."""
        optimizer = self._optimizer
        constraints = [v.constraint for v in self._parameters.variables if v.constraint is not None]
        return optimizer.kernel is None or any(
            getattr(constraint, "kernel", None) is None for constraint in constraints
        )

    def _differentiate(self) -> list[int]:
        graph, parameters = self._trace.graph, self._parameters
        gradients = graph.backward(self._losses)
        bound = []
        ids = {id(variable): tensor.id for variable, tensor in self._trace.variables}
        views = parameters.views(parameters.gradients)
        tables: list[tuple[int, int]] = []
        for variable, view in zip(parameters.variables, views, strict=True):
            value = ids.get(id(variable), -1)
            gradient = gradients.get(value)
            if gradient is None:
                continue
            if self._goes_by_the_row(variable, value, gradient):
                gradient = self._record_row_update(variable, value, gradient)
                tables.append(parameters.extent_of(variable))
            self._memory[gradient] = view.reshape(-1)
            bound.append(gradient)
        if bound and not self.eager_update:
            with self._trace.labelled("optimizer"):
                self._record_update(tables)
        return bound

    def _goes_by_the_row(self, table: Variable, value: int, gradient: int) -> bool:
        """Whether a table is only looked up, and a batch looks up so little of a large one that
        the update should not pass over all of it."""
        optimizer = self._optimizer
        beyond_the_rule = (
            optimizer.clipvalue,
            optimizer.clipnorm,
            optimizer.global_clipnorm,
            optimizer.gradient_accumulation_steps,
            table.constraint,
        )
        if self.eager_update or optimizer.use_ema or any(x is not None for x in beyond_the_rule):
            return False
        rows = self.capacity * self._trace.graph.rows_looked_up(value, gradient)
        each = _FEWEST_ROWS if optimizer.kernel in _DECAYING else _FEWEST_MOVING_ROWS
        return 0 < each * rows <= table.shape[0] and table.size >= _LARGE_TABLE

    def _record_row_update(self, table: Variable, value: int, gradient: int) -> int:
        """Record the update of a table in the rows of the batch; gives their gradients."""
        optimizer = self._optimizer
        assert optimizer.kernel is not None
        start, end = self._parameters.range_of(table)
        slots = [
            self._flat(name, self._parameters.slots[name][start:end].reshape(table.shape))
            for name in optimizer.slot_names
        ]
        attrs = optimizer.kernel_attrs()
        decay = optimizer.weight_decay
        if decay is not None and optimizer.decays(table):
            attrs |= {"weight_decay": float(decay)}
        with self._trace.labelled("optimizer"):
            return self._trace.graph.update_rows(optimizer.kernel, value, gradient, slots, attrs)

    def _record_update(self, tables: list[tuple[int, int]]) -> None:
        """Record the update of all variables but tables that go by the row, given as ranges."""
        parameters, optimizer = self._parameters, self._optimizer
        assert optimizer.kernel is not None
        starts = [0, *(end for _, end in tables)]
        ends = [*(start for start, _ in tables), parameters.size]
        steps = optimizer.gradient_accumulation_steps or 1
        for start, end in zip(starts, ends, strict=True):
            if start < end:
                self._record_range(start, end, steps)

    def _record_range(self, start: int, end: int, steps: int) -> None:
        parameters, optimizer = self._parameters, self._optimizer
        assert optimizer.kernel is not None
        part = slice(start, end)
        weights = self._flat("weights", parameters.weights[part])
        gradients = self._flat("gradients", parameters.gradients[part])
        if steps > 1:
            total = self._slot("gradient_accumulator", part)
            self._trace.graph.update("gradient_accumulate", [gradients, total], {"steps": steps})
        self._record_clipping(gradients)
        slots = [self._slot(name, part) for name in optimizer.slot_names]
        decay = self._decay_attrs(start, end)
        attrs = optimizer.kernel_attrs() | decay | {"accumulation_steps": steps}
        self._trace.graph.update(optimizer.kernel, [weights, gradients, *slots], attrs)
        if optimizer.use_ema:
            attrs = {
                "momentum": float(optimizer.ema_momentum),
                "overwrite_frequency": optimizer.ema_overwrite_frequency or 0,
                "accumulation_steps": steps,
            }
            self._trace.graph.update("ema", [weights, self._slot("average", part)], attrs)
        self._record_constraints(weights, start, end)

    def _record_clipping(self, gradients: int) -> None:
        graph, optimizer = self._trace.graph, self._optimizer
        if optimizer.clipvalue is not None:
            graph.update("clip_value", [gradients], {"value": float(optimizer.clipvalue)})
        if optimizer.clipnorm is not None:
            offsets = [*self._parameters.offsets, self._parameters.size]
            norm = float(optimizer.clipnorm)
            graph.update("clip_norm", [gradients], {"norm": norm, "offsets": offsets})
        if optimizer.global_clipnorm is not None:
            norm = float(optimizer.global_clipnorm)
            graph.update("global_clip_norm", [gradients], {"norm": norm})

    def _decay_attrs(self, start: int, end: int) -> dict[str, Any]:
        optimizer = self._optimizer
        if optimizer.weight_decay is None:
            return {}
        decayed = [place for v, place in self._variables_in(start, end) if optimizer.decays(v)]
        return {
            "weight_decay": float(optimizer.weight_decay),
            "decay_ranges": [i for place in decayed for i in place],
        }

    def _record_constraints(self, weights: int, start: int, end: int) -> None:
        for variable, (offset, _) in self._variables_in(start, end):
            if variable.constraint is not None:
                place = {"offset": offset, "shape": list(variable.shape)}
                attrs = variable.constraint.kernel_attrs() | place
                self._trace.graph.update("constrain", [weights], attrs)

    def _variables_in(self, start: int, end: int) -> Iterator[tuple[Variable, tuple[int, int]]]:
        """The variables in part of the buffers, and where they lie in it."""
        for variable in self._parameters.variables:
            first, last = self._parameters.range_of(variable)
            if start <= first < end:
                yield variable, (first - start, last - start)

    def _slot(self, name: str, part: slice) -> int:
        return self._flat(name, self._parameters.slots[name][part])

    def _flat(self, name: str, memory: np.ndarray) -> int:
        state = self._trace.graph.state(memory.shape, name)
        self._memory[state] = memory
        return state

    def update_in_python(self) -> None:
        """Let the optimizer apply the gradients of the last step."""
        parameters = self._parameters
        gradients = self._optimizer.scale_loss(parameters.gradients)
        self._optimizer.apply(parameters.views(gradients), parameters.variables)
