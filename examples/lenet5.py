"""LeNet-5 on MNIST, with tanh and average pooling as in the paper: 61,706 parameters.

    python examples/lenet5.py

gives a test accuracy of 0.9876 after 12 epochs on 60,000 images.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: "Gradient-based learning applied to document
recognition", Proceedings of the IEEE, 1998.
"""

import argparse

import numpy as np

import convnet as keras
from convnet import layers


def load_data(quick):
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    if quick:
        x_train, y_train, x_test, y_test = (
            x_train[:20000],
            y_train[:20000],
            x_test[:2000],
            y_test[:2000],
        )
    return (prepare(x_train), y_train), (prepare(x_test), y_test)


def prepare(images):
    """The paper's input: 32 x 32 pixels, paper -0.1 and ink 1.175, about mean 0 and variance 1."""
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None]
    return images.astype("float32") / 255 * 1.275 - 0.1


def build_model():
    return keras.Sequential(
        [
            layers.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(),
            layers.Conv2D(120, 5, activation="tanh"),
            layers.Flatten(),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the images, 2 epochs")
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    train, test = load_data(args.quick)
    model = build_model()
    model.summary()
    slower = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.8)
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.SGD(learning_rate=slower),
        metrics=["accuracy"],
    )
    epochs = 2 if args.quick else 12
    model.fit(*train, batch_size=64, epochs=epochs, validation_data=test)

    loss, accuracy = model.evaluate(*test, verbose=0)
    print(f"Test loss {loss:.4f}, test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
