"""Pictures of a training."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from convnet import visualization

HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.0, 0.5], "val_loss": [1.1, 0.6]}


class Classifier:
    """Answers with given scores, and has a first convolution."""

    def __init__(self, scores, kernel_shape=(5, 5, 1, 6)):
        self.scores = np.asarray(scores)
        kernel = np.random.default_rng(0).normal(size=kernel_shape)
        dense = SimpleNamespace(name="dense", get_weights=lambda: [np.ones((3, 3))])
        conv = SimpleNamespace(
            name="conv", get_weights=lambda: [kernel, np.zeros(kernel_shape[-1])]
        )
        self.layers = [dense, SimpleNamespace(name="nested", layers=[conv])]

    def predict(self, x, verbose):
        assert verbose == 0
        return self.scores


@pytest.fixture(autouse=True)
def matplotlib():
    return pytest.importorskip("matplotlib")


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def test_curves_pair_training_and_validation():
    figure = visualization.plot_history(SimpleNamespace(history=HISTORY))
    accuracy, loss = figure.axes
    assert [accuracy.get_title(), loss.get_title()] == ["accuracy", "loss"]
    assert [line.get_label() for line in accuracy.lines] == ["training"]
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert loss.lines[1].get_ydata().tolist() == [1.1, 0.6]
    assert loss.lines[1].get_xdata().tolist() == [1, 2]


def test_curves_of_nothing():
    with pytest.raises(ValueError, match="at least one epoch"):
        visualization.plot_history({})


@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [[0], [1], [1], [0]], np.eye(2)[[0, 1, 1, 0]]])
def test_wrong_pictures_are_shown_surest_first(labels):
    model = Classifier([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    x = np.arange(4 * 3 * 3).reshape(4, 3, 3, 1)
    x[3, 0, 0] = 1000
    figure = visualization.show_wrong(model, x, labels)
    assert titles(figure) == ["1, not 0", "0, not 1"]
    assert figure._suptitle.get_text() == "2 of 4 wrong"
    shown = figure.axes[0].images[0].get_array()
    assert shown.min() == 0.0
    assert shown[0, 0] == 1.0, "the fourth picture comes first, its brightest pixel white"


def test_number_of_wrong_pictures_is_limited_and_classes_have_names():
    model = Classifier([[0.1, 0.9]] * 30)
    pictures = np.ones((30, 4, 4, 3))
    figure = visualization.show_wrong(model, pictures, [0] * 30, 7, class_names=["cat", "dog"])
    assert titles(figure) == ["dog, not cat"] * 7


def test_nothing_wrong():
    figure = visualization.show_wrong(Classifier([[1.0, 0.0]]), np.ones((1, 4, 4)), [0])
    assert titles(figure) == []
    assert figure._suptitle.get_text() == "0 of 1 wrong"


def test_numbers_of_labels_and_pictures_must_agree():
    with pytest.raises(ValueError, match="2 pictures and 1 labels"):
        visualization.show_wrong(Classifier([[1.0, 0.0]]), np.ones((2, 4, 4)), [0])


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_filters_of_the_first_convolution(channels):
    figure = visualization.show_filters(Classifier([], (5, 5, channels, 6)), count=4)
    shapes = [axes.images[0].get_array().shape for axes in figure.axes]
    assert shapes == [(5, 5, 3) if channels == 3 else (5, 5)] * 4


def test_model_without_convolution():
    with pytest.raises(ValueError, match="two-dimensional convolution"):
        visualization.show_filters(SimpleNamespace(layers=[]))


@pytest.mark.parametrize("has_convolution", [True, False])
def test_report_is_one_picture(tmp_path, has_convolution):
    model = Classifier([[0.9, 0.1], [0.6, 0.4]])
    if not has_convolution:
        model.layers = []
    path = tmp_path / "report.png"
    visualization.training_report(HISTORY, model, np.ones((2, 4, 4)), [0, 1], path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_needs_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        visualization.plot_history(HISTORY)
