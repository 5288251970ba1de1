"""Variables: creation, assignment, memory."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from convnet import Variable, config, initializers
from convnet.naming import name_scope
from convnet.utils import set_random_seed


def test_a_value_is_kept_in_single_precision():
    assert Variable(np.array([1.0, 2.0])).dtype == "float32"
    assert Variable([1, 2]).dtype == "int64"
    assert Variable([1, 2], dtype="float32").dtype == "float32"


def test_an_initializer_makes_the_value():
    assert Variable(initializers.Ones(), shape=(2, 3)).numpy().tolist() == [[1.0] * 3] * 2
    assert Variable("zeros", shape=(2,)).numpy().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("shape", [(2, None), (-1,), ("a",)])
def test_a_shape_has_to_be_known(shape):
    with pytest.raises(ValueError, match="fully-defined"):
        Variable("zeros", shape=shape)


def test_an_array_that_an_initializer_keeps_is_copied():
    kept = np.ones((2, 3), "float32")
    Variable(lambda shape, dtype: kept, shape=(2, 3)).assign(np.zeros((2, 3)))
    assert kept.all()


def test_an_initializer_needs_a_shape():
    with pytest.raises(ValueError, match="`shape` argument should be specified"):
        Variable("zeros")


def test_an_initializer_of_another_shape_is_refused():
    with pytest.raises(
        ValueError, match=r"returned an array of shape \(1,\). Expected shape \(2,\)"
    ):
        Variable(lambda shape, dtype: np.zeros(1), shape=(2,))


def test_assignment_writes_in_place():
    variable = Variable([1.0, 2.0])
    memory = variable.value
    variable.assign([3.0, 4.0])
    variable.assign_add(1.0 * np.ones(2))
    variable.assign_sub([0.5, 0.5])
    assert memory.tolist() == [3.5, 4.5]


def test_a_copy_does_not_change():
    variable = Variable([1.0])
    copy = variable.numpy()
    variable.assign([2.0])
    assert copy.tolist() == [1.0]


def test_the_memory_cannot_be_written_from_outside():
    with pytest.raises(ValueError, match="read-only"):
        Variable([1.0]).value[0] = 2.0


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"variable.shape=\(2,\), Received: value.shape=\(3,\)"):
        Variable([1.0, 2.0]).assign(np.zeros(3))


def test_rebasing_keeps_the_value_and_uses_the_new_memory():
    variable, buffer = Variable([1.0, 2.0]), np.zeros(4, "float32")
    variable.rebase(buffer[1:3])
    assert buffer.tolist() == [0.0, 1.0, 2.0, 0.0]
    variable.assign([5.0, 6.0])
    assert buffer.tolist() == [0.0, 5.0, 6.0, 0.0]


def counted(calls):
    """An initializer of the package that counts how often its numbers are written."""
    initializer = initializers.GlorotUniform(seed=1)
    settle = initializer.filler

    def filler(shape):
        fill = settle(shape)
        return lambda memory: (calls.append(shape), fill(memory))

    initializer.filler = filler
    return initializer


def test_a_first_value_is_written_once_where_it_is_to_lie():
    calls, buffer = [], np.zeros(16, "float32")
    variable = Variable(counted(calls), shape=(2, 3))
    assert (variable.shape, variable.size, variable.dtype) == ((2, 3), 6, "float32")
    assert not variable.made and not calls
    variable.rebase(buffer[4:10].reshape(2, 3))
    assert variable.lies_in(buffer) and len(calls) == 1
    expected = initializers.GlorotUniform(seed=1)((2, 3))
    np.testing.assert_array_equal(buffer[4:10], expected.ravel())
    np.testing.assert_array_equal(variable.numpy(), expected)
    assert len(calls) == 1


def test_first_values_are_settled_in_the_order_of_variables():
    def draw(order):
        set_random_seed(5)
        made = [Variable(initializers.GlorotUniform(), shape=(4, 4)) for _ in range(2)]
        for i in order:
            made[i].numpy()
        return [v.numpy() for v in made]

    np.testing.assert_array_equal(draw([0, 1]), draw([1, 0]))


def test_a_value_assigned_first_needs_no_other():
    calls = []
    variable = Variable(counted(calls), shape=(2, 3))
    variable.assign(np.ones((2, 3)))
    assert not calls and (variable.numpy() == 1).all()


def test_threads_that_need_a_value_at_once_get_the_same():
    for _ in range(20):
        variable, start = Variable("glorot_uniform", shape=(200, 300)), threading.Barrier(4)

        def read(_, variable=variable, start=start):
            start.wait()
            return variable._value

        with ThreadPoolExecutor(4) as pool:
            first, *others = pool.map(read, range(4))
        assert all(value is first for value in others)


def test_copies_of_a_variable_without_a_value_get_the_same():
    variable = Variable("glorot_uniform", shape=(4, 4))
    twin = copy.deepcopy(variable)
    np.testing.assert_array_equal(twin.numpy(), variable.numpy())


def test_arithmetic_gives_arrays():
    variable = Variable([1.0, 2.0])
    assert (variable * 2.0 + np.array([1.0, 1.0])).tolist() == [3.0, 5.0]
    assert (np.array([1.0, 1.0]) - variable).tolist() == [0.0, -1.0]
    assert float(Variable(3.0)) == 3.0 and int(Variable(3)) == 3 and bool(Variable(1.0))


def test_paths_are_made_of_open_scopes():
    with name_scope("model"), name_scope("layer"):
        assert Variable([1.0], name="kernel").path == "model/layer/kernel"


def test_names_are_numbered():
    config.clear_session()
    assert [Variable([1.0]).name for _ in range(3)] == ["variable", "variable_1", "variable_2"]


def test_a_slash_in_a_name_is_refused():
    with pytest.raises(ValueError, match="cannot contain character `/`"):
        Variable([1.0], name="a/b")


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal", "zeros", "orthogonal"])
def test_weights_begin_with_a_cache_line(initializer):
    for size in (3, 70, 300):
        variable = Variable(initializer, shape=(size, size))
        assert variable.value.ctypes.data % 64 == 0
        given = np.random.default_rng(size).normal(size=size)
        variable = Variable(given)
        assert variable.value.ctypes.data % 64 == 0
        np.testing.assert_array_equal(variable.value, given.astype("float32"))
