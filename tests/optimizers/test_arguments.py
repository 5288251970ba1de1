"""Arguments, learning rates and configs of optimizers."""

import numpy as np
import pytest

from convnet import optimizers
from convnet.optimizers import schedules
from tests.reference.real_keras import against_keras, real_keras

CLASSES = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion"]


@pytest.mark.parametrize("name", CLASSES)
def test_names_in_any_case(name):
    for spelling in (name, name.lower(), name.upper()):
        assert type(optimizers.get(spelling)).__name__ == name


def test_get_gives_back_optimizers_and_none():
    optimizer = optimizers.SGD()
    assert optimizers.get(optimizer) is optimizer
    assert optimizers.get(None) is None


@pytest.mark.parametrize("identifier", ["sdg", 5, {"class_name": "sdg", "config": {}}, object])
def test_unknown_identifiers_are_named(identifier):
    with pytest.raises(ValueError) as error:
        optimizers.get(identifier)
    assert str(error.value) == f"Could not interpret optimizer identifier: {identifier}"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"learning_rate": 1}, "should be float, or an instance of LearningRateSchedule"),
        ({"learning_rate": "fast"}, "Received instead: learning_rate=fast"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of `clipnorm`, `clipvalue`"),
        ({"use_ema": True, "ema_momentum": 1.5}, "Received: ema_momentum=1.5"),
        ({"use_ema": True, "ema_overwrite_frequency": 0.5}, "ema_overwrite_frequency=0.5"),
        ({"gradient_accumulation_steps": 1}, "Received: gradient_accumulation_steps=1"),
        ({"momentum": 2.0}, "`momentum` must be a float between"),
        ({"lr": 0.1}, r"Argument\(s\) not recognized: {'lr': 0.1}"),
    ],
)
def test_invalid_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimizers.SGD(**arguments)


def test_more_invalid_arguments():
    with pytest.raises(ValueError, match="`weight_decay` must be a float"):
        optimizers.AdamW(weight_decay=None)
    with pytest.raises(ValueError, match="Received: beta_1=0"):
        optimizers.Lion(beta_1=0)
    with pytest.warns(UserWarning, match="`decay` is no longer supported"):
        optimizers.SGD(decay=0.1)


def test_the_learning_rate_can_be_read_and_set():
    optimizer = optimizers.Adam(0.1)
    assert float(optimizer.learning_rate) == np.float32(0.1)
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate_at(100) == 0.5
    optimizer.learning_rate.assign(0.25)
    assert optimizer.learning_rate_at(100) == 0.25


def test_a_schedule_is_evaluated_at_the_step():
    optimizer = optimizers.SGD(schedules.ExponentialDecay(1.0, 1, 0.5))
    assert optimizer.learning_rate_at(3) == 0.125
    assert float(optimizer.learning_rate) == 1.0
    with pytest.raises(TypeError, match="its learning rate is not settable"):
        optimizer.learning_rate = 0.5


def test_a_function_is_a_learning_rate():
    assert optimizers.SGD(lambda: 0.125).learning_rate_at(7) == 0.125


@pytest.mark.parametrize("name", CLASSES)
def test_configs_round_trip(name):
    cls = getattr(optimizers, name)
    first = cls(learning_rate=0.25, clipnorm=1.0, name="mine")
    assert cls.from_config(first.get_config()).get_config() == first.get_config()


def test_a_schedule_in_a_config():
    config = {
        "class_name": "CosineDecay",
        "config": {"initial_learning_rate": 0.5, "decay_steps": 4},
    }
    optimizer = optimizers.get({"class_name": "Adam", "config": {"learning_rate": config}})
    assert optimizer.learning_rate_at(2) == 0.25
    assert config["class_name"] == "CosineDecay"  # the config is left as it was


def test_a_config_of_keras_2():
    config = {
        "name": "SGD",
        "learning_rate": 0.5,
        "decay": 0.0,
        "momentum": 0.0,
        "nesterov": False,
        "is_legacy_optimizer": True,
        "jit_compile": False,
    }
    optimizer = optimizers.get({"class_name": "SGD", "config": config})
    assert optimizer.name == "SGD" and optimizer.learning_rate_at(9) == 0.5


def test_the_decay_of_keras_1_is_a_schedule():
    config = {"lr": 0.5, "decay": 0.25, "momentum": 0.0, "nesterov": False}
    optimizer = optimizers.get({"class_name": "SGD", "config": config})
    assert optimizer.learning_rate_at(4) == 0.25


def test_kernel_attributes_are_numbers_and_flags():
    for name in CLASSES:
        attrs = getattr(optimizers, name)().kernel_attrs()
        assert attrs and all(type(value) in (float, bool) for value in attrs.values())


@pytest.mark.parametrize("name", CLASSES)
@against_keras
def test_config_is_that_of_keras(name):
    keras = real_keras()
    own = getattr(optimizers, name)(name="mine").get_config()
    theirs = getattr(keras.optimizers, name)(name="mine").get_config()
    assert list(own.items()) == list(theirs.items())


@against_keras
def test_json_form_is_understood_by_keras():
    keras = real_keras()
    own = optimizers.Adam(schedules.ExponentialDecay(0.5, 10, 0.9), weight_decay=0.1)
    theirs = keras.optimizers.deserialize(optimizers.serialize(own))
    again = optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert again.get_config() == own.get_config()
