import numpy as np
import pytest

import convnet
from convnet.saving import (
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    register_keras_serializable,
    serialize_keras_object,
)
from convnet.saving.deserialization import sharing_objects
from convnet.saving.serialization import shared_object_ids


@pytest.fixture(autouse=True)
def clean_registry():
    before = dict(get_custom_objects())
    yield
    get_custom_objects().clear()
    get_custom_objects().update(before)


def round_trip(obj):
    return deserialize_keras_object(serialize_keras_object(obj))


def swing(x):
    return x


class Swing(convnet.layers.Layer):
    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def test_builtin_class_has_keras_public_module():
    assert serialize_keras_object(convnet.initializers.GlorotUniform(seed=3)) == {
        "module": "keras.initializers",
        "class_name": "GlorotUniform",
        "config": {"seed": 3, "input_axes": None, "output_axes": None},
        "registered_name": None,
    }


def test_dense_layer_in_exactly_keras_form():
    layer = convnet.layers.Dense(2, activation="relu", name="hidden")
    layer.build((None, 3))
    initializer = {"module": "keras.initializers", "registered_name": None}
    glorot = {"class_name": "GlorotUniform"}
    glorot["config"] = {"seed": None, "input_axes": None, "output_axes": None}
    policy = {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}
    assert serialize_keras_object(layer) == {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {
            "name": "hidden",
            "trainable": True,
            "dtype": {**policy, "config": {"name": "float32"}},
            "units": 2,
            "activation": "relu",
            "use_bias": True,
            "kernel_initializer": {**initializer, **glorot},
            "bias_initializer": {**initializer, "class_name": "Zeros", "config": {}},
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
            "quantization_config": None,
        },
        "registered_name": None,
        "build_config": {"input_shape": (None, 3)},
    }


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 0.5, "text", [1, [2]], {"a": {"b": [None]}}, b"bytes", slice(1, None, 2), ...],
)
def test_plain_values_survive(value):
    assert round_trip(value) == value


def test_tuples_become_lists_and_numpy_numbers_plain():
    assert round_trip((1, np.float32(0.5), np.int64(3))) == [1, 0.5, 3]


def test_arrays_survive():
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    again = round_trip(array)
    assert again.dtype == np.int32
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    "obj",
    [
        convnet.initializers.VarianceScaling(2.0, "fan_in", "uniform", seed=1),
        convnet.regularizers.L1L2(0.1, 0.2),
        convnet.constraints.MaxNorm(3, axis=1),
        convnet.optimizers.Adam(0.01, clipvalue=0.5),
        convnet.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9, staircase=True),
        convnet.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        convnet.metrics.SparseCategoricalAccuracy(name="acc"),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_objects_survive(obj):
    again = round_trip(obj)
    assert type(again) is type(obj)
    assert again.get_config() == obj.get_config()


def test_optimizer_with_a_schedule_survives():
    schedule = convnet.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)
    again = round_trip(convnet.optimizers.SGD(schedule))
    assert again.learning_rate_at(100) == pytest.approx(0.09)


def test_builtin_function_is_stored_by_name():
    config = serialize_keras_object(convnet.metrics.categorical_accuracy)
    assert config == {
        "module": "builtins",
        "class_name": "function",
        "config": "categorical_accuracy",
        "registered_name": "function",
    }
    assert deserialize_keras_object(config) is convnet.metrics.categorical_accuracy


def test_optimizer_of_a_keras_backend_is_known():
    config = {
        "module": "keras.src.backend.torch.optimizers.torch_adam",
        "class_name": "Adam",
        "config": {"learning_rate": 0.5},
        "registered_name": "Adam",
    }
    assert isinstance(deserialize_keras_object(config), convnet.optimizers.Adam)


def test_custom_class_needs_registration_or_custom_objects():
    config = serialize_keras_object(Swing(3))
    assert config["class_name"] == config["registered_name"] == "Swing"
    with pytest.raises(TypeError, match="Could not locate class 'Swing'"):
        deserialize_keras_object(config)
    assert deserialize_keras_object(config, custom_objects={"Swing": Swing}).size == 3
    with custom_object_scope({"Swing": Swing}):
        assert deserialize_keras_object(config).size == 3


def test_registered_class_is_found_by_its_registered_name():
    register_keras_serializable("play", name="Big")(Swing)
    config = serialize_keras_object(Swing(3))
    assert config["registered_name"] == "play>Big"
    assert deserialize_keras_object({**config, "class_name": "Other", "module": "gone"}).size == 3


def test_custom_function():
    config = serialize_keras_object(swing)
    assert config["config"] == "swing"
    with pytest.raises(TypeError, match="Could not locate function 'swing'"):
        deserialize_keras_object(config)
    assert deserialize_keras_object(config, custom_objects={"swing": swing}) is swing


def test_same_object_is_stored_with_one_id_and_becomes_one_object():
    shared = convnet.initializers.Zeros()
    with shared_object_ids():
        configs = serialize_keras_object([shared, shared, convnet.initializers.Zeros()])
    ids = [config.get("shared_object_id") for config in configs]
    assert ids[0] == ids[1] is not None
    assert ids[2] is None
    with sharing_objects():
        first, second, third = deserialize_keras_object(configs)
    assert first is second
    assert first is not third


def test_lambda_is_not_written():
    with pytest.raises(ValueError, match="A lambda cannot be saved"):
        serialize_keras_object(lambda x: x)


def test_object_without_config_is_refused():
    with pytest.raises(TypeError, match="must implement the `get_config"):
        serialize_keras_object(object())


def config_of(class_name, module=None, config=None, **more):
    return {"class_name": class_name, "module": module, "config": config or {}, **more}


@pytest.mark.parametrize(
    "config",
    [
        config_of("system", "os"),
        config_of("function", "os", "system"),
        config_of("function", "builtins", "eval"),
        config_of("function", "builtins", "exec"),
        config_of("function", "keras.utils", "get_file"),
        config_of("function", "keras.saving", "load_model"),
        config_of("function", "keras.config", "enable_unsafe_deserialization"),
        config_of("load_model", "keras.saving"),
        config_of("Popen", "subprocess", {"args": ["true"]}),
        config_of("Variable", "convnet.variables"),
        config_of("Path", "convnet.saving.atomic_write"),
        config_of("os.system", "keras.layers"),
        config_of("__init__", "keras.layers"),
        config_of("Dense.__init__", "keras.layers"),
        config_of("Dense", "keras.optimizers"),
        config_of("Any", "keras.layers"),
        config_of("TensorShape", None),
    ],
    ids=lambda config: f"{config['module']}.{config['class_name']}",
)
def test_nothing_outside_of_the_table_is_found(config):
    with pytest.raises(TypeError, match=r"Could not locate|Could not parse"):
        deserialize_keras_object(config, safe_mode=False)


@pytest.mark.parametrize(
    "config",
    [
        config_of("__lambda__", None, {"value": {"code": "4wAAAA=="}}),
        config_of("__typespec__", "tensorflow", {}, spec_name="TensorSpec"),
        config_of("Lambda", "keras.layers", {"function": {"class_name": "__lambda__"}}),
        config_of("Lambda", None, {"function": ["4wAAAA==", None, None]}),
        config_of("TFSMLayer", "keras.layers", {"filepath": "/tmp/model"}),
        config_of("TorchModuleWrapper", "keras.layers", {"module": "gASV"}),
        config_of("JaxLayer", "keras.layers"),
        config_of("FlaxLayer", "keras.layers"),
    ],
    ids=lambda config: config["class_name"],
)
@pytest.mark.parametrize("safe_mode", [True, False])
def test_code_and_references_to_other_files_are_refused(config, safe_mode):
    with pytest.raises(ValueError, match=r"from (a|the) file"):
        deserialize_keras_object(config, safe_mode=safe_mode)


def test_class_of_the_user_may_stand_in_for_a_refused_one():
    config = config_of("TFSMLayer", "keras.layers", {"size": 4})
    assert deserialize_keras_object(config, custom_objects={"TFSMLayer": Swing}).size == 4


@pytest.mark.parametrize(
    "config",
    [
        config_of(7),
        config_of("Dense", ["keras.layers"]),
        config_of("Dense", "keras.layers", "text"),
        config_of("function", "builtins", 3),
        config_of("__numpy__", None, {"value": [1], "dtype": "O"}),
        config_of("__slice__", None, "text"),
        object(),
    ],
)
def test_impossible_configs_are_refused(config):
    with pytest.raises((TypeError, ValueError)):
        deserialize_keras_object(config)
