"""Generators that yield something else than batches, or run out."""

import re

import numpy as np
import pytest

from convnet.utils import PyDataset
from tests.training.nets import X, Y, classifier, generator

BATCH = (X[:5], Y[:5])

BAD_BATCHES = {
    "a number": (3, "Expected an array with a batch axis. Received: array(3)"),
    "nothing": (None, "Expected an array. Received: None"),
    "a string": ("abc", "Received: dtype=<U3"),
    "four things": ((X, Y, Y, Y), "Received: a tuple of 4 items"),
    "no targets": ((X,), "Received: y=None"),
    "too few targets": ((X, Y[:3]), "'x' sizes: 20\n'y' sizes: 3"),
    "no samples": ((X[:0], Y[:0]), "an empty array of shape (0, 4)"),
    "another width": ((X[:, :2], Y), "expected shape=(None, 4), found shape=(None, 2)"),
    "unknown classes": ((X, Y + 1), "from 0 to 3 (excluded). Received: 3"),
}


@pytest.mark.parametrize("before", [[], [BATCH], [BATCH, BATCH]], ids=len)
@pytest.mark.parametrize("kind", BAD_BATCHES)
def test_fit_refuses_bad_batches(kind, before):
    batch, message = BAD_BATCHES[kind]
    model = classifier()
    with pytest.raises(ValueError, match=re.escape(message)):
        model.fit(generator(*before, batch), verbose=0)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("kind", BAD_BATCHES)
def test_evaluate_refuses_bad_batches(kind):
    batch, message = BAD_BATCHES[kind]
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier().evaluate(generator(BATCH, batch), verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_an_empty_generator(method):
    with pytest.raises(ValueError, match="did not yield a single batch"):
        getattr(classifier(), method)(generator(), verbose=0)


def test_errors_of_a_generator_come_through():
    with pytest.raises(ZeroDivisionError):
        classifier().fit((1 / n for n in (0,)), verbose=0)


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_targets_and_weights_come_from_the_generator(name):
    with pytest.raises(ValueError, match=f"as a generator, `{name}` should not be passed"):
        classifier().fit(generator(BATCH), **{name: Y}, verbose=0)


def test_a_generator_cannot_be_split():
    with pytest.raises(ValueError, match="`validation_split` is only supported"):
        classifier().fit(generator(BATCH), validation_split=0.2, verbose=0)


def test_a_generator_that_runs_out_ends_its_epoch_with_a_warning():
    model = classifier()
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit(generator(BATCH, BATCH, BATCH), steps_per_epoch=2, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    assert int(model.optimizer.iterations) == 3


def test_epochs_without_data_have_no_results():
    with pytest.warns(UserWarning, match="ran out of data"):
        history = classifier().fit(
            generator(BATCH), steps_per_epoch=1, epochs=3, validation_data=(X, Y), verbose=0
        )
    assert len(history.history["loss"]) == 1
    assert len(history.history["val_loss"]) == 3


def test_arrays_that_run_out():
    model = classifier()
    with pytest.warns(UserWarning, match="ran out of data"):
        model.fit(X, Y, batch_size=5, steps_per_epoch=100, verbose=0)
    assert int(model.optimizer.iterations) == 4


def test_a_data_set_must_know_its_length():
    class Endless(PyDataset):
        def __getitem__(self, index):
            return BATCH

    with pytest.raises(NotImplementedError, match="`__len__` or the `num_batches`"):
        classifier().fit(Endless(), steps_per_epoch=2, verbose=0)


def test_predictions_of_different_widths():
    with pytest.raises(ValueError, match=re.escape("found shape=(None, 2)")):
        classifier().predict(generator((X,), (X[:, :2],)), verbose=0)
    assert np.isfinite(classifier().predict(generator((X,), (X[:3],)), verbose=0)).all()
