"""Trainings with every optimizer, schedule and constraint, held against Keras's own."""

import pytest

from tests.reference.real_keras import against_keras, real_keras
from tests.training.keras_training import (
    REGRESSION,
    assert_same,
    regression,
    trained,
)

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.05}),
    ("RMSprop", {"learning_rate": 0.02}),
    ("RMSprop", {"learning_rate": 0.02, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {"learning_rate": 0.05}),
    ("Nadam", {"learning_rate": 0.05}),
    ("Lion", {"learning_rate": 0.01}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.2}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.05}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.3}),
    ("Adam", {"learning_rate": 0.05, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8}),
    ("SGD", {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3}),
    ("Adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 3}),
    ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "clipnorm": 0.2}),
    ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 3, "use_ema": True}),
    ("RMSprop", {"learning_rate": 0.01, "gradient_accumulation_steps": 2, "weight_decay": 0.1}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.5, "weight_decay": 0.1, "global_clipnorm": 0.3}),
    ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 8.0}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
]


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS, ids=str)
def test_optimizers(keras, name, arguments):
    assert_same(
        *trained(
            keras,
            regression,
            lambda k: {
                "optimizer": getattr(k.optimizers, name)(**arguments),
                "loss": "mse",
                "metrics": ["mae"],
            },
            REGRESSION,
        )
    )


SCHEDULES = [
    ("ExponentialDecay", (0.1, 2, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([2, 5], [0.1, 0.05, 0.01]), {}),
    ("CosineDecay", (0.1, 6), {"warmup_target": 0.2, "warmup_steps": 2}),
    ("PolynomialDecay", (0.1, 5), {"power": 2.0}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), SCHEDULES, ids=lambda v: str(v)[:24])
def test_schedules(keras, name, arguments, options):
    def compiled(k):
        schedule = getattr(k.optimizers.schedules, name)(*arguments, **options)
        return {"optimizer": k.optimizers.SGD(schedule), "loss": "mse"}

    assert_same(*trained(keras, regression, compiled, REGRESSION))


@pytest.mark.parametrize("constraint", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_constraints(keras, constraint):
    assert_same(
        *trained(
            keras,
            lambda k: regression(k, kernel_constraint=constraint, bias_constraint="non_neg"),
            lambda k: {"optimizer": k.optimizers.SGD(0.2), "loss": "mse"},
            REGRESSION,
        )
    )
