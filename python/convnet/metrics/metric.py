"""What every metric has in common."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from convnet.naming import auto_name, name_scope
from convnet.variables import Variable

# Values with a weight each (None for 1): what a compiled step adds up.
Recorded = list[tuple[Any, Any]]


class Metric:
    """Base of all metrics: state that `update_state` adds to and `result` turns into a number.

    A subclass makes its state with `add_variable` and overrides `update_state` and `result`.

    Args:
        dtype: Accepted for Keras's sake; results are float32.
        name: Name of the metric.

    Example:

    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(max(float(self.largest), y_pred.max()))
    ...     def result(self):
    ...         return float(self.largest)
    >>> Largest()(None, np.array([1.0, 5.0]))
    5.0
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._variables: list[Variable] = []
        self._metrics: list[Metric] = []

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Metric) and hasattr(self, "_metrics"):
            self._metrics.append(value)
        super().__setattr__(name, value)

    @property
    def dtype(self) -> str:
        """Data type of the result."""
        return "float32"

    @property
    def variables(self) -> list[Variable]:
        """The state, with that of metrics kept in attributes."""
        return [*self._variables, *(v for metric in self._metrics for v in metric.variables)]

    @property
    def accumulators(self) -> list[NDArray[np.float64]]:
        """The sums that a compiled step adds to: `[total, count]` for each of `record`."""
        return []

    def record(
        self, trace: Any, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Recorded | None:
        """Records what a compiled step adds to `accumulators`, in place of `update_state`.

        Args:
            trace: The `Trace` of the step.
            y_true: Targets, a tensor of the trace.
            y_pred: Predictions, a tensor of the trace.
            sample_weight: Weights, a tensor of the trace, or None.

        Returns:
            For each accumulator, values `(batch, ...)` and weights with the batch and leading axes
            of the values, or None. The step adds each sample's mean of `values * weights` to the
            total and its mean weight (1 without weights) to the count. None if the metric needs
            `update_state`.
        """
        return None

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Adds a variable to the state.

        Args:
            shape: Its shape.
            initializer: Its first value; a name or an initializer.
            dtype: Its type, by default float32.
            aggregation: Accepted for Keras's sake.
            name: Its name.

        Raises:
            RuntimeError: If `__init__` of this class was not called.
        """
        from convnet import initializers

        self._check_super_called()
        value = initializers.get(initializer or "zeros")(tuple(shape), dtype=dtype)
        with name_scope(self.name):
            variable = Variable(value, dtype=dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """Adds a variable to the state; `add_variable` under its old name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Sets the state to zeros."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds a batch to the state."""
        raise NotImplementedError

    def result(self) -> Any:
        """Gives the value of the metric for all batches since `reset_state`."""
        raise NotImplementedError

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch to the state and gives the result."""
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the metric, ready for JSON; no state."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds a metric from `get_config`'s dict."""
        return cls(**config)

    def _check_super_called(self) -> None:
        if not hasattr(self, "_metrics"):
            raise RuntimeError(
                "You forgot to call `super().__init__()` in the `__init__()` method. Go add it!"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
