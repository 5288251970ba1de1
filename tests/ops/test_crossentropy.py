"""Cross-entropy of logits: softmax with dense and with integer targets, and sigmoid."""

import numpy as np
import pytest

from tests.ops.harness import batched, check, run_op, weight
from tests.reference.crossentropy import (
    sigmoid_crossentropy,
    softmax_crossentropy,
    sparse_softmax_crossentropy,
)

SHAPES = [(1, 10), (16, 2), (33, 7), (5, 3, 4), (20, 1), (3, 2, 16), (4, 43)]


def distributions(rng, shape):
    raw = rng.uniform(size=shape)
    return raw / raw.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_crossentropy_and_both_gradients(shape, smoothing):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=shape) * 3, distributions(rng, shape)
    check(
        "softmax_crossentropy",
        [batched(logits), batched(targets)],
        {"label_smoothing": smoothing},
        lambda x, t: [softmax_crossentropy(x, t, smoothing)],
        rng=rng,
    )


def test_targets_need_not_sum_to_one():
    rng = np.random.default_rng(1)
    operands = [batched(rng.normal(size=(9, 4))), batched(rng.uniform(size=(9, 4)) * 3)]
    check("softmax_crossentropy", operands, {}, lambda x, t: [softmax_crossentropy(x, t)], rng=rng)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_sparse_softmax_crossentropy(shape, column):
    rng = np.random.default_rng(2)
    labels = rng.integers(shape[-1], size=shape[:-1] + ((1,) if column else ()))
    check(
        "sparse_softmax_crossentropy",
        [batched(rng.normal(size=shape) * 3), batched(labels, differentiable=False)],
        {},
        lambda x, t: [sparse_softmax_crossentropy(x, t)],
        rng=rng,
    )


@pytest.mark.parametrize("ignored", [2, -1])
def test_ignored_labels_give_neither_loss_nor_gradient(ignored):
    rng = np.random.default_rng(3)
    labels = rng.integers(4, size=(6, 5))
    labels[:, ::2] = ignored
    check(
        "sparse_softmax_crossentropy",
        [batched(rng.normal(size=(6, 5, 4))), batched(labels, differentiable=False)],
        {"ignore_class": ignored},
        lambda x, t: [sparse_softmax_crossentropy(x, t, ignored)],
        rng=rng,
    )


@pytest.mark.parametrize("lanes", [16, 1])
@pytest.mark.parametrize("label", [-1, 4, 1e9, -1e9, 0.5, np.nan, np.inf])
def test_a_label_that_is_no_class_gives_nan_to_its_row_alone(label, lanes):
    logits = np.zeros((3, 4))
    result = run_op(
        "sparse_softmax_crossentropy",
        [batched(logits), batched(np.array([0, label, 3]), differentiable=False)],
        {},
        [np.ones(3)],
        lanes=lanes,
    )
    for values in (result.outputs[0], result.gradients[0]):
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(1, 1), (16, 5), (33, 70), (4, 3, 2)])
def test_sigmoid_crossentropy_and_both_gradients(shape, smoothing):
    rng = np.random.default_rng(4)
    check(
        "sigmoid_crossentropy",
        [batched(rng.normal(size=shape) * 4), batched(rng.uniform(size=shape))],
        {"label_smoothing": smoothing},
        lambda x, t: [sigmoid_crossentropy(x, t, smoothing)],
        rng=rng,
    )


@pytest.mark.parametrize("op", ["softmax_crossentropy", "sigmoid_crossentropy"])
def test_single_values(op):
    rng = np.random.default_rng(5)
    reference = {
        "softmax_crossentropy": softmax_crossentropy,
        "sigmoid_crossentropy": sigmoid_crossentropy,
    }[op]
    operands = [weight(rng.normal(size=(7, 5))), weight(distributions(rng, (7, 5)))]
    check(op, operands, {}, lambda x, t: [reference(x, t)], rng=rng)


def test_large_logits_neither_overflow_nor_lose_small_losses():
    logits = np.array([[1000.0, -1000.0], [10.0, 0.0]])
    got = run_op("sparse_softmax_crossentropy", [batched(logits), batched(np.array([1, 0]))])
    np.testing.assert_allclose(got.outputs[0], [2000.0, np.log1p(np.exp(-10.0))], rtol=3e-3)
    got = run_op(
        "sigmoid_crossentropy", [batched(np.array([[500.0], [20.0]])), batched([[0], [1]])]
    )
    np.testing.assert_allclose(got.outputs[0][:, 0], [500.0, np.log1p(np.exp(-20.0))], rtol=1e-6)


@pytest.mark.parametrize(
    ("op", "shapes", "words"),
    [
        ("softmax_crossentropy", [(2, 3), (2, 4)], r"targets.*\(4,\).*\(3,\)"),
        ("sparse_softmax_crossentropy", [(2, 3), (2, 3)], r"labels.*\(3,\).*\(3,\)"),
        ("softmax_crossentropy", [(2,), (2,)], "axis of classes"),
    ],
)
def test_shapes_that_do_not_fit(op, shapes, words):
    with pytest.raises(ValueError, match=words):
        run_op(op, [batched(np.zeros(shape)) for shape in shapes])
