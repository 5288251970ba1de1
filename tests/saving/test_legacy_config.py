import pytest

from convnet import losses, optimizers
from convnet.saving import legacy_config

ADAM = {
    "module": "keras.optimizers",
    "class_name": "Adam",
    "config": {"name": "adam", "learning_rate": 0.001},
    "registered_name": None,
}
LOSS = {
    "module": "keras.losses",
    "class_name": "CategoricalCrossentropy",
    "config": {"label_smoothing": 0.1},
    "registered_name": None,
}
FUNCTION = {
    "module": "builtins",
    "class_name": "function",
    "config": "mean_absolute_error",
    "registered_name": "function",
}


def layer(label, /, module="keras.layers", **more):
    config = {"name": label, "activation": None}
    return {
        "module": module,
        "class_name": "Dense",
        "config": config,
        "registered_name": None,
        "build_config": {"input_shape": [None, 3]},
        **more,
    }


def test_layers_lose_what_only_the_keras_format_holds():
    model = layer("model")
    model["config"] = {"layers": [layer("a", name="a", inbound_nodes=[])], "output_layers": []}
    assert legacy_config.from_modern(model) == {
        "class_name": "Dense",
        "config": {
            "layers": [
                {
                    "class_name": "Dense",
                    "config": {"name": "a", "activation": None},
                    "name": "a",
                    "inbound_nodes": [],
                }
            ],
            "output_layers": [],
        },
    }


def test_ops_keep_their_module():
    model = layer("model")
    model["config"] = {"layers": [layer("multiply", module="keras.src.ops.numpy")]}
    (config,) = legacy_config.from_modern(model)["config"]["layers"]
    assert config["module"] == "keras.src.ops.numpy"


def test_arguments_of_compile_lose_their_modules():
    compiled = {
        "optimizer": ADAM,
        "loss": LOSS,
        "metrics": ["accuracy", FUNCTION],
        "loss_weights": None,
        "jit_compile": False,
    }
    assert legacy_config.training_config(compiled) == {
        "optimizer_config": {"class_name": "Adam", "config": ADAM["config"]},
        "loss": {"class_name": "CategoricalCrossentropy", "config": LOSS["config"]},
        "metrics": ["accuracy", "mean_absolute_error"],
        "loss_weights": None,
        "jit_compile": False,
    }


def test_short_names_of_losses_are_written_in_full():
    compiled = {"loss": {"a": "mse", "b": "binary_crossentropy"}, "metrics": ["mse"]}
    config = legacy_config.training_config(compiled)
    assert config["loss"] == {"a": "mean_squared_error", "b": "binary_crossentropy"}
    assert config["metrics"] == ["mse"]


def test_arguments_of_compile_from_keras_3():
    config = {
        "optimizer_config": {"class_name": "Adam", "config": ADAM["config"]},
        "loss": {"class_name": "CategoricalCrossentropy", "config": LOSS["config"]},
        "metrics": ["accuracy", "mean_absolute_error"],
    }
    arguments = legacy_config.compile_arguments(config)
    assert isinstance(arguments["optimizer"], optimizers.Adam)
    assert isinstance(arguments["loss"], losses.CategoricalCrossentropy)
    assert arguments["metrics"][0] == "accuracy"
    assert arguments["metrics"][1] == "mean_absolute_error"


def test_arguments_of_compile_from_keras_2():
    wrapper = {"name": "accuracy", "dtype": "float32", "fn": "categorical_accuracy"}
    config = {
        "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.01, "decay": 0.0}},
        "loss": {
            "class_name": "BinaryCrossentropy",
            "config": {"reduction": "auto", "from_logits": True, "fn": "binary_crossentropy"},
        },
        "metrics": [[{"class_name": "MeanMetricWrapper", "config": wrapper}]],
        "sample_weight_mode": None,
    }
    arguments = legacy_config.compile_arguments(config)
    assert float(arguments["optimizer"].learning_rate) == pytest.approx(0.01)
    assert arguments["loss"].from_logits
    assert arguments["metrics"] == ["accuracy"]


def test_losses_of_several_outputs():
    config = {"loss": {"a": "mse", "b": "mae"}, "metrics": [["accuracy"], None]}
    arguments = legacy_config.compile_arguments(config)
    assert set(arguments["loss"]) == {"a", "b"}
    assert arguments["metrics"] == [["accuracy"], None]


def test_unknown_loss_is_named():
    with pytest.raises(ValueError, match=r"os\.system"):
        legacy_config.compile_arguments({"loss": "os.system"})
