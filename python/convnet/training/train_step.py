"""A step of `fit` as a plan: gradients and the update of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import _core
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
# Numbers of a variable whose gradient, written and read once more, would take longer than another
# pass of its own.
_LEAST_FOLLOWED = 1 << 16


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
        self._updates_rows = False
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

    @property
    def updates_rows(self) -> bool:
        """Whether a table is updated in the rows that a batch looks up, the others later on."""
        return self._updates_rows

    def _differentiate(self) -> list[int]:
        graph, parameters = self._trace.graph, self._parameters
        gradients = graph.backward(self._losses)
        ids = {id(variable): tensor.id for variable, tensor in self._trace.variables}
        views = parameters.views(parameters.gradients)
        bound: list[int] = []
        apart: dict[int, int | None] = {}
        for variable, view in zip(parameters.variables, views, strict=True):
            value = ids.get(id(variable), -1)
            gradient = gradients.get(value)
            if gradient is None:
                continue
            if self._follows(variable, gradient):
                apart[id(variable)] = gradient
                continue
            if self._goes_by_the_row(variable, value, gradient):
                gradient = self._record_row_update(variable, value, gradient)
                apart[id(variable)] = None
                self._updates_rows = True
            self._memory[gradient] = view.reshape(-1)
            bound.append(gradient)
        if (bound or apart) and not self.eager_update:
            with self._trace.labelled("optimizer"):
                self._record_update(apart)
        return bound

    def _goes_by_the_row(self, table: Variable, value: int, gradient: int) -> bool:
        """Whether a table is only looked up, and a batch looks up so little of a large one that
        the update should not pass over all of it.
        """
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

    def _follows(self, variable: Variable, gradient: int) -> bool:
        """Whether a variable is updated piece by piece while its gradient is computed, which then
        is never whole: where each number counts alone and the gradient is worth it.
        """
        optimizer = self._optimizer
        return (
            variable.size >= _LEAST_FOLLOWED
            and variable.constraint is None
            and optimizer.clipnorm is None
            and optimizer.global_clipnorm is None
            and not self.eager_update
            and self._trace.graph.made_by_unit(gradient) > 0
        )

    def _record_update(self, apart: dict[int, int | None]) -> None:
        """Record the updates of all variables: of those apart, whose gradients are followed, one by
        one, of the others between them at once. Tables that go by the row are apart without one.
        """
        parameters, begin = self._parameters, 0
        for start, variable in zip(parameters.offsets, parameters.variables, strict=True):
            if id(variable) not in apart:
                continue
            self._record_update_of(begin, start)
            gradient = apart[id(variable)]
            if gradient is not None:
                self._record_update_of(start, start + variable.size, gradient)
            begin = parameters.end_of(variable)
        self._record_update_of(begin, parameters.size)

    def _record_update_of(self, begin: int, end: int, gradient: int | None = None) -> None:
        """Record the update of a part of the buffers, with the gradient of a variable or, for
        several, with those in their buffer.
        """
        if begin == end:
            return
        optimizer, part = self._optimizer, slice(begin, end)
        assert optimizer.kernel is not None
        weights = self._flat("weights", self._parameters.weights[part])
        block: dict[str, Any] = {}
        if gradient is None:
            gradient = self._flat("gradients", self._parameters.gradients[part])
        else:
            block["block"] = self._trace.graph.made_by_unit(gradient)
        self._record_accumulation(gradient, part, block)
        self._record_clipping(gradient, block)
        slots = [self._slot(name, part) for name in optimizer.slot_names]
        attrs = optimizer.kernel_attrs() | self._decay_attrs(part) | self._steps() | block
        self._trace.graph.update(optimizer.kernel, [weights, gradient, *slots], attrs)
        if optimizer.use_ema:
            attrs = (
                block
                | self._steps()
                | {
                    "momentum": float(optimizer.ema_momentum),
                    "overwrite_frequency": optimizer.ema_overwrite_frequency or 0,
                }
            )
            self._trace.graph.update("ema", [weights, self._slot("average", part)], attrs)
        self._record_constraints(weights, part)

    def _steps(self) -> dict[str, Any]:
        return {"accumulation_steps": self._optimizer.gradient_accumulation_steps or 1}

    def _record_accumulation(self, gradient: int, part: slice, block: dict[str, Any]) -> None:
        if steps := self._optimizer.gradient_accumulation_steps:
            total = self._slot("gradient_accumulator", part)
            attrs: dict[str, Any] = {"steps": steps} | block
            self._trace.graph.update("gradient_accumulate", [gradient, total], attrs)

    def _record_clipping(self, gradient: int, block: dict[str, Any]) -> None:
        graph, optimizer = self._trace.graph, self._optimizer
        if optimizer.clipvalue is not None:
            attrs = {"value": float(optimizer.clipvalue)} | block
            graph.update("clip_value", [gradient], attrs)
        if optimizer.clipnorm is not None:
            offsets = [*self._parameters.offsets, self._parameters.size]
            norm = float(optimizer.clipnorm)
            graph.update("clip_norm", [gradient], {"norm": norm, "offsets": offsets})
        if optimizer.global_clipnorm is not None:
            norm = float(optimizer.global_clipnorm)
            graph.update("global_clip_norm", [gradient], {"norm": norm})

    def _decay_attrs(self, part: slice) -> dict[str, Any]:
        optimizer = self._optimizer
        if optimizer.weight_decay is None:
            return {}
        decayed = [v for v in self._variables_in(part) if optimizer.decays(v)]
        places = [self._parameters.range_of(v) for v in decayed]
        return {
            "weight_decay": float(optimizer.weight_decay),
            "decay_ranges": [at - part.start for place in places for at in place],
        }

    def _record_constraints(self, weights: int, part: slice) -> None:
        for variable in self._variables_in(part):
            if variable.constraint is not None:
                offset = self._parameters.range_of(variable)[0] - part.start
                place = {"offset": offset, "shape": list(variable.shape)}
                attrs = variable.constraint.kernel_attrs() | place
                self._trace.graph.update("constrain", [weights], attrs)

    def _variables_in(self, part: slice) -> list[Variable]:
        parameters = self._parameters
        return [
            variable
            for start, variable in zip(parameters.offsets, parameters.variables, strict=True)
            if part.start <= start < part.stop
        ]

    def _slot(self, name: str, part: slice) -> int:
        return self._flat(name, self._parameters.slots[name][part])

    def _flat(self, name: str, memory: np.ndarray) -> int:
        state = self._trace.graph.state(memory.shape, name)
        self._memory[state] = memory
        return state

    def update_in_python(self) -> None:
        """Let the optimizer apply the gradients of the last step."""
        parameters = self._parameters
        _core.fetch(parameters.gradients)
        gradients = self._optimizer.scale_loss(parameters.gradients)
        self._optimizer.apply(parameters.views(gradients), parameters.variables)
        _core.weights_changed(parameters.weights)
