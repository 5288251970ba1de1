"""Losses by name and by config."""

import inspect

import pytest

from convnet import losses
from tests.reference.real_keras import against_keras, real_keras

CLASSES = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
]


@pytest.mark.parametrize(
    "name, function",
    [
        ("mse", losses.mean_squared_error),
        ("MSE", losses.mean_squared_error),
        ("mae", losses.mean_absolute_error),
        ("mape", losses.mean_absolute_percentage_error),
        ("msle", losses.mean_squared_logarithmic_error),
        ("kld", losses.kl_divergence),
        ("bce", losses.binary_crossentropy),
        ("logcosh", losses.log_cosh),
        ("sparse_categorical_crossentropy", losses.sparse_categorical_crossentropy),
    ],
)
def test_names_of_functions(name, function):
    assert losses.get(name) is function


@pytest.mark.parametrize("name", CLASSES)
def test_names_of_classes(name):
    assert type(losses.get(name)).__name__ == name


@pytest.mark.parametrize("identifier", ["mee", 5, {"class_name": "mee", "config": {}}])
def test_unknown_identifiers_are_named(identifier):
    with pytest.raises(ValueError) as error:
        losses.get(identifier)
    assert str(error.value) == f"Could not interpret loss identifier: {identifier}"


def test_get_gives_back_losses_functions_and_none():
    loss = losses.Huber()
    assert losses.get(loss) is loss
    assert losses.get(max) is max
    assert losses.get(None) is None


@pytest.mark.parametrize("name", CLASSES)
def test_configs_round_trip(name):
    cls = getattr(losses, name)
    first = cls(reduction="sum", name="mine")
    second = cls.from_config(first.get_config())
    assert second.get_config() == first.get_config()
    assert (second.name, second.reduction) == ("mine", "sum")


def test_arguments_survive_a_config():
    for loss in (losses.Huber(delta=0.5), losses.CategoricalCrossentropy(True, 0.1)):
        again = losses.get({"class_name": type(loss).__name__, "config": loss.get_config()})
        assert again._fn_kwargs == loss._fn_kwargs


def test_a_function_survives_json():
    form = losses.serialize(losses.mean_squared_error)
    assert losses.deserialize(form) is losses.mean_squared_error
    wrapper = losses.LossFunctionWrapper(losses.huber, name="h", delta=0.5)
    again = losses.deserialize(losses.serialize(wrapper))
    assert again.fn is losses.huber and again._fn_kwargs == {"delta": 0.5}


def test_custom_objects_are_found():
    class Mine(losses.MeanSquaredError):
        pass

    config = {"class_name": "Mine", "config": {"name": "m"}}
    assert type(losses.deserialize(config, {"Mine": Mine})) is Mine


@pytest.mark.parametrize("name", CLASSES)
@against_keras
def test_names_arguments_and_configs_are_those_of_keras(name):
    keras = real_keras()
    own, theirs = getattr(losses, name), getattr(keras.losses, name)
    assert list(inspect.signature(own).parameters) == list(inspect.signature(theirs).parameters)
    assert own().name == theirs().name
    assert own().get_config().items() >= theirs().get_config().items()
    config = losses.serialize(own(name="mine"))
    if name != "CategoricalGeneralizedCrossEntropy":  # Keras does not find its own class
        assert keras.losses.deserialize(config).name == "mine"
    assert type(losses.deserialize(keras.losses.serialize(theirs()))) is own


@against_keras
def test_serialized_functions_are_those_of_keras():
    keras = real_keras()
    own = losses.serialize(losses.mean_squared_error)
    assert own == keras.losses.serialize(keras.losses.mean_squared_error)
