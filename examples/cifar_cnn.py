"""Three 3x3 convolutions, each with a pooling, on CIFAR-10: 24,522 parameters.

    python examples/cifar_cnn.py

gives, after 15 epochs on the 10,000 images of `data_batch_1` alone, a test accuracy of 0.6143.
"""

import argparse

import convnet as keras
from convnet import layers


def load_data(quick):
    (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
    if quick:
        x_train, y_train, x_test, y_test = (
            x_train[:5000],
            y_train[:5000],
            x_test[:2000],
            y_test[:2000],
        )
    return (x_train.astype("float32") / 255, y_train), (x_test.astype("float32") / 255, y_test)


def build_model():
    return keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 images, 2 epochs")
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    train, test = load_data(args.quick)
    model = build_model()
    model.summary()
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.Adam(learning_rate=1e-3),
        metrics=["accuracy"],
    )
    epochs = 2 if args.quick else 15
    model.fit(*train, batch_size=20, epochs=epochs, validation_data=test)

    loss, accuracy = model.evaluate(*test, verbose=0)
    print(f"Test loss {loss:.4f}, test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
