"""Trainings of convolutional and recurrent nets, held against Keras's own."""

import numpy as np
import pytest

from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import (
    N,
    assert_same,
    classes,
    normal,
    trained,
)

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


def test_convolution_and_normalisation(keras):
    def build(library):
        layers = library.layers
        return library.Sequential(
            [
                library.Input((8, 8, 2)),
                layers.Conv2D(4, 3, padding="same", activation="relu"),
                layers.BatchNormalization(),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ]
        )

    assert_same(
        *trained(
            keras,
            build,
            lambda k: {
                "optimizer": k.optimizers.SGD(0.01),
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"],
            },
            (normal(N, 8, 8, 2), classes(N, 3)),
            validation_split=0.25,
        )
    )


def test_recurrent_classifier_of_words(keras):
    def build(library):
        layers = library.layers
        return library.Sequential(
            [
                library.Input((6,), dtype="int32"),
                layers.Embedding(9, 4, mask_zero=True),
                layers.LSTM(5),
                layers.Dense(1, activation="sigmoid"),
            ]
        )

    assert_same(
        *trained(
            keras,
            build,
            lambda k: {
                "optimizer": k.optimizers.RMSprop(0.01),
                "loss": "binary_crossentropy",
                "metrics": ["accuracy"],
            },
            (np.sort(classes(N, 9, 6))[:, ::-1], classes(N, 2, 1)),
        )
    )
