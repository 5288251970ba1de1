"""The nets as users of PyTorch write them: channels first, ending in logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def conv(inputs: int, outputs: int, size: int, padding: int = 0, stride: int = 1) -> nn.Sequential:
    """A convolution and its ReLU."""
    layer = nn.Conv2d(inputs, outputs, size, padding=padding, stride=stride)
    return nn.Sequential(layer, nn.ReLU())


def mnist_cnn_5x5() -> nn.Module:
    return nn.Sequential(
        conv(1, 16, 5, padding=2),
        nn.MaxPool2d(2),
        conv(16, 36, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(36 * 7 * 7, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def mnist_cnn_3x3() -> nn.Module:
    return nn.Sequential(
        conv(1, 32, 3),
        conv(32, 32, 3),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(32 * 12 * 12, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def lenet5() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


def cifar_cnn() -> nn.Module:
    return nn.Sequential(
        conv(3, 32, 3, padding=1),
        nn.MaxPool2d(2),
        conv(32, 32, 3, padding=1),
        nn.MaxPool2d(2),
        conv(32, 32, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )


def softmax_3072() -> nn.Module:
    return nn.Linear(3072, 10)


def emotion_cnn() -> nn.Module:
    return nn.Sequential(
        conv(1, 32, 3),
        conv(32, 64, 3),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        conv(64, 128, 3),
        nn.MaxPool2d(2),
        conv(128, 128, 3),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(128 * 4 * 4, 1024),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1024, 7),
    )


class Recurrent(nn.Module):
    """LSTM layers, of which the last hands on its last state."""

    def __init__(self, features: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True)
        self.dense = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(self.lstm(x)[0][:, -1])


class TextBiLSTM(nn.Module):
    """Two bidirectional LSTMs over an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20000, 128)
        self.lstm = nn.LSTM(128, 64, 2, batch_first=True, bidirectional=True)
        self.dense = nn.Linear(128, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        _, (states, _) = self.lstm(self.embedding(tokens))
        return self.dense(torch.cat([states[-2], states[-1]], dim=1))


class TextCNN(nn.Module):
    """Convolutions of three widths over an embedding, each pooled over time."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(18765, 128)
        self.convolutions = nn.ModuleList(nn.Conv1d(128, 100, width) for width in (3, 4, 5))
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(300, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens).transpose(1, 2)
        pooled = [convolution(x).relu().amax(2) for convolution in self.convolutions]
        return self.dense(self.dropout(torch.cat(pooled, dim=1)))


def alexnet() -> nn.Module:
    return nn.Sequential(
        conv(3, 96, 11, stride=4),
        nn.MaxPool2d(3, 2),
        conv(96, 256, 5, padding=2),
        nn.MaxPool2d(3, 2),
        conv(256, 384, 3, padding=1),
        conv(384, 384, 3, padding=1),
        conv(384, 256, 3, padding=1),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(256 * 6 * 6, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 1000),
    )


def scaled_cnn(size: int = 32, channels: int = 32, depth: int = 2) -> nn.Module:
    inputs = [3] + [channels] * (depth - 1)
    return nn.Sequential(
        *(conv(count, channels, 3, padding=1) for count in inputs),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 10),
    )


def scaled_lstm(length: int = 64, hidden: int = 64) -> nn.Module:
    return Recurrent(16, hidden)


NETS: dict[str, Callable[..., nn.Module]] = {
    "mnist_cnn_5x5": mnist_cnn_5x5,
    "mnist_cnn_3x3": mnist_cnn_3x3,
    "lenet5": lenet5,
    "cifar_cnn": cifar_cnn,
    "softmax_3072": softmax_3072,
    "emotion_cnn": emotion_cnn,
    "stock_lstm_b1": lambda: Recurrent(1, 50, 2),
    "stock_lstm": lambda: Recurrent(1, 50, 2),
    "text_bilstm": TextBiLSTM,
    "text_cnn": TextCNN,
    "alexnet": alexnet,
    "scaled_cnn": scaled_cnn,
    "scaled_lstm": scaled_lstm,
}
