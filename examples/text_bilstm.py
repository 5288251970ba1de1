"""Two bidirectional LSTMs that tell praise from blame in sentences of film reviews.

    python examples/text_bilstm.py

gives, on 1,066 sentences not seen before, an accuracy of 0.7552 after 2 epochs on the other 9,596.

Reads `rt-polarity.pos` and `rt-polarity.neg` from the folder `rt_polarity` below the one that
CONVNET_DATA names. B. Pang, L. Lee: "Seeing stars", ACL 2005,
https://www.cs.cornell.edu/people/pabo/movie-review-data/.
"""

import argparse
from collections import Counter

import numpy as np

import convnet as keras
from convnet import layers
from convnet.datasets import locate

LENGTH = 56  # words of a sentence
VOCABULARY = 10000
UNKNOWN = 1  # 0 fills the end of short sentences


def load_sentences():
    """Sentences as lists of words, mixed, and 1 for praise, 0 for blame."""
    sentences, labels = [], []
    for label, name in enumerate(("rt-polarity.neg", "rt-polarity.pos")):
        text = locate.find_file("rt_polarity", name).read_text("latin-1")
        lines = [line.split() for line in text.split("\n") if line]
        sentences += lines
        labels += [label] * len(lines)
    order = np.random.default_rng(1).permutation(len(sentences))
    return [sentences[i] for i in order], np.array(labels, "float32")[order]


def number_words(sentences):
    """A number from 2 for each of the commonest words."""
    counts = Counter(word for sentence in sentences for word in sentence)
    common = counts.most_common(VOCABULARY - 2)
    return {word: number for number, (word, _) in enumerate(common, start=2)}


def encode(sentences, numbers):
    """Sentences as rows of LENGTH numbers."""
    rows = np.zeros((len(sentences), LENGTH), "int32")
    for row, sentence in zip(rows, sentences, strict=True):
        known = [numbers.get(word, UNKNOWN) for word in sentence[:LENGTH]]
        row[: len(known)] = known
    return rows


def build_model():
    return keras.Sequential(
        [
            layers.Input((LENGTH,), dtype="int32"),
            layers.Embedding(VOCABULARY, 128, mask_zero=True),
            layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(64)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 sentences, 1 epoch")
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    sentences, labels = load_sentences()
    if args.quick:
        sentences, labels = sentences[:2000], labels[:2000]
    held = len(sentences) // 10
    numbers = number_words(sentences[held:])
    x, y = encode(sentences, numbers), labels

    model = build_model()
    model.summary()
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    test = x[:held], y[:held]
    epochs = 1 if args.quick else 2
    model.fit(x[held:], y[held:], batch_size=32, epochs=epochs, validation_data=test)

    loss, accuracy = model.evaluate(*test, verbose=0)
    print(f"Test loss {loss:.4f}, test accuracy {accuracy:.4f}")
    sentence = "a moving and wonderfully acted film , if a little long"
    praise = model.predict(encode([sentence.split()], numbers), verbose=0)[0, 0]
    print(f"{sentence!r}: praise with {praise:.0%}")


if __name__ == "__main__":
    main()
