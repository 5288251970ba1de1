"""One step of an optimizer on arrays, outside of a compiled training loop."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convnet.variables import Variable

if TYPE_CHECKING:
    from convnet.optimizers.optimizer import Optimizer

Gradient = NDArray[np.float32]


def apply(
    optimizer: "Optimizer", grads: Sequence[Any], variables: Sequence[Variable] | None
) -> None:
    """Makes one step of `optimizer`; see `Optimizer.apply`."""
    if len(grads) == 0:
        return
    variables = _known_variables(optimizer, grads, variables)
    pairs = _with_gradient(grads, variables)
    gradients = [_as_gradient(g, v, optimizer.loss_scale_factor) for g, v in pairs]
    variables = [v for _, v in pairs]
    if optimizer.gradient_accumulation_steps:
        _accumulate(optimizer, gradients, variables)
    else:
        _update(optimizer, gradients, variables)
    if optimizer.use_ema:
        _average(optimizer)
    for variable in variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    optimizer._iterations.assign(int(optimizer._iterations) + 1)


def _known_variables(
    optimizer: "Optimizer", grads: Sequence[Any], variables: Sequence[Variable] | None
) -> Sequence[Variable]:
    if variables is not None:
        optimizer.ensure_built(variables)
        optimizer._check_variables_are_known(variables)
        return variables
    if not optimizer.built:
        raise ValueError(
            "When passing `grads` without `variables`, the optimizer must already be built on a "
            "list of variables. Call `optimizer.build(trainable_variables)` first. "
        )
    known = optimizer._trainable_variables
    if len(grads) != len(known):
        raise ValueError(
            "When passing `grads` as a list of gradient tensors, the gradients must match "
            f"`optimizer.variables` one-to-on. Received a list of {len(grads)} gradients, but the "
            f"optimizer is tracking {len(known)} trainable variables."
        )
    return known


def _with_gradient(
    grads: Sequence[Any], variables: Sequence[Variable]
) -> list[tuple[Any, Variable]]:
    pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    if not pairs:
        raise ValueError("No gradients provided for any variable.")
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if missing:
        warnings.warn(
            f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
            "`model.compile()`, did you forget to provide a `loss` argument?",
            stacklevel=4,
        )
    return pairs


def _as_gradient(gradient: Any, variable: Variable, scale: float | None) -> Gradient:
    gradient = np.array(gradient, dtype=np.float32)
    if gradient.shape != variable.shape:
        raise ValueError(
            f"The gradient of variable {variable.path} must have its shape {variable.shape}. "
            f"Received: gradient.shape={gradient.shape}"
        )
    if scale is not None:
        gradient /= np.float32(scale)
    return np.asarray(gradient)


def _update(
    optimizer: "Optimizer", gradients: list[Gradient], variables: Sequence[Variable]
) -> None:
    learning_rate = np.float32(optimizer.learning_rate_at(int(optimizer._iterations)))
    gradients = clip_gradients(optimizer, gradients)
    for variable in variables:
        if optimizer.decays(variable):
            variable._value -= variable._value * optimizer.weight_decay * learning_rate
    for gradient, variable in zip(gradients, variables, strict=True):
        optimizer.update_step(gradient, variable, learning_rate)


def _accumulate(
    optimizer: "Optimizer", gradients: list[Gradient], variables: Sequence[Variable]
) -> None:
    steps = optimizer.gradient_accumulation_steps or 1
    sums = [optimizer.slot("gradient_accumulator", v) for v in variables]
    for gradient, total in zip(gradients, sums, strict=True):
        total += gradient
    if (int(optimizer._iterations) + 1) % steps == 0:
        _update(optimizer, [np.asarray(total / np.float32(steps)) for total in sums], variables)
        for variable in optimizer._trainable_variables:
            optimizer.slot("gradient_accumulator", variable)[...] = 0.0


def _average(optimizer: "Optimizer") -> None:
    updates = int(optimizer.iterations)
    momentum = optimizer.ema_momentum if updates else 0.0
    for variable in optimizer._trainable_variables:
        average = optimizer.slot("average", variable)
        average *= momentum
        average += (1.0 - momentum) * variable._value
    frequency = optimizer.ema_overwrite_frequency
    if frequency and (updates + 1) % frequency == 0:
        overwrite_with_average(optimizer, optimizer._trainable_variables)


def overwrite_with_average(optimizer: "Optimizer", variables: Sequence[Variable]) -> None:
    """Sets variables to their averages.

    Args:
        optimizer: An optimizer with `use_ema`.
        variables: Variables that it was built with.
    """
    for variable in variables:
        variable.assign(optimizer.slot("average", variable))


def clip_gradients(optimizer: "Optimizer", gradients: list[Gradient]) -> list[Gradient]:
    """Clips gradients as the optimizer was told to.

    Args:
        optimizer: Where `clipnorm`, `global_clipnorm` or `clipvalue` is looked up.
        gradients: The gradients.
    """
    if limit := optimizer.clipnorm:
        return [_scaled(g, limit / max(_norm([g]), limit)) for g in gradients]
    if limit := optimizer.global_clipnorm:
        norm = _norm(gradients)
        # An infinite norm makes every gradient NaN instead of hiding it behind zeros.
        scale = limit / max(norm, limit) + (norm - norm)
        return [_scaled(g, scale) for g in gradients]
    if limit := optimizer.clipvalue:
        return [np.clip(g, -limit, limit) for g in gradients]
    return gradients


def _scaled(gradient: Gradient, scale: float) -> Gradient:
    return np.asarray(gradient * np.float32(scale))


def _norm(gradients: Sequence[Gradient]) -> float:
    return float(np.sqrt(sum(float(np.sum(np.square(g))) for g in gradients)))
