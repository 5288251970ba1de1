"""`python -m convnet` and what it prints."""

import json
import subprocess
import sys

import numpy as np
import pytest

import convnet
from convnet import _core, config, layers
from convnet.cli import main
from convnet.cli.digit_text import draw_digit, draw_row
from convnet.datasets import digits
from tests.devices import trains_for_long


def lines_of(text):
    """The values of `name   value` lines, by name; a line without a name goes on with the last."""
    values, name = {}, ""
    for line in text.splitlines():
        name = line[:18].strip() or name
        values.setdefault(name, []).append(line[19:])
    return {name: "\n".join(parts) for name, parts in values.items()}


def test_info_shows_version_settings_and_folders(capsys, monkeypatch, tmp_path):
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("CONVNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    assert main(["info"]) == 0
    shown = lines_of(capsys.readouterr().out)
    assert shown["convnet"] == convnet.__version__
    assert shown["instruction set"].startswith(_core.isa())
    assert all(isa in shown["instruction set"] for isa in _core.available_isas())
    assert shown["threads"] == str(_core.num_threads())
    assert shown["cuda"]
    first, second = shown["data folders"].splitlines()
    assert first == f"{tmp_path / 'data'} (mnist)"
    assert second == f"{tmp_path / 'cache' / 'datasets'} (missing)"


def test_info_names_some_of_many_files(capsys, monkeypatch, tmp_path):
    for i in range(30):
        (tmp_path / f"file{i:02}").touch()
    monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
    main(["info"])
    assert "file11, ...)" in capsys.readouterr().out


def test_runs_as_a_module():
    command = [sys.executable, "-m", "convnet", "info"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("convnet ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: command"),
        (["train"], "invalid choice: 'train'"),
        (["demo", "--epochs", "0"], "invalid positive number value: '0'"),
        (["demo", "--epochs", "few"], "invalid positive number value: 'few'"),
        (["profile"], "the following arguments are required: FILE"),
        (["profile", "net.keras", "--batch", "0"], "invalid positive number value: '0'"),
        (["profile", "net.keras", "--sort", "name"], "invalid choice: 'name'"),
    ],
)
def test_wrong_arguments(arguments, problem, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder and the output of a demo with two epochs."""
    folder = tmp_path_factory.mktemp("demo") / "made"
    with pytest.MonkeyPatch.context() as patch:
        written = []
        patch.setattr(sys.stdout, "write", written.append)
        assert main(["demo", "--folder", str(folder), "--epochs", "2"]) == 0
    return folder, "".join(written)


@trains_for_long
def test_demo_trains_and_shows_what_it_learned(demo):
    _, text = demo
    assert "Total params: 242,062" in text
    assert "Epoch 2/2" in text
    assert "val_accuracy" in text
    accuracy = float(text.split("not seen before: ")[1].split()[0])
    assert accuracy > 0.9
    answers = text.split("Its answers:\n")[1].splitlines()
    (_, _), (_, labels) = digits.load_data()
    captions = [caption for caption in answers[7].split("  ") if caption.strip()]
    shown = [caption.split()[0].rstrip(",") for caption in captions]
    assert len(shown) == 5
    assert sum(int(a) == b for a, b in zip(shown, labels, strict=False)) >= 4


@trains_for_long
def test_demo_saves_a_model_that_predicts_the_same(demo):
    folder, text = demo
    assert "loaded it again: the same predictions." in text
    model = convnet.models.load_model(folder / "convnet_demo.keras")
    (_, _), (x, y) = digits.load_data()
    answers = model.predict(x[..., None] / 255, verbose=0).argmax(axis=1)
    assert f"{np.mean(answers == y):.4f}" in text


@trains_for_long
def test_demo_draws_a_picture(demo):
    pytest.importorskip("matplotlib")
    folder, _ = demo
    assert (folder / "convnet_demo.png").read_bytes().startswith(b"\x89PNG")


@trains_for_long
def test_demo_without_matplotlib(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["demo", "--folder", str(tmp_path), "--epochs", "1"]) == 0
    assert "No picture: matplotlib is not installed." in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["convnet_demo.keras"]


def test_interrupted_demo_ends_without_a_traceback(capsys, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("convnet.cli.demo.run_demo", interrupt)
    assert main(["demo", "--folder", str(tmp_path)]) == 130
    assert capsys.readouterr().out.endswith("Interrupted.\n")


def test_picture_as_text_gets_denser_with_brightness():
    shades = [0, 30, 60, 90, 120, 150, 200, 255]
    image = np.repeat(np.repeat(np.array([shades], np.uint8), 2, axis=1), 4, axis=0)
    (line,) = draw_digit(image)
    density = [" .:-=+*#%@".index(character) for character in line]
    assert density == sorted(density)
    assert (density[0], density[-1]) == (0, 9)


def test_pictures_side_by_side_fit_into_a_terminal():
    _, (images, _) = digits.load_data()
    lines = draw_row(images[:5], ["7 (100%)"] * 5).splitlines()
    assert len(lines) == 28 // 4 + 1
    assert max(map(len, lines)) <= 80


@pytest.fixture
def saved(tmp_path):
    """A compiled model of texts in a file."""
    stack = [
        layers.Input((12,)),
        layers.Embedding(30, 8, name="tokens"),
        layers.Conv1D(9, 3, name="filters"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(4, activation="softmax", name="classes"),
    ]
    model = convnet.Sequential(stack, name="texts")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.save(tmp_path / "texts.keras")
    yield tmp_path / "texts.keras"
    config.set_num_threads(None)


@pytest.mark.cpu_only("only its plans can be timed")
@pytest.mark.parametrize("training", [False, True])
def test_profile_shows_ops_and_layers(saved, training, capsys):
    options = ["--training"] if training else []
    assert main(["profile", str(saved), "--batch", "20", "--steps", "2", *options]) == 0
    table, bars = capsys.readouterr().out.rstrip().rsplit("\n\n", 1)
    mode = "Training" if training else "Prediction"
    assert table.startswith(f'{mode} of "texts", 20 samples a step: mean of 2 steps')
    assert ("adam" in table) == ("filters" in table and training)
    assert {line.split()[0] for line in bars.splitlines()} >= {"tokens", "filters", "classes"}


@pytest.mark.cpu_only("only its plans can be timed")
def test_profile_saves_its_numbers_and_a_picture(saved, capsys):
    pytest.importorskip("matplotlib")
    numbers, picture = saved.with_suffix(".json"), saved.with_suffix(".png")
    options = ["--json", str(numbers), "--plot", str(picture), "--threads", "1", "--sort", "time"]
    assert main(["profile", str(saved), "--steps", "1", *options]) == 0
    found = json.loads(numbers.read_text())
    assert (found["model"], found["batch"], found["threads"]) == ("texts", 32, 1)
    assert picture.read_bytes().startswith(b"\x89PNG")
    slowest = max(found["rows"], key=lambda row: row["seconds"])
    first = capsys.readouterr().out.splitlines()[3].split()
    assert first[:2] == [slowest["layer"], slowest["op"]]


def test_profile_says_what_stands_in_its_way(tmp_path, capsys):
    missing = tmp_path / "missing.keras"
    assert main(["profile", str(missing)]) == 1
    assert f"Cannot profile {missing}: File not found" in capsys.readouterr().err
    path = tmp_path / "plain.h5"
    convnet.Sequential([layers.Input((3,)), layers.Dense(2)]).save(path)
    assert main(["profile", str(path), "--training"]) == 1
    assert "saved before `compile`" in capsys.readouterr().err
