"""`model.summary()`: Keras's own text, character by character."""

import os
import warnings

import numpy as np
import pytest

import convnet
from convnet.utils.summary_utils import readable_memory_size

SEQUENTIAL = """\
Model: "cnn"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                         ┃ Output Shape                ┃         Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
│ conv (Conv2D)                        │ (None, 28, 28, 16)          │             416 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ pool (MaxPooling2D)                  │ (None, 14, 14, 16)          │               0 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ a_rather_long_name_of_a_layer        │ (None, 14, 14, 16)          │              64 │
│ (BatchNormalization)                 │                             │                 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ flat (Flatten)                       │ (None, 3136)                │               0 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ out (Dense)                          │ (None, 10)                  │          31,370 │
└──────────────────────────────────────┴─────────────────────────────┴─────────────────┘
 Total params: 31,850 (124.41 KB)
 Trainable params: 31,818 (124.29 KB)
 Non-trainable params: 32 (128.00 B)
"""

SIAMESE = """\
Model: "siamese"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                  ┃ Output Shape              ┃         Param # ┃ Connected to               ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ a (InputLayer)                │ (None, 4)                 │               0 │ -                          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ b (InputLayer)                │ (None, 4)                 │               0 │ -                          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ shared (Dense)                │ (None, 3)                 │              15 │ a[0][0], b[0][0]           │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ cat (Concatenate)             │ (None, 6)                 │               0 │ shared[0][0], shared[1][0] │
└───────────────────────────────┴───────────────────────────┴─────────────────┴────────────────────────────┘
 Total params: 15 (60.00 B)
 Trainable params: 15 (60.00 B)
 Non-trainable params: 0 (0.00 B)
"""  # noqa: E501


def cnn(k):
    layers = [
        k.layers.Input((28, 28, 1)),
        k.layers.Conv2D(16, 5, padding="same", activation="relu", name="conv"),
        k.layers.MaxPooling2D(name="pool"),
        k.layers.BatchNormalization(name="a_rather_long_name_of_a_layer"),
        k.layers.Flatten(name="flat"),
        k.layers.Dense(10, name="out"),
    ]
    return k.Sequential(layers, name="cnn")


def frozen(k):
    model = cnn(k)
    model.layers[0].trainable = False
    return model


def compiled(k):
    model = cnn(k)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def siamese(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    shared = k.layers.Dense(3, name="shared")
    return k.Model([a, b], k.layers.Concatenate(name="cat")([shared(a), shared(b)]), name="siamese")


def in_a_row(k):
    x = k.Input((4,), name="a")
    return k.Model(x, k.layers.Dense(2, name="out")(x), name="row")


def twice(k):
    x, dense = k.Input((4,), name="a"), k.layers.Dense(4, name="again")
    return k.Model(x, dense(dense(x)), name="twice")


def two_outputs(k):
    x = k.Input((8, 8, 3), name="in")
    y = k.layers.Add(name="add")([x, k.layers.Conv2D(3, 3, padding="same", name="conv")(x)])
    flat = k.layers.Flatten(name="flat")(y)
    outputs = [k.layers.Dense(2, name="left")(flat), k.layers.Dense(3, name="right")(flat)]
    return k.Model(x, outputs, name="fork")


def states(k):
    x = k.Input((5, 4), name="a")
    return k.Model(x, k.layers.LSTM(3, return_state=True, name="lstm")(x), name="states")


def nested(k):
    inner = k.Sequential(
        [k.layers.Input((4,)), k.layers.Dense(3, name="d1"), k.layers.Dense(3, name="d2")],
        name="inner",
    )
    x = k.Input((3,), name="x")
    deep = k.Model(x, k.layers.Dense(1, name="d3")(x), name="deep")
    middle = k.Sequential([inner, deep], name="middle")
    y = k.Input((4,), name="y")
    return k.Model(y, middle(y), name="outer")


def unbuilt(k):
    return k.Sequential([k.layers.Dense(3, name="d"), k.layers.Dense(2, name="e")], name="unbuilt")


MODELS = [
    cnn, frozen, compiled, in_a_row, siamese, twice, two_outputs, states, nested, unbuilt,
]  # fmt: skip


def summary(model, **arguments):
    texts = []
    model.summary(print_fn=texts.append, **arguments)
    (text,) = texts
    return text


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


@pytest.mark.parametrize("arguments", [
    {},
    {"show_trainable": True},
    {"expand_nested": True},
    {"expand_nested": True, "show_trainable": True, "line_length": 75},
    {"line_length": 60},
    {"line_length": 140},
    {"positions": [0.3, 0.6, 0.8, 1.0]},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_text_is_that_of_keras(keras, build, arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = summary(build(keras), **arguments)
    assert summary(build(convnet), **arguments) == expected


def test_sequential():
    assert summary(cnn(convnet)) == SEQUENTIAL


def test_graph_shows_connections():
    assert summary(siamese(convnet)) == SIAMESE


def test_built_optimizer_is_counted():
    lines = summary(compiled(convnet)).splitlines()
    assert lines[-4].startswith(" Total params: 95,488 (")
    assert lines[-1].startswith(" Optimizer params: 63,638 (")


def test_subclassed_model_shows_shapes_for_any_batch():
    class Own(convnet.Model):
        def __init__(self):
            super().__init__(name="own")
            self.first = convnet.layers.Dense(3, name="first")
            self.rest = unbuilt(convnet)

        def call(self, x):
            return self.rest(self.first(x))

    model = Own()
    assert " ? " in summary(model)
    model(np.zeros((2, 4), "float32"))
    cells = [line.replace(" ", "").split("│")[1:-1] for line in summary(model).splitlines()]
    rows = [row for row in cells if row]
    assert rows == [["first(Dense)", "(None,3)", "15"], ["unbuilt(Sequential)", "(None,2)", "20"]]


def test_text_is_printed_by_default(capsys):
    cnn(convnet).summary()
    assert capsys.readouterr().out == SEQUENTIAL


@pytest.mark.parametrize(("columns", "length"), [(60, 56), (80, 76), (92, 88), (300, 88)])
def test_table_fits_into_the_terminal(monkeypatch, columns, length):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert len(summary(cnn(convnet)).splitlines()[1]) == length


@pytest.mark.parametrize(
    ("layer_range", "shown"),
    [
        (["pool", "flat"], ["pool", "a_rather", "flat"]),
        (["flat", "pool"], ["pool", "a_rather", "flat"]),
        (["conv", "p.*"], ["conv", "pool"]),
        (["out", "out"], ["out"]),
    ],
)
def test_range_of_layers(layer_range, shown):
    lines = summary(cnn(convnet), layer_range=layer_range).splitlines()
    rows = [line for line in lines if line.startswith("│ ") and line[2] not in " ("]
    assert len(rows) == len(shown)
    assert all(row.startswith(f"│ {name}") for row, name in zip(rows, shown, strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer_range": ["conv"]}, "must be a list or tuple of length 2"),
        ({"layer_range": [0, 1]}, "should contain string type only"),
        ({"layer_range": ["conv", "none"]}, "do not match the layer names"),
        ({"line_length": 12}, "Insufficient console width"),
        ({"positions": [0.5, 1.0]}, "Invalid value for argument `positions`"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        cnn(convnet).summary(**arguments)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.00 B"),
        (1023, "1023.00 B"),
        (1024, "1.00 KB"),
        (5 * 2**20, "5.00 MB"),
        (2**60, "1024.00 PB"),
    ],
)
def test_sizes(size, text):
    assert readable_memory_size(size) == text
