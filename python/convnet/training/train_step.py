"""A step of `fit` as a plan: gradients and the update of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet.optimizers import Optimizer
from convnet.training.parameters import FlatParameters
from convnet.training.step import Step
from convnet.variables import Variable

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
        ids = {id(variable): tensor.id for variable, tensor in self._trace.variables}
        views = parameters.views(parameters.gradients)
        bound, followed = [], {}
        for variable, view in zip(parameters.variables, views, strict=True):
            gradient = gradients.get(ids.get(id(variable), -1))
            if gradient is None:
                continue
            if self._follows(variable, gradient):
                followed[id(variable)] = gradient
            else:
                self._memory[gradient] = view.reshape(-1)
                bound.append(gradient)
        if (bound or followed) and not self.eager_update:
            with self._trace.labelled("optimizer"):
                self._record_update(followed)
        return bound

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

    def _record_update(self, followed: dict[int, int]) -> None:
        """Record the updates of all variables: of those whose gradients are followed one by one, of
        the others between them at once.
        """
        parameters, begin = self._parameters, 0
        for start, variable in zip(parameters.offsets, parameters.variables, strict=True):
            gradient = followed.get(id(variable))
            if gradient is None:
                continue
            self._record_update_of(begin, start)
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
        gradients = self._optimizer.scale_loss(parameters.gradients)
        self._optimizer.apply(parameters.views(gradients), parameters.variables)
