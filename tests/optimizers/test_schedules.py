"""Learning rates over the steps."""

import numpy as np
import pytest

from convnet.optimizers import schedules
from convnet.variables import Variable
from tests.reference.real_keras import against_keras, real_keras

STEPS = [0, 1, 5, 9, 10, 11, 25, 29, 30, 31, 69, 71, 200, 1000]

SCHEDULES = [
    schedules.ExponentialDecay(0.1, 10, 0.5),
    schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    schedules.InverseTimeDecay(0.1, 10, 0.5),
    schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
    schedules.PolynomialDecay(0.1, 30),
    schedules.PolynomialDecay(0.1, 30, end_learning_rate=0.01, power=2.0),
    schedules.PolynomialDecay(0.1, 30, power=0.5, cycle=True),
    schedules.PiecewiseConstantDecay([10, 30], [0.1, 0.05, 0.01]),
    schedules.PiecewiseConstantDecay([10], [0.1, 0.05]),
    schedules.CosineDecay(0.1, 30),
    schedules.CosineDecay(0.1, 30, alpha=0.1, warmup_target=0.2, warmup_steps=10),
    schedules.CosineDecayRestarts(0.1, 10),
    schedules.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.9, alpha=0.05),
    schedules.CosineDecayRestarts(0.1, 10, t_mul=1.6, m_mul=0.5),
]


@pytest.mark.parametrize(
    "schedule, step, expected",
    [
        (schedules.ExponentialDecay(0.1, 10, 0.5), 5, 0.1 * 0.5**0.5),
        (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), 19, 0.05),
        (schedules.InverseTimeDecay(0.1, 10, 0.5), 30, 0.1 / 2.5),
        (schedules.PolynomialDecay(0.1, 10, 0.02), 5, 0.06),
        (schedules.PolynomialDecay(0.1, 10, 0.02), 50, 0.02),
        (schedules.PiecewiseConstantDecay([10, 20], [3.0, 2.0, 1.0]), 20, 2.0),
        (schedules.CosineDecay(0.1, 10), 10, 0.0),
        (schedules.CosineDecay(0.1, 10, warmup_target=0.3, warmup_steps=4), 2, 0.2),
        (schedules.CosineDecay(0.1, 10, warmup_target=0.3, warmup_steps=4), 4, 0.3),
        (schedules.CosineDecayRestarts(0.1, 10, m_mul=0.5), 10, 0.05),
    ],
)
def test_formulas(schedule, step, expected):
    np.testing.assert_allclose(schedule(step), expected, rtol=1e-6, atol=1e-9)


def test_a_step_may_be_a_variable():
    assert schedules.ExponentialDecay(0.5, 1, 0.5)(Variable(1, dtype="int64")) == 0.25


@pytest.mark.parametrize(
    "cls, arguments",
    [
        (schedules.ExponentialDecay, (0.1, 0, 0.5)),
        (schedules.InverseTimeDecay, (0.1, -1, 0.5)),
        (schedules.PolynomialDecay, (0.1, 0)),
        (schedules.CosineDecay, (0.1, 0)),
        (schedules.CosineDecayRestarts, (0.1, 0)),
    ],
)
def test_steps_must_be_positive(cls, arguments):
    with pytest.raises(ValueError, match=r"decay_steps` must be > 0. Received:"):
        cls(*arguments)


def test_boundaries_must_match_values():
    with pytest.raises(ValueError, match="length of boundaries should be 1 less"):
        schedules.PiecewiseConstantDecay([10], [0.1])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_configs_round_trip(schedule):
    config = {"class_name": type(schedule).__name__, "config": schedule.get_config()}
    again = schedules.deserialize(config)
    assert [again(step) for step in STEPS] == [schedule(step) for step in STEPS]


@pytest.mark.parametrize("schedule", SCHEDULES)
@against_keras
def test_rates_and_json_form_are_those_of_keras(schedule):
    keras = real_keras()
    theirs = getattr(keras.optimizers.schedules, type(schedule).__name__)(**schedule.get_config())
    assert schedules.serialize(schedule) == keras.optimizers.schedules.serialize(theirs)
    # Keras computes in float32.
    np.testing.assert_allclose(
        [schedule(step) for step in STEPS],
        [float(theirs(step)) for step in STEPS],
        rtol=1e-4,
        atol=1e-7,
    )
