"""Initializers by name and by config."""

import numpy as np
import pytest

from convnet import initializers, random
from tests.reference.real_keras import against_keras, real_keras

CLASSES = [
    initializers.Constant,
    initializers.GlorotNormal,
    initializers.GlorotUniform,
    initializers.HeNormal,
    initializers.HeUniform,
    initializers.Identity,
    initializers.LecunNormal,
    initializers.LecunUniform,
    initializers.Ones,
    initializers.Orthogonal,
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.VarianceScaling,
    initializers.Zeros,
]


@pytest.mark.parametrize(
    "name, cls",
    [
        ("glorot_uniform", initializers.GlorotUniform),
        ("GlorotUniform", initializers.GlorotUniform),
        ("zeros", initializers.Zeros),
        ("zero", initializers.Zeros),
        ("one", initializers.Ones),
        ("normal", initializers.RandomNormal),
        ("uniform", initializers.RandomUniform),
        ("OrthogonalInitializer", initializers.Orthogonal),
        ("IdentityInitializer", initializers.Identity),
    ],
)
def test_names(name, cls):
    assert type(initializers.get(name)) is cls


def test_get_gives_back_objects_functions_and_none():
    initializer = initializers.Ones()
    assert initializers.get(initializer) is initializer
    assert initializers.get(np.ones) is np.ones
    assert initializers.get(None) is None
    assert type(initializers.get(initializers.Zeros)) is initializers.Zeros


def test_an_array_is_its_own_initializer():
    values = np.arange(6.0).reshape(2, 3)
    initialize = initializers.get(values)
    np.testing.assert_array_equal(initialize((2, 3)), values)
    with pytest.raises(ValueError, match=r"Expected `shape` to be \(2, 3\).*shape=\(3, 2\)"):
        initialize((3, 2))


def test_a_config_of_keras_2():
    config = {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}
    found = initializers.get({"class_name": "VarianceScaling", "config": config})
    assert (found.scale, found.mode, found.distribution) == (1.0, "fan_avg", "uniform")


def test_a_config_of_tensorflow_1_with_a_dtype():
    config = {"class_name": "GlorotUniform", "config": {"seed": 4, "dtype": "float32"}}
    assert initializers.get(config).seed == 4


@pytest.mark.parametrize("identifier", ["gloot", 5, {"class_name": "gloot", "config": {}}, {}])
def test_unknown_identifiers_are_named(identifier):
    with pytest.raises(ValueError) as error:
        initializers.get(identifier)
    assert str(error.value) == f"Could not interpret initializer identifier: {identifier}"


def test_a_wrong_argument_in_a_config_is_not_hidden():
    with pytest.raises(ValueError, match="Invalid `mode` argument"):
        initializers.get({"class_name": "VarianceScaling", "config": {"mode": "fan"}})


@pytest.mark.parametrize("cls", CLASSES)
def test_configs_round_trip(cls):
    first = cls(seed=5) if "seed" in cls().get_config() else cls()
    second = cls.from_config(first.get_config())
    np.testing.assert_array_equal(first((4, 4)), second((4, 4)))
    assert first.clone().get_config() == first.get_config()


def test_a_seed_generator_in_a_config():
    first = initializers.RandomNormal(seed=random.SeedGenerator(5, name="s"))
    second = initializers.get({"class_name": "RandomNormal", "config": first.get_config()})
    np.testing.assert_array_equal(first((4,)), second((4,)))


# Keras forgets the gain of an identity matrix.
@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not initializers.Identity])
@against_keras
def test_json_form_is_that_of_keras(cls):
    keras = real_keras()
    own, theirs = cls(), getattr(keras.initializers, cls.__name__)()
    assert own.get_config() == theirs.get_config()
    assert initializers.serialize(own) == keras.initializers.serialize(theirs)
    assert type(initializers.deserialize(keras.initializers.serialize(theirs))) is cls
