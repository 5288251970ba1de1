"""What every constraint has in common."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Constraint:
    """Base of all constraints: `__call__(w)` gives the weight to use in place of `w`.

    A constraint is applied to its weight after each step of the optimizer. The built-in ones name
    an op of the core that does so in place (`kernel`); a subclass needs only `__call__`, and
    `get_config` to be saved with a model.

    Attributes:
        kernel: Name of the core's op, or None.

    Example:

    >>> import numpy as np
    >>> class Halve(Constraint):
    ...     def __call__(self, w):
    ...         return w / 2
    >>> Halve()(np.array([2.0, 4.0])).tolist()
    [1.0, 2.0]
    """

    kernel: str | None = None

    def __call__(self, w: Any) -> Any:
        """Gives the projected weight.

        Args:
            w: A weight, of any shape.
        """
        return w

    def kernel_attrs(self) -> dict[str, Any]:
        """Gives the attributes of the core's op."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the constraint, ready for JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds a constraint from `get_config`'s dict."""
        return cls(**config)


class CoreConstraint(Constraint):
    """A constraint that the core's op `constrain` applies too.

    The op takes `kind`, the `axes` that a norm runs over (from the end where negative) and
    `min_value`, `max_value` and `rate` where the kind has them.
    """

    kernel = "constrain"
    kind: str
    axis: int | Sequence[int] | None = None

    def kernel_attrs(self) -> dict[str, Any]:
        """Gives `kind`, `axes` and the numbers of the kind."""
        axes = [] if self.axis is None else np.atleast_1d(self.axis).tolist()
        return {"kind": self.kind, "axes": axes, **self._numbers()}

    def _numbers(self) -> dict[str, float]:
        return {}


def as_weight(w: ArrayLike) -> NDArray[np.float32]:
    """Gives a weight as a float32 array."""
    return np.asarray(w, dtype=np.float32)
