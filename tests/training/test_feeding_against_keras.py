"""Where batches come from and how epochs are counted, held against Keras's own."""

import numpy as np
import pytest

import convnet
from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import (
    CLASSES,
    REGRESSION,
    WEIGHTS,
    N,
    assert_same,
    classes,
    classifier,
    normal,
    regression,
    trained,
    two_headed,
)

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


def compiled(_):
    return {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "weighted_metrics": ["sparse_categorical_crossentropy"],
    }


VALIDATION = (normal(11, 4, seed=8), classes(11, 6, seed=9))

FITS = [
    {"validation_split": 0.3},
    {"validation_split": 0.3, "sample_weight": WEIGHTS},
    {"validation_split": 0.3, "class_weight": {0: 2.0, 1: 0.5}},
    {"validation_split": 0.3, "validation_batch_size": 3, "validation_steps": 2},
    {"validation_data": VALIDATION},
    {"validation_data": [*VALIDATION]},
    {"validation_data": (*VALIDATION, np.linspace(0, 2, 11))},
    {"validation_data": VALIDATION, "validation_split": 0.5},
    {"validation_data": VALIDATION, "validation_batch_size": 4},
    {"validation_data": VALIDATION, "validation_batch_size": 2, "validation_steps": 3},
    {"validation_data": VALIDATION, "validation_steps": 2, "batch_size": None},
    {"validation_data": VALIDATION, "validation_freq": 2, "epochs": 5},
    {"validation_data": VALIDATION, "validation_freq": [1, 4], "epochs": 5},
    {"validation_data": VALIDATION, "initial_epoch": 1, "epochs": 4, "validation_freq": 2},
    {"initial_epoch": 3, "epochs": 5},
    {"initial_epoch": 5, "epochs": 5},
    {"epochs": 0},
    {"batch_size": None},
    {"batch_size": 1},
    {"batch_size": N},
    {"batch_size": 1000},
    {"steps_per_epoch": 2, "batch_size": None},
    {"steps_per_epoch": 3, "batch_size": None, "epochs": 4},
    {"steps_per_epoch": 2, "epochs": 5},
    {"steps_per_epoch": 3, "epochs": 5},
    {"steps_per_epoch": 4, "epochs": 3},
    {"steps_per_epoch": 5, "epochs": 4},
    {"steps_per_epoch": 3, "epochs": 3, "validation_data": VALIDATION},
]


@pytest.mark.parametrize("arguments", FITS, ids=lambda a: " ".join(a))
def test_arrays(keras, arguments):
    assert_same(*trained(keras, classifier, compiled, CLASSES, **arguments))


def batches(x, y, size=8, weights=None):
    return [
        (x[i : i + size], y[i : i + size], *([] if weights is None else [weights[i : i + size]]))
        for i in range(0, len(x), size)
    ]


def endless(items):
    while True:
        yield from items


SOURCE_FITS = [
    {"steps_per_epoch": 4, "epochs": 2},
    {"steps_per_epoch": 3, "epochs": 4},
    {"steps_per_epoch": 3, "epochs": 2, "validation_data": VALIDATION},
]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("arguments", SOURCE_FITS, ids=str)
def test_generators(keras, weights, arguments):
    items = batches(*CLASSES, weights=weights)
    assert_same(
        *trained(
            keras,
            classifier,
            compiled,
            lambda _: (endless(items),),
            batch_size=None,
            **arguments,
        )
    )


@pytest.mark.parametrize("validation_steps", [2, 3])
def test_validation_by_a_generator(keras, validation_steps):
    items = batches(*VALIDATION, size=4)
    assert_same(
        *trained(
            keras,
            classifier,
            compiled,
            CLASSES,
            epochs=1,
            validation_data=lambda _: endless(items),
            validation_steps=validation_steps,
        )
    )


def data_set(library, items, log=None, length=True):
    """A `PyDataset` of batches that writes down what is asked of it."""

    class Batches(library.utils.PyDataset):
        def __getitem__(self, index):
            if log is not None:
                log.append(index)
            return items[index % len(items)]

        @property
        def num_batches(self):
            return len(items) if length else None

        def on_epoch_end(self):
            if log is not None:
                log.append("end")

    return Batches()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"epochs": 3}, {"class_weight": {0: 3.0, 4: 0.1}}, {"steps_per_epoch": 3, "epochs": 3}],
    ids=str,
)
def test_data_sets(keras, arguments):
    items = batches(*CLASSES)
    assert_same(
        *trained(
            keras,
            classifier,
            compiled,
            lambda k: (data_set(k, items),),
            batch_size=None,
            validation_data=lambda k: data_set(k, batches(*VALIDATION)),
            **arguments,
        )
    )


def test_endless_data_sets(keras):
    items = batches(*CLASSES)
    assert_same(
        *trained(
            keras,
            classifier,
            compiled,
            lambda k: (data_set(k, items, length=False),),
            batch_size=None,
            steps_per_epoch=3,
        )
    )


def test_data_sets_hear_the_end_of_epochs():
    log = []
    model = classifier(convnet)
    model.compile(**compiled(convnet))
    model.fit(data_set(convnet, batches(*CLASSES), log), epochs=2, shuffle=False, verbose=0)
    assert log == [0, 1, 2, 3, "end"] * 2


def test_data_sets_are_shuffled_by_batches():
    log = []
    model = classifier(convnet)
    model.compile(**compiled(convnet))
    model.fit(data_set(convnet, batches(*CLASSES, size=1), log), verbose=0)
    assert log != [*range(N), "end"]
    assert sorted(log[:-1]) == list(range(N))


def two_inputs(library):
    layers = library.layers
    left, right = library.Input((4,), name="left"), library.Input((2,), name="right")
    x = layers.Concatenate()([layers.Dense(3)(left), right])
    return library.Model([left, right], layers.Dense(1)(x))


def named_inputs(library):
    layers = library.layers
    left, right = library.Input((4,), name="left"), library.Input((2,), name="right")
    x = layers.Concatenate()([layers.Dense(3)(left), right])
    return library.Model({"b": left, "a": right}, layers.Dense(1)(x))


LEFT, RIGHT = normal(N, 4), normal(N, 2, seed=1)


@pytest.mark.parametrize(
    ("build", "x"),
    [
        (two_inputs, [LEFT, RIGHT]),
        (two_inputs, {"right": RIGHT, "left": LEFT}),
        (named_inputs, {"a": RIGHT, "b": LEFT}),
    ],
    ids=["list", "names", "keys"],
)
@pytest.mark.parametrize("arguments", [{}, {"validation_split": 0.25}], ids=["all", "split"])
def test_several_inputs(keras, build, x, arguments):
    theirs, ours = trained(
        keras,
        build,
        lambda _: {"optimizer": "sgd", "loss": "mse"},
        (x, REGRESSION[1]),
        **arguments,
    )
    assert_same(theirs, ours)
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-4, atol=1e-6
    )


def test_a_second_fit_goes_on(keras):
    histories = []
    theirs, ours = trained(
        keras, regression, lambda _: {"optimizer": "adam", "loss": "mse"}, REGRESSION
    )
    for model in (theirs, ours):
        histories.append(
            model.fit(*REGRESSION, epochs=2, initial_epoch=1, shuffle=False, verbose=0)
        )
    assert_same(theirs, ours)
    assert [h.epoch for h in histories] == [[1], [1]]
    assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)


@pytest.mark.parametrize(
    "arguments", [{}, {"batch_size": 5}, {"steps": 2, "batch_size": 5}], ids=str
)
def test_evaluate_and_predict(keras, arguments):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    np.testing.assert_allclose(
        ours.evaluate(*CLASSES, sample_weight=WEIGHTS, verbose=0, **arguments),
        theirs.evaluate(*CLASSES, sample_weight=WEIGHTS, verbose=0, **arguments),
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        ours.predict(CLASSES[0], verbose=0, **arguments),
        theirs.predict(CLASSES[0], verbose=0, **arguments),
        rtol=1e-4,
    )


def test_evaluate_and_predict_by_generators(keras):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    items = batches(*CLASSES)
    results = [
        [
            model.evaluate(endless(items), steps=6, verbose=0),
            model.predict(endless([(x,) for x, _ in items]), steps=3, verbose=0),
            model.predict(data_set(library, [(x,) for x, _ in items]), verbose=0),
        ]
        for model, library in ((theirs, keras), (ours, convnet))
    ]
    for mine, other in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4)


@pytest.mark.parametrize("weights", [{}, {"sample_weight": WEIGHTS}], ids=["plain", "weighted"])
def test_single_batches(keras, weights):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    for method in ("train_on_batch", "test_on_batch", "train_on_batch"):
        expected = getattr(theirs, method)(*CLASSES, **weights)
        np.testing.assert_allclose(getattr(ours, method)(*CLASSES, **weights), expected, rtol=1e-4)
        expected = getattr(theirs, method)(*CLASSES, **weights, return_dict=True)
        values = getattr(ours, method)(*CLASSES, **weights, return_dict=True)
        assert list(values) == list(expected)
        np.testing.assert_allclose(list(values.values()), list(expected.values()), rtol=1e-4)
    x = CLASSES[0]
    np.testing.assert_allclose(ours.predict_on_batch(x), theirs.predict_on_batch(x), rtol=1e-4)


def test_class_weights_of_a_single_batch(keras):
    theirs, ours = trained(keras, classifier, compiled, CLASSES)
    expected = theirs.train_on_batch(*CLASSES, class_weight={0: 3.0})
    np.testing.assert_allclose(
        ours.train_on_batch(*CLASSES, class_weight={0: 3.0}), expected, rtol=1e-4
    )
    assert_same(theirs, ours)


def test_a_loss_alone_is_a_number(keras):
    theirs, ours = trained(keras, regression, lambda _: {"loss": "mse"}, REGRESSION)
    for method in ("evaluate", "train_on_batch", "test_on_batch"):
        assert isinstance(getattr(ours, method)(*REGRESSION), float)
        assert isinstance(getattr(theirs, method)(*REGRESSION), float)


def test_predictions_keep_the_structure(keras):
    theirs, ours = trained(
        keras,
        two_headed,
        lambda _: {"loss": ["mse", "mse"]},
        (normal(N, 4), [normal(N, 1), normal(N, 3)]),
    )
    expected, outputs = (
        theirs.predict(normal(N, 4), verbose=0),
        ours.predict(normal(N, 4), verbose=0),
    )
    assert type(outputs) is type(expected)
    for mine, other in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)
