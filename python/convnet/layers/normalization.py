"""Normalisation over the batch and over features."""

from __future__ import annotations

from typing import Any

from convnet import config, ops
from convnet.layers.arguments import unsupported
from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer


class BatchNormalization(Layer):
    """Scales each channel to mean `beta` and standard deviation `gamma` (Ioffe, Szegedy 2015).

    In training the statistics are those of the batch, and moving averages of them are kept; in
    inference, and where the layer is not trainable, they are the moving averages.

    Args:
        axis: Axis of the channels.
        momentum: Weight of the old moving average at each step.
        epsilon: Added to the variance.
        center: Whether `beta` is trained (else zero).
        scale: Whether `gamma` is trained (else one).
        beta_initializer: Initializer of `beta`.
        gamma_initializer: Initializer of `gamma`.
        moving_mean_initializer: Initializer of the moving mean.
        moving_variance_initializer: Initializer of the moving variance.
        beta_regularizer: Regularizer of `beta`.
        gamma_regularizer: Regularizer of `gamma`.
        beta_constraint: Constraint of `beta`.
        gamma_constraint: Constraint of `gamma`.
        renorm: Not supported.
        renorm_clipping: Not supported.
        renorm_momentum: Kept in the config.
        synchronized: Not supported.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if an unsupported argument is given.

    >>> import numpy as np
    >>> BatchNormalization(epsilon=0.0)(np.array([[3.0]])).tolist()
    [[3.0]]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        unsupported(renorm=renorm, renorm_clipping=renorm_clipping, synchronized=synchronized)
        self._configure(
            axis=axis,
            momentum=float(momentum),
            epsilon=float(epsilon),
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            synchronized=False,
            renorm=False,
            renorm_clipping=None,
            renorm_momentum=renorm_momentum,
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the weights and the moving averages."""
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ValueError(
                f"Axis {self.axis} is out of bounds for input shape {input_shape}. "
                f"Received: axis={self.axis}"
            )
        shape = (input_shape[self.axis],)
        self.gamma = self._add_option_weight("gamma", shape) if self.scale else None
        self.beta = self._add_option_weight("beta", shape) if self.center else None
        self.moving_mean = self._add_option_weight("moving_mean", shape, trainable=False)
        self.moving_variance = self._add_option_weight("moving_variance", shape, trainable=False)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the outputs; steps that `mask` leaves out do not count in the statistics."""
        axis = self.axis % inputs.ndim
        last = axis == inputs.ndim - 1
        order = [a for a in range(inputs.ndim) if a != axis] + [axis]
        x = inputs if last else ops.transpose(inputs, order)
        outputs = self._normalized(x, bool(training and self.trainable), mask)
        return (
            outputs
            if last
            else ops.transpose(outputs, [order.index(a) for a in range(inputs.ndim)])
        )

    def _normalized(self, x: Any, training: bool, mask: Any) -> Any:
        weights = [self.gamma, self.beta, self.moving_mean, self.moving_variance]
        if not training:
            return x.trace.one("batch_norm_inference", [x, *weights], epsilon=self.epsilon)
        if mask is not None:
            return self._normalized_where(x, mask)
        return x.trace.one(
            "batch_norm_train", [x, *weights], epsilon=self.epsilon, momentum=self.momentum
        )

    def _normalized_where(self, x: Any, mask: Any) -> Any:
        """The normalised inputs, by the statistics of what the mask keeps."""
        if mask.ndim != x.ndim - 1:
            raise ValueError(
                "The mask provided should be one dimension less than the inputs. "
                f"Received: mask.shape={mask.shape}, inputs.shape={x.shape}"
            )
        weights = ops.cast(ops.expand_dims(mask, -1), "float32")
        axes = tuple(range(x.ndim - 1))
        count = ops.sum(weights, axis=axes) + config.epsilon()
        mean = ops.sum(x * weights, axis=axes) / count
        variance = ops.sum(ops.square(x - mean) * weights, axis=axes) / count
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1.0 - self.momentum))
        outputs = (x - mean) * ops.rsqrt(variance + self.epsilon)
        outputs = outputs if self.gamma is None else outputs * self.gamma
        return outputs if self.beta is None else outputs + self.beta


class LayerNormalization(Layer):
    """Scales each sample to mean `beta` and standard deviation `gamma` (Ba et al. 2016).

    Args:
        axis: Axis or axes, counting the batch, over which each sample is normalised.
        epsilon: Added to the variance.
        center: Whether `beta` is trained (else zero).
        scale: Whether `gamma` is trained (else one).
        beta_initializer: Initializer of `beta`.
        gamma_initializer: Initializer of `gamma`.
        beta_regularizer: Regularizer of `beta`.
        gamma_regularizer: Regularizer of `gamma`.
        beta_constraint: Constraint of `beta`.
        gamma_constraint: Constraint of `gamma`.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        unsupported(rms_scaling=rms_scaling)
        self._configure(
            axis=axis if isinstance(axis, int) else list(axis),
            epsilon=float(epsilon),
            center=center,
            scale=scale,
            rms_scaling=False,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        self._axes = sorted(axis % len(input_shape) for axis in axes)
        shape = tuple(input_shape[axis] for axis in self._axes)
        self.gamma = self._add_option_weight("gamma", shape) if self.scale else None
        self.beta = self._add_option_weight("beta", shape) if self.center else None

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        centred = inputs - ops.mean(inputs, axis=self._axes, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=self._axes, keepdims=True)
        outputs = centred * ops.rsqrt(variance + self.epsilon)
        shape = [n if a in self._axes else 1 for a, n in enumerate(inputs.shape)]
        if self.gamma is not None:
            outputs = outputs * ops.reshape(self.gamma, shape)
        if self.beta is not None:
            outputs = outputs + ops.reshape(self.beta, shape)
        return outputs
