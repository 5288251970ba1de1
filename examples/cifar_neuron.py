"""The smallest networks on CIFAR-10: one neuron for two classes, ten neurons for all.

    python examples/cifar_neuron.py

gives, after 10 epochs on the 10,000 images of `data_batch_1` alone, a test accuracy of 0.7900 for
one sigmoid neuron that tells airplanes from automobiles, trained on the squared error, and of
0.3483 for ten softmax neurons.
"""

import argparse

import convnet as keras
from convnet import layers


def load_data(classes):
    """Pictures of the first classes as rows of 3,072 numbers from 0 to 1, and their labels."""

    def prepare(images, labels):
        chosen = labels[:, 0] < classes
        return images[chosen].reshape(-1, 3072).astype("float32") / 255, labels[chosen]

    train, test = keras.datasets.cifar10.load_data()
    return prepare(*train), prepare(*test)


def one_neuron():
    model = keras.Sequential([layers.Input((3072,)), layers.Dense(1, activation="sigmoid")])
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.01), metrics=["binary_accuracy"])
    return model


def ten_neurons():
    model = keras.Sequential([layers.Input((3072,)), layers.Dense(10, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 epochs")
    args = parser.parse_args()

    for title, classes, build in (("One neuron", 2, one_neuron), ("Ten neurons", 10, ten_neurons)):
        keras.utils.set_random_seed(1)
        train, test = load_data(classes)
        model = build()
        model.summary()
        model.fit(*train, batch_size=20, epochs=2 if args.quick else 10, verbose=2)
        loss, accuracy = model.evaluate(*test, verbose=0)
        print(f"{title}: test loss {loss:.4f}, test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
