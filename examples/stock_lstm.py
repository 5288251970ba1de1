"""Two stacked LSTMs that guess a share's next closing price from its last 60 days.

    python examples/stock_lstm.py

gives, after 60 epochs on the first 987 days, a root mean squared error of 6.43 rupees on the
other 248. To say that tomorrow's price is today's gives 5.78: what looks like a forecast in a plot
is a lag.

Reads `NSE-TATA.csv` (columns Date and Close, any order of days) from the folder `stock` below the
one that CONVNET_DATA names.
"""

import argparse
import csv

import numpy as np

import convnet as keras
from convnet import layers
from convnet.datasets import locate

WINDOW = 60
TRAINING_DAYS = 987


def load_prices():
    """Closing prices, oldest first."""
    with open(locate.find_file("stock", "NSE-TATA.csv"), newline="") as file:
        days = sorted((row["Date"], float(row["Close"])) for row in csv.DictReader(file))
    return np.array([close for _, close in days], "float32")


def windows(values):
    """Each run of 60 values, shape (n, 60, 1), and the value after it, shape (n, 1)."""
    runs = np.lib.stride_tricks.sliding_window_view(values, WINDOW + 1)
    return runs[:, :WINDOW, None], runs[:, WINDOW:]


def build_model():
    return keras.Sequential(
        [
            layers.Input((WINDOW, 1)),
            layers.LSTM(50, return_sequences=True),
            layers.LSTM(50),
            layers.Dense(1),
        ]
    )


def rmse(prices, guesses):
    return float(np.sqrt(np.mean((prices - guesses) ** 2)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 epochs")
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    prices = load_prices()
    low, high = prices[:TRAINING_DAYS].min(), prices[:TRAINING_DAYS].max()
    scaled = (prices - low) / (high - low)
    x_train, y_train = windows(scaled[:TRAINING_DAYS])
    x_test, y_test = windows(scaled[TRAINING_DAYS - WINDOW :])

    model = build_model()
    model.summary()
    model.compile(loss="mean_squared_error", optimizer="adam")
    model.fit(x_train, y_train, epochs=10 if args.quick else 60, batch_size=32, verbose=2)

    guesses = model.predict(x_test, verbose=0) * (high - low) + low
    truth = y_test * (high - low) + low
    yesterday = prices[TRAINING_DAYS - 1 : -1, None]
    print(f"RMSE {rmse(truth, guesses):.2f}; of yesterday's price {rmse(truth, yesterday):.2f}")
    print(f"The day after the last one: {predict_next(model, scaled) * (high - low) + low:.2f}")


def predict_next(model, scaled):
    return float(model.predict(scaled[None, -WINDOW:, None], verbose=0)[0, 0])


if __name__ == "__main__":
    main()
