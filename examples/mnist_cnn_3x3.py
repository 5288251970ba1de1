"""Keras's classic MNIST example: two 3x3 convolutions before one pooling, Adadelta.

    python examples/mnist_cnn_3x3.py

gives a test accuracy of 0.9918 after 12 epochs on 60,000 images.
"""

import argparse

import convnet as keras
from convnet import layers


def load_data(quick):
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    if quick:
        x_train, y_train, x_test, y_test = (
            x_train[:10000],
            y_train[:10000],
            x_test[:2000],
            y_test[:2000],
        )
    x_train = x_train[..., None].astype("float32") / 255
    x_test = x_test[..., None].astype("float32") / 255
    return (x_train, y_train), (x_test, y_test)


def build_model():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sixth of the images, 2 epochs")
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    train, test = load_data(args.quick)
    model = build_model()
    model.summary()
    # The example dates from when 1.0 was Adadelta's default; today's 0.001 learns next to nothing.
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.Adadelta(learning_rate=1.0),
        metrics=["accuracy"],
    )
    epochs = 2 if args.quick else 12
    model.fit(*train, batch_size=128, epochs=epochs, validation_data=test)

    loss, accuracy = model.evaluate(*test, verbose=0)
    print(f"Test loss {loss:.4f}, test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
