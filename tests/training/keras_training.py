"""The same training in convnet and in Keras, side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np

import convnet
from tests.layers.keras_pairs import randomize

TOLERANCE = {"rtol": 2e-5, "atol": 2e-6}
EPOCHS, BATCH = 2, 8


def trained(
    keras: Any,
    build: Callable[[Any], Any],
    compile_arguments: Callable[[Any], dict[str, Any]],
    data: Any,
    **fit: Any,
) -> tuple[Any, Any]:
    """Train models of both libraries from the same weights; the last batch is a partial one.

    Args:
        keras: Keras.
        build: Takes a library, returns its model.
        compile_arguments: Takes a library, returns arguments of `compile`.
        data: `x` and `y`, or a function that makes them for a library.
        **fit: Further arguments of `fit`, or functions that make them for a library.

    Returns:
        The model of Keras and that of convnet, each with its `history`.
    """
    models = []
    keras.utils.clear_session()
    convnet.config.clear_session()
    for library in (keras, convnet):
        model = build(library)
        randomize(model)
        model.compile(**compile_arguments(library))
        arguments = {"epochs": EPOCHS, "batch_size": BATCH, "shuffle": False, "verbose": 0} | fit
        made = {k: v(library) if callable(v) else v for k, v in arguments.items()}
        model.fit(*(data(library) if callable(data) else data), **made)
        models.append(model)
    return models[0], models[1]


def assert_same(theirs: Any, ours: Any) -> None:
    """Histories with the same keys and values, and the same weights."""
    assert list(ours.history.history) == list(theirs.history.history)
    for name, values in theirs.history.history.items():
        np.testing.assert_allclose(
            ours.history.history[name], values, **TOLERANCE, err_msg=f"history of {name}"
        )
    for i, (mine, other) in enumerate(zip(ours.get_weights(), theirs.get_weights(), strict=True)):
        np.testing.assert_allclose(mine, np.asarray(other), **TOLERANCE, err_msg=f"weight {i}")


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32 numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def classes(n: int, of: int, *shape: int, seed: int = 2) -> np.ndarray:
    """Class numbers."""
    return np.random.default_rng(seed).integers(0, of, (n, *shape)).astype("int32")


def one_hot(labels: np.ndarray, of: int) -> np.ndarray:
    """Rows of zeros with a one."""
    return np.eye(of, dtype="float32")[labels]


N = 28  # three batches and a half


def regression(library, **dense):
    layers = library.layers
    return library.Sequential(
        [library.Input((4,)), layers.Dense(5, activation="tanh", **dense), layers.Dense(1)]
    )


def classifier(library, units=6, activation="softmax"):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.Dense(units, activation=activation),
        ]
    )


def two_headed(library):
    layers = library.layers
    inputs = library.Input((4,), name="features")
    x = layers.Dense(6, activation="tanh")(inputs)
    outputs = [layers.Dense(1, name="size")(x), layers.Dense(3, "softmax", name="kind")(x)]
    return library.Model(inputs, outputs)


def masked_sequences(library):
    layers = library.layers
    inputs = library.Input((5, 3))
    x = layers.Masking()(inputs)
    return library.Model(inputs, layers.TimeDistributed(layers.Dense(2))(x))


def padded(seed=0):
    x = normal(N, 5, 3, seed=seed)
    for i in range(N):
        x[i, 1 + i % 5 :] = 0.0
    return x


REGRESSION = (normal(N, 4), normal(N, 1, seed=1))
CLASSES = (normal(N, 4), classes(N, 6))
TWO = (normal(N, 4), [normal(N, 1, seed=1), classes(N, 3)])
SEQUENCES = (padded(), normal(N, 5, 2, seed=1))
WEIGHTS = np.random.default_rng(5).uniform(0, 2, N).astype("float32")
