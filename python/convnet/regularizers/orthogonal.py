"""Penalty on vectors that are not orthogonal to each other."""

from typing import Any

import numpy as np

from convnet import config, ops
from convnet.regularizers.regularizer import Regularizer, validate_factor


class OrthogonalRegularizer(Regularizer):
    """Penalty on the mean `|cos|` of the angles between the rows or columns of a matrix.

    Args:
        factor: Factor of the penalty, 0 or more.
        mode: `"rows"` or `"columns"`.

    Raises:
        ValueError: If an argument is not valid; on a call, if the weight is not a matrix.

    Example:

    >>> import numpy as np
    >>> float(OrthogonalRegularizer(0.1)(np.eye(3, dtype="float32")))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = validate_factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(
                'Invalid value for argument `mode`. Expected one of {"rows", "columns"}. '
                f"Received: mode={mode}"
            )
        self.mode = mode

    def __call__(self, inputs: Any) -> Any:
        if len(inputs.shape) != 2:
            raise ValueError(
                "Inputs to OrthogonalRegularizer must have rank 2. Received: "
                f"inputs.shape={inputs.shape}"
            )
        x = inputs if self.mode == "rows" else ops.transpose(inputs)
        squares = ops.sum(ops.square(x), axis=1, keepdims=True)
        x = x / ops.sqrt(ops.maximum(squares, config.epsilon() ** 2))
        size = x.shape[0]
        off_diagonal = ops.multiply(
            ops.matmul(x, ops.transpose(x)), 1.0 - np.eye(size, dtype=np.float32)
        )
        pairs = size * (size - 1.0) / 2.0
        return ops.sum(ops.abs(off_diagonal)) * (0.5 * self.factor / pairs)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}
