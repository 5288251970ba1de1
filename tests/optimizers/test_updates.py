"""What one step does to weights and slots."""

import numpy as np
import pytest

from convnet import optimizers
from convnet.variables import Variable
from tests.reference import optimizers as reference
from tests.reference.real_keras import against_keras, real_keras

SHAPES = ((4, 3), (3,), ())

OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_1": 0.8, "epsilon": 1e-3}),
    ("AdamW", {}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adagrad", {"initial_accumulator_value": 0.2}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Lion", {}),
]

SHARED = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.5},
    {"weight_decay": 0.1},
    {"loss_scale_factor": 4.0},
    {"use_ema": True, "ema_momentum": 0.9},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
    {"gradient_accumulation_steps": 3, "clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True},
]


def name_of(case):
    return str(case) if isinstance(case, dict) else case


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype("float32") for shape in SHAPES]


def gradients(steps):
    rng = np.random.default_rng(1)
    return [[rng.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(steps)]


def trained(optimizer, steps=5, **arguments):
    variables = [Variable(w, name=f"w{i}") for i, w in enumerate(weights())]
    for grads in gradients(steps):
        optimizer.apply(grads, variables)
    return [v.numpy() for v in variables]


@pytest.mark.parametrize("name, arguments", OPTIMIZERS, ids=name_of)
def test_steps_follow_the_formulas(name, arguments):
    optimizer = getattr(optimizers, name)(**{"learning_rate": 0.05, **arguments})
    learning_rate = optimizer.learning_rate_at(0)
    expected = []
    for i, w in enumerate(weights()):
        w = w.astype("float64")
        slots = [np.full(w.shape, optimizer.initial_slot_value(s)) for s in optimizer.slot_names]
        for t, grads in enumerate(gradients(5)):
            w -= w * (optimizer.weight_decay or 0.0) * learning_rate
            attrs = optimizer.kernel_attrs()
            reference.step(optimizer.kernel, w, grads[i], slots, learning_rate, t, attrs)
        expected.append(w)
    for actual, w in zip(trained(optimizer), expected, strict=True):
        np.testing.assert_allclose(actual, w, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("arguments", SHARED[:3], ids=name_of)
def test_clipping(arguments):
    (grads,) = gradients(1)
    expected = reference.clipped([g.astype("float64") for g in grads], **arguments)
    optimizer = optimizers.SGD(1.0, **arguments)
    for before, after, gradient in zip(weights(), trained(optimizer, 1), expected, strict=True):
        np.testing.assert_allclose(before - after, gradient, rtol=1e-5, atol=1e-6)


def test_an_infinite_gradient_is_not_hidden_by_global_clipping():
    weight = Variable([1.0, 2.0])
    optimizers.SGD(0.1, global_clipnorm=1.0).apply([[np.inf, 1.0]], [weight])
    assert np.isnan(weight.numpy()).all()


def test_weight_decay_spares_what_is_excluded():
    kernel, bias, gain = (Variable([1.0], name=n) for n in ("kernel", "bias", "gain"))
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[gain], var_names=["bias"])
    optimizer.apply([[0.0]] * 3, [kernel, bias, gain])
    assert [v.numpy().item() for v in (kernel, bias, gain)] == [np.float32(0.95), 1.0, 1.0]
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])


def test_training_ends_with_the_average():
    weight = Variable([1.0])
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([[1.0]], [weight])
    assert weight.numpy().item() == -1.0
    optimizer.finalize_variable_values([weight])
    assert weight.numpy().item() == -0.5  # 0.5 * 0 + 0.5 * -1, the first value taken whole


def test_accumulated_gradients_are_averaged():
    weight = Variable([0.0])
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    seen = []
    for gradient in (1.0, 3.0, 5.0, 7.0):
        optimizer.apply([[gradient]], [weight])
        seen.append(weight.numpy().item())
    assert seen == [0.0, -2.0, -2.0, -8.0]
    assert int(optimizer.iterations) == 2


def test_constraints_are_applied_last():
    weight = Variable([0.5], constraint=lambda w: np.maximum(np.asarray(w), 0.0))
    optimizers.SGD(1.0).apply([[1.0]], [weight])
    assert weight.numpy().item() == 0.0


def test_a_schedule_sets_the_rate_of_each_step():
    weight = Variable([0.0])
    schedule = optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.25])
    optimizer = optimizers.SGD(schedule)
    steps = []
    for _ in range(3):
        before = weight.numpy().item()
        optimizer.apply([[1.0]], [weight])
        steps.append(before - weight.numpy().item())
    assert steps == [1.0, 0.25, 0.25]


def test_variables_without_gradient_stay_and_are_named():
    used, unused = Variable([1.0], name="used"), Variable([1.0], name="unused")
    optimizer = optimizers.SGD(1.0)
    with pytest.warns(UserWarning, match=r"do not exist for variables \['unused'\]"):
        optimizer.apply_gradients([([1.0], used), (None, unused)])
    assert (used.numpy().item(), unused.numpy().item()) == (0.0, 1.0)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None], [used, unused])


def test_wrong_gradients_and_variables_are_named():
    weight = Variable([1.0], name="known")
    optimizer = optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="must already be built"):
        optimizer.apply([[1.0]])
    optimizer.build([weight])
    with pytest.raises(ValueError, match="Received a list of 2 gradients"):
        optimizer.apply([[1.0], [1.0]])
    with pytest.raises(ValueError, match="Unknown variable: <Variable path=other"):
        optimizer.apply([[1.0]], [Variable([1.0], name="other")])
    with pytest.raises(ValueError, match=r"shape \(1,\). Received: gradient.shape=\(2,\)"):
        optimizer.apply([[1.0, 2.0]])


def test_an_optimizer_of_ones_own_needs_only_update_step():
    class Halving(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.seen = self.add_optimizer_variables(variables, "seen")

        def update_step(self, gradient, variable, learning_rate):
            seen = self.seen[self._get_variable_index(variable)]
            self.assign(seen, np.asarray(seen) + np.abs(gradient))
            self.assign(variable, np.asarray(variable) / 2)

    weight = Variable([4.0], name="w")
    optimizer = Halving(0.1)
    for _ in range(2):
        optimizer.apply([[-1.0]], [weight])
    assert weight.numpy().item() == 1.0
    assert [v.path for v in optimizer.variables][2:] == ["halving/w_seen"]
    assert optimizer.variables[2].numpy().item() == 2.0
    assert optimizer.kernel is None


def keras_trained(keras, name, arguments, steps):
    optimizer = getattr(keras.optimizers, name)(**arguments)
    variables = [keras.Variable(w, name=f"w{i}") for i, w in enumerate(weights())]
    for grads in gradients(steps):
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads], variables)
    return optimizer, [keras.ops.convert_to_numpy(v) for v in variables]


def assert_agrees_with_keras(name, arguments):
    """To 1e-5: Keras computes powers of the decay rates in float32."""
    keras = real_keras()
    theirs, expected = keras_trained(keras, name, arguments, 6)
    own = getattr(optimizers, name)(**arguments)
    for actual, w in zip(trained(own, 6), expected, strict=True):
        np.testing.assert_allclose(actual, w, rtol=1e-5, atol=1e-5)
    assert len(own.variables) == len(theirs.variables)
    for mine, other in zip(own.variables, theirs.variables, strict=True):
        assert mine.path.split("/")[-1] == other.path.split("/")[-1]
        other = keras.ops.convert_to_numpy(other)
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name, arguments", OPTIMIZERS, ids=name_of)
@against_keras
def test_steps_and_state_are_those_of_keras(name, arguments):
    assert_agrees_with_keras(name, {"learning_rate": 0.05, **arguments})


@pytest.mark.parametrize("arguments", SHARED, ids=name_of)
@pytest.mark.parametrize("name", ["SGD", "Adam"])
@against_keras
def test_shared_arguments_act_as_in_keras(name, arguments):
    assert_agrees_with_keras(name, {"learning_rate": 0.05, **arguments})
