"""Arrays that do not fit a model are refused before training, with what was expected and given."""

import re

import numpy as np
import pytest

import convnet
from tests.training.nets import X, Y, classifier

NAN = np.where(np.arange(80).reshape(20, 4) == 13, np.nan, X)

BAD_DATA = {
    "x of another width": (X[:, :3], Y, "expected shape=(None, 4), found shape=(None, 3)"),
    "x without features": (X[:, 0], Y, "Expected shape (None, 4)"),
    "x of more axes": (X[:, :, None, None], Y, "Expected shape (None, 4)"),
    "x is a number": (5, Y, "Expected an array with a batch axis. Received: array(5)"),
    "x is a NumPy number": (np.float32(5), Y, "Expected an array with a batch axis"),
    "x is a string": ("images", Y, "Expected an array of numbers. Received: dtype=<U6"),
    "x of strings": (X.astype(str), Y, "Received: dtype=<U32, shape=(20, 4)"),
    "x of objects": (X.astype(object), Y, "Received: dtype=object, shape=(20, 4)"),
    "x of complex numbers": (X.astype("complex64"), Y, "Received: dtype=complex64"),
    "x is ragged": ([[1, 2, 3, 4], [5, 6]], Y[:2], "Expected an array of numbers"),
    "x is missing": (None, Y, "Expected an array. Received: None"),
    "x twice": ([X, X], Y, "Expected 1 arrays, for ['input_layer']. Received: 2 arrays"),
    "x with another name": ({"image": X}, Y, "keys ['input_layer']. Received: ['image']"),
    "x holds NaN": (NAN, Y, "NaN in 1 of 20 samples, the first at index 3"),
    "x is empty": (X[:0], Y[:0], "an empty array of shape (0, 4)"),
    "y is missing": (X, None, "targets for the outputs of shapes [(None, 3)]. Received: y=None"),
    "y of strings": (X, Y.astype(str), "Invalid dtype for argument `y`"),
    "y holds NaN": (X, np.full(20, np.nan), "NaN in 20 of 20 samples, the first at index 0"),
    "y twice": (X, [Y, Y], "Expected 1 arrays, for ['dense']. Received: 2 arrays"),
    "y is too short": (X, Y[:10], "'x' sizes: 20\n'y' sizes: 10"),
    "y above the classes": (X, Y + 1, "from 0 to 3 (excluded). Received: 3"),
    "y below zero": (X, Y - 1, "from 0 to 3 (excluded). Received: -1"),
    "y between classes": (X, Y + 0.5, "from 0 to 3 (excluded). Received: 0.5"),
    "y is one-hot": (X, np.eye(3)[Y], "targets of shape (None, 3), predictions of shape (None, 3)"),
}


@pytest.fixture(autouse=True)
def _names_start_anew():
    convnet.config.clear_session()


@pytest.mark.parametrize("case", BAD_DATA)
def test_fit_refuses(case):
    x, y, message = BAD_DATA[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier().fit(x, y, verbose=0)


@pytest.mark.parametrize("case", BAD_DATA)
def test_validation_data_is_checked_before_training(case):
    x, y, message = BAD_DATA[case]
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match=re.escape(message)):
        model.fit(X, Y, validation_data=(x, y), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "case", [name for name in BAD_DATA if name[0] == "x" and "NaN" not in name]
)
def test_predict_refuses(case):
    x, _, message = BAD_DATA[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier().predict(x, verbose=0)


@pytest.mark.parametrize("case", [name for name in BAD_DATA if "NaN" not in name])
@pytest.mark.parametrize("method", ["evaluate", "train_on_batch", "test_on_batch"])
def test_other_methods_refuse(method, case):
    x, y, message = BAD_DATA[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(classifier(), method)(x, y)


@pytest.mark.parametrize(
    ("loss", "y", "shape"),
    [
        ("mse", np.zeros((20, 2)), "(None, 2)"),
        ("mse", np.zeros((20, 3, 2)), "(None, 3, 2)"),
        ("categorical_crossentropy", Y, "(None,)"),
        ("kl_divergence", np.zeros((20, 4)), "(None, 4)"),
    ],
)
def test_errors_of_losses_name_both_shapes(loss, y, shape):
    message = f"targets of shape {shape}, predictions of shape (None, 3)"
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier(loss=loss).fit(X, y, verbose=0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), "'sample_weight' sizes: 3"),
        (np.ones((20, 5)), "weights of shape (None, 5)"),
        (np.array(["heavy"] * 20), "Invalid dtype for argument `sample_weight`"),
        (np.full(20, np.nan), "Invalid value for argument `sample_weight`"),
    ],
    ids=["too few", "too wide", "strings", "NaN"],
)
def test_sample_weights_that_do_not_fit(weights, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier().fit(X, Y, sample_weight=weights, verbose=0)


@pytest.mark.parametrize("weights", [[1, 2, 3], {0: "heavy"}, {"cat": 1.0}, 2.0])
def test_class_weights_that_are_no_dict_of_numbers(weights):
    with pytest.raises(ValueError, match="Expected a dict from class numbers to weights"):
        classifier().fit(X, Y, class_weight=weights, verbose=0)


@pytest.mark.parametrize("weights", [{0: 2.0}, {9: 2.0}, {}])
def test_classes_without_a_weight_weigh_one(weights):
    expected, model = classifier(), classifier()
    model.set_weights(expected.get_weights())
    sample_weight = np.where(Y == 0, weights.get(0, 1.0), 1.0)
    expected.fit(X, Y, sample_weight=sample_weight, shuffle=False, verbose=0)
    model.fit(X, Y, class_weight=weights, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], expected.get_weights()[0])


def test_class_and_sample_weights_at_once():
    with pytest.raises(ValueError, match="You cannot `class_weight` and `sample_weight`"):
        classifier().fit(X, Y, sample_weight=np.ones(20), class_weight={0: 1.0}, verbose=0)


def test_nan_in_a_batch_gives_nan():
    model = classifier()
    assert np.isnan(model.test_on_batch(NAN, Y))
    assert np.isnan(model.predict(NAN, verbose=0)[3]).all()
    assert np.isfinite(model.predict(NAN, verbose=0)[4]).all()


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda x: x.tolist(),
        lambda x: x.astype("float64"),
        lambda x: x.astype("float16"),
        lambda x: x.astype(">f4"),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x > 0,
        lambda x: x.astype("int8"),
        lambda x: x.astype(">i8"),
        lambda x: np.abs(x).astype("uint16"),
    ],
    ids=["Fortran", "lists", "f8", "f2", "big-endian", "strided", "bool", "i1", ">i8", "u2"],
)
def test_arrays_of_any_layout_and_kind_of_number(convert):
    model = classifier()
    x = convert(X)
    expected = model.predict(np.array(x, "float32", order="C"), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    model.fit(x, Y.tolist(), verbose=0)
