"""A first training: the tutorial's network on the digits that come with the package."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import convnet
from convnet import layers
from convnet.cli.digit_text import draw_row
from convnet.datasets import digits

Pixels = npt.NDArray[np.uint8]
_SHOWN = 5  # digits that fit side by side into 80 columns


def tutorial_cnn() -> convnet.Sequential:
    """Makes the convolutional network of many MNIST tutorials.

    Returns:
        A model from images of shape (28, 28, 1), 0 to 1, to the probabilities of ten digits.

    Example:

    >>> tutorial_cnn().count_params()
    242062
    """
    return convnet.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(36, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def run_demo(folder: Path, epochs: int) -> None:
    """Trains, evaluates, shows, saves and loads the network, and draws what it learned.

    Args:
        folder: Where `convnet_demo.keras` and `convnet_demo.png` are written; made if missing.
        epochs: Passes over the digits.

    Raises:
        OSError: If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    convnet.utils.set_random_seed(1)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    model = tutorial_cnn()
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    start = time.perf_counter()
    history = model.fit(
        _scaled(x_train), y_train, batch_size=64, epochs=epochs, validation_split=0.1
    )
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(_scaled(x_test), y_test, verbose=0)
    print(f"\nTrained in {seconds:.1f} s. Accuracy on 1,000 digits not seen before: {accuracy:.4f}")

    probabilities = model.predict(_scaled(x_test), verbose=0)
    _show_answers(x_test, y_test, probabilities)
    _save_and_load(model, folder / "convnet_demo.keras", x_test, probabilities)
    _draw_report(history, model, x_test, y_test, folder / "convnet_demo.png")


def _scaled(images: Pixels) -> npt.NDArray[np.float32]:
    return images[..., None].astype(np.float32) / np.float32(255)


def _show_answers(images: Pixels, labels: Pixels, probabilities: npt.NDArray[np.float32]) -> None:
    answers = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    for title, chosen in (("Its answers:", range(_SHOWN)), ("Its mistakes:", wrong[:_SHOWN])):
        if len(chosen):
            captions = [
                f"{answers[i]}, not {labels[i]}"
                if i in wrong
                else f"{answers[i]} ({probabilities[i].max():.0%})"
                for i in chosen
            ]
            print(f"\n{title}\n{draw_row(images[list(chosen)], captions)}")


def _save_and_load(
    model: Any, path: Path, images: Pixels, probabilities: npt.NDArray[np.float32]
) -> None:
    model.save(path)
    again = convnet.models.load_model(path).predict(_scaled(images), verbose=0)
    difference = float(np.abs(again - probabilities).max())
    agrees = "the same predictions" if difference == 0 else f"a difference of {difference:.1e}"
    print(f"\nSaved {path} and loaded it again: {agrees}.")


def _draw_report(history: Any, model: Any, images: Pixels, labels: Pixels, path: Path) -> None:
    from convnet.visualization import training_report

    try:
        training_report(history, model, _scaled(images), labels, path)
    except ImportError:
        print("No picture: matplotlib is not installed.")
    else:
        print(f"Drew learning curves, mistakes and first filters: {path}")
