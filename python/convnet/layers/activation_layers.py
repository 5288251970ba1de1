"""Activation functions as layers."""

from __future__ import annotations

from typing import Any

from convnet import activations, ops
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer

_MASKED = -1e9  # a logit whose exponential is zero


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: The function or its name.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Activation("relu")(np.array([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(activation=activation)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return self.activation(inputs)


def _not_negative(layer: str, name: str, value: Any) -> float:
    if value is None or value < 0:
        raise ValueError(
            f"The {name} value of a {layer} layer cannot be None or negative value. "
            f"Expected a float. Received: {name}={value}"
        )
    return float(value)


class ReLU(Layer):
    """`max(x, 0)`, or a variant of it.

    Args:
        max_value: Largest output, or None.
        negative_slope: Factor of what lies below the threshold.
        threshold: Below it, the output is `negative_slope * (x - threshold)`.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if an argument is negative.

    >>> import numpy as np
    >>> ReLU(max_value=6)(np.array([[-1.0, 9.0]])).tolist()
    [[0.0, 6.0]]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        limit = None if max_value is None else _not_negative("ReLU", "max_value", max_value)
        self._configure(
            max_value=limit,
            negative_slope=_not_negative("ReLU", "negative_slope", negative_slope),
            threshold=_not_negative("ReLU", "threshold", threshold),
        )
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """`x` where it is positive, `negative_slope * x` elsewhere.

    Args:
        negative_slope: Factor of negative inputs.
        **kwargs: Arguments of `Layer`; `alpha` is an older name of `negative_slope`.

    Raises:
        ValueError: if `negative_slope` is None or negative.

    >>> import numpy as np
    >>> LeakyReLU(negative_slope=0.5)(np.array([[-1.0, 9.0]])).tolist()
    [[-0.5, 9.0]]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self._configure(negative_slope=_not_negative("LeakyReLU", "negative_slope", slope))
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return activations.leaky_relu(inputs, self.negative_slope)


class ELU(Layer):
    """`x` where it is positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015).

    Args:
        alpha: Slope of the negative part.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> ELU()(np.array([[0.0, 9.0]])).tolist()
    [[0.0, 9.0]]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(alpha=alpha)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return activations.elu(inputs, self.alpha)


class PReLU(Layer):
    """`x` where it is positive, `alpha * x` elsewhere, with trained `alpha` (He et al. 2015).

    Args:
        alpha_initializer: Initializer of `alpha`.
        alpha_regularizer: Regularizer of `alpha`.
        alpha_constraint: Constraint of `alpha`.
        shared_axes: Axes, counting the batch, along which `alpha` is one number.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> PReLU()(np.array([[-1.0, 9.0]])).tolist()
    [[0.0, 9.0]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self._configure(
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
            shared_axes=None if axes is None else list(axes),
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make alpha."""
        shared = set(self.shared_axes or ())
        sizes = [1 if axis in shared else n for axis, n in enumerate(input_shape)][1:]
        self.alpha = self._add_option_weight("alpha", sizes)
        axes = {a: n for a, n in enumerate(input_shape) if a and a not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)


class Softmax(Layer):
    """`exp(x)` divided by its sum along an axis.

    Args:
        axis: The axis, or several.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(axis=axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the outputs; those that `mask` leaves out are zero."""
        if mask is None:
            return ops.softmax(inputs, axis=self.axis)
        outputs = ops.softmax(ops.where(mask, inputs, _MASKED), axis=self.axis)
        return ops.where(mask, outputs, 0.0)
