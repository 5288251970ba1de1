"""What lstm, gru and simple_rnn have in common."""

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import batched, new_graph, run_op, weight
from tests.ops.rnn_cases import (
    GATES,
    RnnCase,
    check_case,
    check_partial_gradients,
    check_without_gradient,
)
from tests.reference import rnn as reference

OPS = list(GATES)
every_op = pytest.mark.parametrize("op", OPS)


@every_op
def test_more_axes_are_more_sequences(op):
    check_case(
        RnnCase(
            op,
            batch=18,
            lead=(2, 3),
            states=True,
            mask=True,
            dropout=True,
            recurrent_dropout=True,
            attrs={"return_sequences": True},
        )
    )


@every_op
@pytest.mark.parametrize("go_backwards", [True, False])
@pytest.mark.parametrize(("batch", "lead"), [(1, ()), (3, ()), (2, (2,)), (40, ())])
def test_work_enough_for_several_threads(op, batch, lead, go_backwards):
    check_case(
        RnnCase(
            op,
            batch=batch,
            lead=lead,
            steps=33,
            features=40,
            units=100,
            mask=True,
            attrs={"return_sequences": True, "go_backwards": go_backwards},
        ),
        tolerance=1e-4,
    )


# Weights that do not fit the first-level cache, in rows of whole vectors and in others.
@pytest.mark.parametrize(
    ("op", "units"), [("lstm", 109), ("lstm", 144), ("gru", 133), ("gru", 192), ("simple_rnn", 203)]
)
@pytest.mark.parametrize("batch", [1, 17])
def test_many_units(op, units, batch):
    check_case(
        RnnCase(
            op,
            batch,
            steps=9,
            units=units,
            states=True,
            mask=True,
            attrs={"return_sequences": True},
        ),
        tolerance=1e-4,
    )


@every_op
@pytest.mark.parametrize("return_sequences", [True, False])
def test_folded_samples_are_sequences(op, return_sequences):
    case = RnnCase(op, batch=17, lead=(3,), attrs={"return_sequences": return_sequences})
    operands = case.operands(np.random.default_rng(1))
    graph = new_graph()
    x = graph.input(operands[0].array.shape[1:], "x")
    folded = graph.add("fold", [x], {})[0]
    weights = [graph.parameter(o.array.shape, "w") for o in operands[1:4]]
    y = graph.add(op, [folded, *weights, *[None] * (len(operands) - 4)], case.attrs)[0]
    out = graph.add("unfold", [y], {"count": 3})[0]
    seed = graph.input(graph.shape(out), "dy")
    gradients = graph.backward([], {out: seed}, [x])
    plan = _core.Plan(graph, [out, gradients[x], *[gradients[w] for w in weights]], 17)
    for w, o in zip(weights, operands[1:4], strict=True):
        plan.bind(w, o.array)
    arrays = [None if o is None else o.array.astype(np.float64) for o in operands]
    expected = reference.forward(op, *arrays, **case.attrs)
    dy = np.random.default_rng(2).normal(size=expected[0].shape).astype(np.float32)
    results = plan.predict({x: operands[0].array, seed: dy}, 17)
    np.testing.assert_allclose(results[0], expected[0], atol=1e-5)
    seeds = [dy.astype(np.float64), *[np.zeros_like(s) for s in expected[1:]]]
    for got, want in zip(
        results[1:], reference.backward(op, *arrays, *seeds, **case.attrs)[:4], strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5 * np.abs(want).max())


@every_op
@pytest.mark.parametrize("name", list(reference.ACTIVATIONS))
def test_activations(op, name):
    steps = 1 if name == "exponential" else 4  # exp of exp overflows
    check_case(
        RnnCase(op, batch=17, steps=steps, attrs={"activation": name, "return_sequences": True}),
        tolerance=5e-5,
    )
    if op != "simple_rnn":
        check_case(
            RnnCase(
                op,
                batch=5,
                steps=steps,
                attrs={"recurrent_activation": name, "return_sequences": True},
            ),
            tolerance=5e-5,
        )


@every_op
def test_large_arguments_saturate(op):
    case = RnnCase(op, states=True)
    operands = case.operands(np.random.default_rng(0))
    operands[0].array *= 1e4
    y = run_op(op, operands, case.attrs).outputs[0]
    expected = reference.forward(
        op, *[None if o is None else o.array.astype(np.float64) for o in operands]
    )[0]
    np.testing.assert_allclose(y, expected, atol=1e-5)


@every_op
def test_nan_stays(op):
    case = RnnCase(op, batch=17, attrs={"return_sequences": True})
    operands = case.operands(np.random.default_rng(0))
    operands[0].array[3, 2] = np.nan
    y = run_op(op, operands, case.attrs).outputs[0]
    assert np.isnan(y[3, 2:]).all()
    assert np.isfinite(np.delete(y, 3, axis=0)).all() and np.isfinite(y[3, :2]).all()


@every_op
@pytest.mark.parametrize("return_sequences", [True, False])
def test_each_gradient_alone(op, return_sequences):
    check_partial_gradients(
        RnnCase(op, batch=9, states=True, mask=True, attrs={"return_sequences": return_sequences})
    )


@every_op
def test_nothing_kept_without_gradient(op):
    everything = {"states": True, "mask": True, "dropout": True, "recurrent_dropout": True}
    for flags in ({}, {"return_sequences": True, "go_backwards": True}, {"reset_after": False}):
        check_without_gradient(RnnCase(op, steps=7, **everything, attrs=flags))
        check_without_gradient(RnnCase(op, steps=6, attrs=flags))


@every_op
def test_gradient_of_a_layer_recorded_without_one_is_an_error(op):
    operands = RnnCase(op).operands(np.random.default_rng(0))
    with pytest.raises(ValueError, match="gradient = false"):
        run_op(op, operands, {"gradient": False}, [np.ones((5, 6))] + [None] * (len(operands) - 7))


@every_op
def test_a_fully_masked_sequence_gives_zeros_and_keeps_its_state(op):
    case = RnnCase(op, states=True, mask=True, attrs={"return_sequences": True})
    operands = case.operands(np.random.default_rng(0))
    mask = operands[4 + case.state_count].array
    mask[1] = 0
    y, *states = run_op(op, operands, case.attrs).outputs
    assert not y[1].any()
    for state, initial in zip(states, operands[4:], strict=False):
        np.testing.assert_array_equal(state[1], initial.array[1])


@every_op
def test_wrong_shapes_name_what_does_not_fit(op):
    n = GATES[op]
    x, kernel, recurrent = (np.zeros(s) for s in [(2, 4, 3), (3, n * 5), (5, n * 5)])
    none = [None] * (4 if op != "lstm" else 5)

    def message(*operands):
        with pytest.raises(ValueError) as error:
            run_op(op, [*operands, *none])
        return str(error.value)

    assert "(steps, features)" in message(batched(x[0]), weight(kernel), weight(recurrent), None)
    assert f"({3}, {n * 5})" in message(batched(x), weight(kernel.T), weight(recurrent), None)
    assert f"(5, {n * 5 + 1})" in message(
        batched(x), weight(kernel), weight(np.zeros((5, n * 5 + 1))), None
    )
    assert "the bias" in message(batched(x), weight(kernel), weight(recurrent), weight(np.zeros(7)))


@every_op
def test_an_unknown_activation_is_named(op):
    operands = RnnCase(op).operands(np.random.default_rng(0))
    with pytest.raises(
        ValueError, match="activation 'cube' is not supported; it must be one of linear, relu"
    ):
        run_op(op, operands, {"activation": "cube"})
