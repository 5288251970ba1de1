"""State of optimizers: order, flat buffers, saving."""

import numpy as np
import pytest

from convnet import optimizers
from convnet.variables import Variable


def two_variables():
    return [Variable(np.ones((2, 3)), name="kernel"), Variable(np.ones(3), name="bias")]


def names(optimizer):
    optimizer.build(two_variables())
    return [v.path.split("/")[1] for v in optimizer.variables]


@pytest.mark.parametrize(
    "optimizer, slots",
    [
        (optimizers.SGD(), []),
        (optimizers.SGD(momentum=0.9), ["kernel_momentum", "bias_momentum"]),
        (
            optimizers.Adam(),
            ["kernel_momentum", "kernel_velocity", "bias_momentum", "bias_velocity"],
        ),
        (
            optimizers.RMSprop(momentum=0.9, centered=True),
            [
                "kernel_velocity",
                "bias_velocity",
                "kernel_momentum",
                "bias_momentum",
                "kernel_average_gradient",
                "bias_average_gradient",
            ],
        ),
        (
            optimizers.SGD(use_ema=True, gradient_accumulation_steps=2),
            [
                "kernel_average",
                "bias_average",
                "kernel_gradient_accumulator",
                "bias_gradient_accumulator",
            ],
        ),
    ],
    ids=lambda case: type(case).__name__,
)
def test_variables_come_in_the_order_of_keras(optimizer, slots):
    assert names(optimizer) == ["iteration", "learning_rate", *slots]


def test_a_schedule_is_not_a_variable():
    schedule = optimizers.schedules.CosineDecay(0.1, 10)
    assert names(optimizers.SGD(schedule)) == ["iteration"]
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = schedule
    assert names(optimizer) == ["iteration"]


def test_attach_moves_slots_into_flat_buffers_with_their_values():
    variables = two_variables()
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([np.ones((2, 3)), np.ones(3)], variables)
    before = [v.numpy() for v in optimizer.variables]
    flat = {name: np.zeros(9, "float32") for name in optimizer.all_slot_names}
    optimizer.attach(variables, flat)
    for old, variable in zip(before, optimizer.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    flat["momentum"][:] = 7.0
    assert (optimizer.slot("momentum", variables[1]) == 7.0).all()
    optimizer.apply([np.ones((2, 3)), np.ones(3)], variables)
    np.testing.assert_allclose(flat["momentum"], 7.0 + 0.1 * (1.0 - 7.0), rtol=1e-6)


def test_attach_fills_new_buffers_with_first_values_at_given_offsets():
    optimizer = optimizers.Adagrad(initial_accumulator_value=0.25)
    flat = np.zeros(32, "float32")
    optimizer.attach(two_variables(), {"accumulator": flat}, offsets=[0, 16])
    assert (flat[[*range(6), 16, 17, 18]] == 0.25).all()
    assert (flat[6:16] == 0.0).all() and (flat[19:] == 0.0).all()


def test_attach_to_some_of_the_variables_leaves_the_others():
    kernel, bias = two_variables()
    optimizer = optimizers.SGD(momentum=0.9)
    optimizer.build([kernel, bias])
    flat = np.zeros(3, "float32")
    optimizer.attach([bias], {"momentum": flat})
    assert np.shares_memory(optimizer.slot("momentum", bias), flat)
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.attach([Variable([1.0])], {"momentum": flat})


@pytest.mark.parametrize("name", ["SGD", "Adam", "Nadam", "Adadelta"])
def test_exported_state_goes_on_where_it_was(name):
    rng = np.random.default_rng(0)
    grads = [[rng.normal(size=(2, 3)), rng.normal(size=3)] for _ in range(4)]
    first, second = two_variables(), two_variables()
    whole, half, rest = (getattr(optimizers, name)(0.1) for _ in range(3))
    for gradient in grads:
        whole.apply(gradient, first)
    for gradient in grads[:2]:
        half.apply(gradient, second)
    rest.import_slots(second, [array for _, array in half.export_slots(second)])
    for gradient in grads[2:]:
        rest.apply(gradient, second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_own_variables_are_saved_by_number():
    variables = two_variables()
    optimizer, other = optimizers.Adam(0.1), optimizers.Adam(0.5)
    optimizer.apply([np.ones((2, 3)), np.ones(3)], variables)
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3", "4", "5"]
    assert store["0"] == 1 and store["0"].dtype == np.int64
    other.build(variables)
    other.load_own_variables(store)
    assert float(other.learning_rate) == np.float32(0.1) and int(other.iterations) == 1
    np.testing.assert_array_equal(other.slot("velocity", variables[0]), store["3"])


def test_a_store_of_another_optimizer_is_skipped_with_a_warning():
    optimizer = optimizers.SGD(0.1, name="mine")
    with pytest.warns(UserWarning, match="'mine', because it has 2 variables.* has 3 variables"):
        optimizer.load_own_variables({"0": 1, "1": 0.5, "2": 0})
    assert int(optimizer.iterations) == 0


def test_wrong_weights_change_nothing():
    optimizer = optimizers.SGD(0.1, momentum=0.9)
    with pytest.raises(ValueError, match="has not yet been built"):
        optimizer.set_weights([])
    optimizer.build(two_variables())
    with pytest.raises(ValueError, match=r"has 4 variables. Received: 1 arrays"):
        optimizer.set_weights([5])
    with pytest.raises(ValueError, match=r"bias_momentum has shape \(3,\).*shape \(2,\)"):
        optimizer.set_weights([5, 0.5, np.ones((2, 3)), np.ones(2)])
    assert int(optimizer.iterations) == 0
