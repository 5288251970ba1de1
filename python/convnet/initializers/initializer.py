"""What every initializer has in common."""

import inspect
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convnet.random import Shape


class Initializer:
    """Base of all initializers: `__call__(shape, dtype=None)` gives the first values of a weight.

    A subclass overrides `__call__` and, to be saved with a model, `get_config`.

    Example:

    >>> import numpy as np
    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype or "float32")
    >>> Halves()((2,)).tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        """Gives an array of the given shape.

        Args:
            shape: Shape of the weight.
            dtype: Type of the weight, by default float32.
        """
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def filler(self, shape: Shape) -> Callable[[NDArray[np.float32]], None] | None:
        """Settles what `__call__` would give, to be written later where the weight is to lie.

        Args:
            shape: Shape of the weight.

        Returns:
            A function that fills a float32 array; None where `__call__` is all there is.
        """
        return None

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the initializer, ready for JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds an initializer from `get_config`'s dict.

        Args:
            config: The arguments; a `dtype`, which TensorFlow 1 wrote, is ignored.
        """
        if "dtype" in config and "dtype" not in inspect.signature(cls).parameters:
            config = {key: value for key, value in config.items() if key != "dtype"}
        return cls(**config)

    def clone(self) -> Self:
        """Gives an initializer with the same config."""
        return type(self).from_config(self.get_config())
