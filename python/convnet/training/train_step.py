"""A step of `fit` as a plan: gradients and the update of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet.optimizers import Optimizer
from convnet.training.parameters import FlatParameters
from convnet.training.step import Step


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
        for variable, view in zip(parameters.variables, views, strict=True):
            gradient = gradients.get(ids.get(id(variable), -1))
            if gradient is not None:
                self._memory[gradient] = view.reshape(-1)
                bound.append(gradient)
        if bound and not self.eager_update:
            with self._trace.labelled("optimizer"):
                self._record_update()
        return bound

    def _record_update(self) -> None:
        parameters, optimizer = self._parameters, self._optimizer
        assert optimizer.kernel is not None
        weights = self._flat("weights", parameters.weights)
        gradients = self._flat("gradients", parameters.gradients)
        steps = optimizer.gradient_accumulation_steps or 1
        if steps > 1:
            total = self._slot("gradient_accumulator")
            self._trace.graph.update("gradient_accumulate", [gradients, total], {"steps": steps})
        self._record_clipping(gradients)
        slots = [self._slot(name) for name in optimizer.slot_names]
        attrs = optimizer.kernel_attrs() | self._decay_attrs() | {"accumulation_steps": steps}
        self._trace.graph.update(optimizer.kernel, [weights, gradients, *slots], attrs)
        if optimizer.use_ema:
            attrs = {
                "momentum": float(optimizer.ema_momentum),
                "overwrite_frequency": optimizer.ema_overwrite_frequency or 0,
                "accumulation_steps": steps,
            }
            self._trace.graph.update("ema", [weights, self._slot("average")], attrs)
        self._record_constraints(weights)

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

    def _decay_attrs(self) -> dict[str, Any]:
        parameters, optimizer = self._parameters, self._optimizer
        if optimizer.weight_decay is None:
            return {}
        decayed = [v for v in parameters.variables if optimizer.decays(v)]
        return {
            "weight_decay": float(optimizer.weight_decay),
            "decay_ranges": [i for v in decayed for i in parameters.range_of(v)],
        }

    def _record_constraints(self, weights: int) -> None:
        parameters = self._parameters
        for variable in parameters.variables:
            if variable.constraint is not None:
                place = {"offset": parameters.range_of(variable)[0], "shape": list(variable.shape)}
                attrs = variable.constraint.kernel_attrs() | place
                self._trace.graph.update("constrain", [weights], attrs)

    def _slot(self, name: str) -> int:
        return self._flat(name, self._parameters.slots[name])

    def _flat(self, name: str, memory: np.ndarray) -> int:
        state = self._trace.graph.state(memory.shape, name)
        self._memory[state] = memory
        return state

    def update_in_python(self) -> None:
        """Let the optimizer apply the gradients of the last step."""
        parameters = self._parameters
        gradients = self._optimizer.scale_loss(parameters.gradients)
        self._optimizer.apply(parameters.views(gradients), parameters.variables)
