"""Traces, planned calls, and the cache of plans."""

import threading

import numpy as np
import pytest

from convnet import Variable, ops
from convnet.execution import PlanCache, PlannedCall, run_once, sample_count, step_capacity
from convnet.tracing import Trace, current_trace


def test_ops_on_variables_record_into_the_open_trace():
    variable = Variable([1.0, 2.0])
    with Trace() as trace:
        assert current_trace() is trace
        assert (variable * 2.0).trace is trace
    assert current_trace() is None


def test_a_variable_is_declared_once():
    variable = Variable([1.0])
    with Trace() as trace:
        assert trace.variable(variable) is trace.variable(variable)
    assert [v for v, _ in trace.variables] == [variable]


def test_the_tensors_of_another_trace_are_refused():
    with Trace() as first:
        x = first.input((2,))
    with Trace() as second, pytest.raises(ValueError, match="belongs to another trace"):
        second.tensor(x)


def test_a_batched_tensor_has_an_unknown_first_size():
    with Trace() as trace:
        x = trace.input((3, 4))
        assert x.shape == (None, 3, 4) and x.sample_shape == (3, 4) and x.batched
        assert trace.constant(np.ones((2,))).shape == (2,)


def test_values_of_a_planned_call_follow_the_variables():
    variable = Variable([1.0, 2.0])
    call = PlannedCall(lambda tensors: tensors[0] * variable, [(2,)], capacity=4)
    x = np.ones((3, 2), "float32")
    assert call([x])[0].tolist() == [1.0, 2.0]
    variable.assign([3.0, 4.0])
    assert call([x])[0].tolist() == [3.0, 4.0]
    variable.rebase(np.zeros(2, "float32"))
    variable.assign([5.0, 6.0])
    assert call([x])[0].tolist() == [5.0, 6.0]


def test_more_samples_than_the_capacity_run_in_steps():
    call = PlannedCall(lambda tensors: tensors[0] + 1.0, [(2,)], capacity=4)
    x = np.random.default_rng(0).normal(size=(11, 2)).astype("float32")
    np.testing.assert_allclose(call([x]), x + 1.0)


def test_structures_of_results_are_kept():
    call = PlannedCall(lambda t: {"a": t[0] + 1.0, "b": (t[0], ops.sum(t[0]))}, [(1,)], capacity=2)
    result = call([np.array([[1.0], [2.0]], "float32")])
    assert result["a"].ravel().tolist() == [2.0, 3.0]
    assert result["b"][0].ravel().tolist() == [1.0, 2.0]
    assert float(result["b"][1]) == 3.0


def test_a_variable_assigned_in_a_computation_changes_after_it():
    total = Variable([0.0, 0.0], trainable=False)

    def call(tensors):
        summed = ops.sum(tensors[0], axis=0)
        total.assign(total + summed)
        return tensors[0] + total

    planned = PlannedCall(call, [(2,)], capacity=4)
    x = np.ones((3, 2), "float32")
    assert planned([x])[0].tolist() == [1.0, 1.0]
    assert total.numpy().tolist() == [3.0, 3.0]
    assert planned([x])[0].tolist() == [4.0, 4.0]


def test_constants_need_no_batch():
    assert run_once(lambda trace: trace.constant([1.0, 2.0]) * 2.0).tolist() == [2.0, 4.0]


def test_different_numbers_of_samples_are_refused():
    with pytest.raises(ValueError, match="sample counts 2, 3"):
        sample_count([np.zeros(2), np.zeros(3)])


@pytest.mark.parametrize(
    ("samples", "capacity"), [(1, 1), (2, 10), (11, 16), (17, 32), (200, 256), (999, 256)]
)
def test_capacities_come_in_few_sizes(samples, capacity):
    assert step_capacity(samples) == capacity


@pytest.mark.cpu_only("a GPU has no lanes")
@pytest.mark.parametrize(
    ("shape", "capacity", "op", "lanes"),
    [
        ((300,), 8, "unary", 1),
        ((300,), 64, "unary", 1),
        ((30,), 8, "unary", 1),
        ((30,), 64, "unary", 16),
        ((20, 20), 8, "cumsum", 1),
        ((20, 20), 64, "cumsum", 16),
    ],
)
def test_wide_samples_run_one_by_one_where_every_op_is_fast_so_and_a_few_always(
    shape, capacity, op, lanes
):
    def call(inputs):
        attributes = {"fn": "relu"} if op == "unary" else {}
        return current_trace().one(op, inputs, **attributes)

    assert PlannedCall(call, [shape], capacity).lanes == lanes


def test_the_cache_forgets_what_was_used_longest_ago():
    cache, built = PlanCache(size=2), []

    def get(key):
        return cache.get(key, lambda: built.append(key) or key)

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert built == ["a", "b", "c", "b"]


def test_many_threads_share_a_planned_call():
    weight = Variable(np.random.default_rng(0).normal(size=(8, 8)))
    call = PlannedCall(lambda t: ops.tanh(ops.matmul(t[0], weight)), [(8,)], capacity=16)
    x = np.random.default_rng(1).normal(size=(50, 8)).astype("float32")
    expected, wrong = call([x]), []

    def work():
        for _ in range(50):
            if not np.array_equal(call([x]), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
