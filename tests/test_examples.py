"""The examples' models and data handling, without training them on real data."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from tests.devices import trains_for_long

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("example", "build", "parameters"),
    [
        ("mnist_cnn", "build_model", 242_062),
        ("mnist_cnn_3x3", "build_model", 600_810),
        ("lenet5", "build_model", 61_706),
        ("cifar_neuron", "one_neuron", 3_073),
        ("cifar_neuron", "ten_neurons", 30_730),
        ("cifar_cnn", "build_model", 24_522),
        ("stock_lstm", "build_model", 30_651),
        ("text_bilstm", "build_model", 1_477_761),
    ],
)
def test_model_has_the_parameters_of_its_tutorial(example, build, parameters):
    assert getattr(load(example), build)().count_params() == parameters


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_says_what_it_reaches_and_can_be_quick(path):
    source = path.read_text()
    assert f"python examples/{path.name}" in source, "the command that gives the figure"
    assert re.search(r"\d\.\d\d", load(path.stem).__doc__), "the figure"
    assert '"--quick"' in source


def test_lenet_gets_images_of_its_size_about_normalised():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 0, 0] = 255
    prepared = load("lenet5").prepare(image)
    assert prepared.shape == (1, 32, 32, 1)
    assert prepared[0, 2, 2, 0] == pytest.approx(1.175)
    assert prepared[0, 0, 0, 0] == pytest.approx(-0.1)


def test_prices_are_sorted_and_cut_into_windows(monkeypatch, tmp_path):
    stock = load("stock_lstm")
    (tmp_path / "stock").mkdir()
    days = [f"2020-{1 + i // 28:02}-{1 + i % 28:02},{100 + i}.5" for i in range(62)]
    text = "\n".join(["Date,Close", *reversed(days)])
    (tmp_path / "stock" / "NSE-TATA.csv").write_text(text)
    monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
    prices = stock.load_prices()
    assert prices[[0, -1]].tolist() == [100.5, 161.5]
    x, y = stock.windows(prices)
    assert (x.shape, y.shape) == ((2, 60, 1), (2, 1))
    assert y[:, 0].tolist() == [160.5, 161.5]
    assert x[1, :, 0].tolist() == prices[1:61].tolist()


def test_error_of_a_guess():
    stock = load("stock_lstm")
    assert stock.rmse(np.array([[1.0], [5.0]]), np.array([[1.0], [2.0]])) == pytest.approx(4.5**0.5)


def test_words_are_numbered_by_frequency_and_sentences_filled_up():
    text = load("text_bilstm")
    numbers = text.number_words([["a", "film", "a"], ["a", "film", "!"]])
    assert numbers == {"a": 2, "film": 3, "!": 4}
    rows = text.encode([["film", "unseen"], ["a"] * 100], numbers)
    assert rows.shape == (2, text.LENGTH)
    assert rows[0, :3].tolist() == [3, text.UNKNOWN, 0]
    assert set(rows[1]) == {2}


def test_sentences_keep_their_labels_when_mixed(monkeypatch, tmp_path):
    folder = tmp_path / "rt_polarity"
    folder.mkdir()
    for name, word in (("neg", "bad"), ("pos", "fin\xe9")):
        (folder / f"rt-polarity.{name}").write_text(f"{word} film\n" * 50, "latin-1")
    monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
    sentences, labels = load("text_bilstm").load_sentences()
    assert len(sentences) == 100
    assert 0 < labels[:50].sum() < 50, "mixed"
    assert {(words[0], label) for words, label in zip(sentences, labels, strict=True)} == {
        ("bad", 0.0),
        ("fin\xe9", 1.0),
    }


def test_missing_data_is_told_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
    expected = f"NSE-TATA.csv is not on this machine: put it into the folder {tmp_path / 'stock'}."
    with pytest.raises(FileNotFoundError, match=re.escape(expected)):
        load("stock_lstm").load_prices()


@trains_for_long
def test_program_of_the_readme_runs(monkeypatch, tmp_path, capsys):
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
    assert len(program.splitlines()) <= 25
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(program, names)
    assert names["accuracy"] > 0.9
    assert (tmp_path / "digits.keras").is_file()
    assert capsys.readouterr().out.splitlines()[-1].startswith("[")
