"""One step of each optimizer in float64, on whole arrays: what the core's ops are held against.

`step` changes `w` and `slots` in place. `iteration` is the number of steps done before.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray


def sgd(w, g, slots, lr, t, momentum=0.0, nesterov=False):
    if not momentum:
        w -= lr * g
        return
    (m,) = slots
    m[...] = momentum * m - lr * g
    w += momentum * m - lr * g if nesterov else m


def adam(w, g, slots, lr, t, beta_1, beta_2, epsilon, amsgrad=False):
    m, v = slots[:2]
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    if amsgrad:
        slots[2][...] = np.maximum(slots[2], v)
        v = slots[2]
    alpha = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    w -= alpha * m / (np.sqrt(v) + epsilon)


def rmsprop(w, g, slots, lr, t, rho, epsilon, momentum=0.0, centered=False):
    rest = list(slots)
    v = rest.pop(0)
    v[...] = rho * v + (1 - rho) * g**2
    variance = v
    m = rest.pop(0) if momentum else None
    if centered:
        a = rest.pop(0)
        a[...] = rho * a + (1 - rho) * g
        variance = v - a**2
    change = lr * g / np.sqrt(variance + epsilon)
    if m is not None:
        m[...] = momentum * m + change
        change = m
    w -= change


def adagrad(w, g, slots, lr, t, epsilon):
    (a,) = slots
    a += g**2
    w -= lr * g / np.sqrt(a + epsilon)


def adadelta(w, g, slots, lr, t, rho, epsilon):
    a, d = slots
    a[...] = rho * a + (1 - rho) * g**2
    change = -g * np.sqrt(d + epsilon) / np.sqrt(a + epsilon)
    d[...] = rho * d + (1 - rho) * change**2
    w += lr * change


def adamax(w, g, slots, lr, t, beta_1, beta_2, epsilon):
    m, u = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    u[...] = np.maximum(beta_2 * u, np.abs(g))
    w -= lr * m / ((1 - beta_1**t) * (u + epsilon))


def nadam(w, g, slots, lr, t, beta_1, beta_2, epsilon):
    m, v = slots
    u = [beta_1 * (1 - 0.5 * 0.96**i) for i in range(1, t + 2)]
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat = u[t] * m / (1 - np.prod(u)) + (1 - u[t - 1]) * g / (1 - np.prod(u[:t]))
    w -= lr * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def lion(w, g, slots, lr, t, beta_1, beta_2):
    (m,) = slots
    w -= lr * np.sign(beta_1 * m + (1 - beta_1) * g)
    m[...] = beta_2 * m + (1 - beta_2) * g


STEPS: dict[str, Callable[..., None]] = {
    f.__name__: f for f in (sgd, adam, rmsprop, adagrad, adadelta, adamax, nadam, lion)
}


def step(
    kernel: str,
    w: Array,
    g: Array,
    slots: Sequence[Array],
    lr: float,
    iteration: int,
    attrs: dict[str, Any],
) -> None:
    STEPS[kernel](w, g, slots, lr, iteration + 1, **attrs)


def clipped(
    gradients: Sequence[Array],
    clipnorm: float | None = None,
    global_clipnorm: float | None = None,
    clipvalue: float | None = None,
) -> list[Array]:
    if clipnorm:
        return [g * min(1, clipnorm / np.linalg.norm(g)) for g in gradients]
    if global_clipnorm:
        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
        return [g * min(1, global_clipnorm / norm) for g in gradients]
    return [np.clip(g, -clipvalue, clipvalue) for g in gradients]
