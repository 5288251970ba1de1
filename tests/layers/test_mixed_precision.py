"""The policy mixed_bfloat16: what layers round on a GPU, and that nothing changes on the CPU."""

import numpy as np
import pytest

import convnet
from convnet import config, dtype_policies, layers, mixed_precision, ops
from tests.reference.bfloat16 import to_bfloat16
from tests.reference.real_keras import against_keras, real_keras
from tests.training.agreement import assert_trained_alike

MIXED = "mixed_bfloat16"


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_dtype_policy("float32")


def test_a_policy_has_two_types():
    policy = mixed_precision.Policy(MIXED)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (
        MIXED,
        "bfloat16",
        "float32",
    )
    assert policy == convnet.DTypePolicy(MIXED) != convnet.DTypePolicy("float32")
    assert repr(policy) == '<DTypePolicy "mixed_bfloat16">'
    assert dtype_policies.deserialize(dtype_policies.serialize(policy)) == policy
    assert dtype_policies.get({"class_name": "Policy", "config": {"name": MIXED}}) == policy


@pytest.mark.parametrize(
    "set_policy",
    [
        config.set_dtype_policy,
        mixed_precision.set_global_policy,
        mixed_precision.set_dtype_policy,
        dtype_policies.set_dtype_policy,
    ],
)
def test_layers_take_the_global_policy_when_they_are_made(set_policy):
    before = layers.Dense(2)
    set_policy(convnet.DTypePolicy(MIXED))
    assert config.dtype_policy() == mixed_precision.global_policy() == convnet.DTypePolicy()
    layer = layers.Dense(2)
    assert (layer.dtype, layer.compute_dtype) == ("float32", "bfloat16")
    assert before.dtype_policy.name == layers.Dense(2, dtype="float32").dtype_policy.name
    assert before.dtype_policy.name == "float32"
    assert layers.LSTM(2).cell.dtype_policy.name == MIXED
    config.clear_session()
    assert layers.Dense(2).dtype_policy.name == "float32"


def test_the_policy_of_a_layer_can_be_changed():
    layer = layers.Dense(2)
    layer.dtype_policy = MIXED
    assert layer.compute_dtype == "bfloat16"
    assert layer.get_config()["dtype"]["config"] == {"name": MIXED}


@pytest.mark.parametrize("name", ["mixed_float16", "bfloat16", "float16", "float64"])
def test_other_floating_point_policies_are_refused(name):
    for use in (convnet.DTypePolicy, config.set_dtype_policy, lambda n: layers.Dense(2, dtype=n)):
        with pytest.raises(ValueError, match=f"Expected 'float32'.*'{MIXED}'.*Received: {name}"):
            use(name)


WRONG = {
    "no name": lambda k: k.DTypePolicy(5),
    "no policy": lambda k: k.DTypePolicy("foo"),
    "no global policy": lambda k: k.config.set_dtype_policy(5),
    "a type for a global policy": lambda k: k.config.set_dtype_policy(np.float32),
    "nothing that names one": lambda k: k.dtype_policies.get(object()),
}


@against_keras
@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_policy_raises_what_it_does_in_keras(what):
    with pytest.raises((TypeError, ValueError)) as ours:
        WRONG[what](convnet)
    with pytest.raises(ours.type) as theirs:
        WRONG[what](real_keras())
    assert str(ours.value).split("such as")[0][:30] == str(theirs.value).split("such as")[0][:30]


def plus_one(library):
    class PlusOne(library.layers.Layer):
        def call(self, inputs):
            return inputs + 1.0

    return PlusOne


# Symbolic tensors of a functional model with the global policy.
TENSORS = {
    "a layer": lambda k, x, y: y,
    "a layer of float32": lambda k, x, y: k.layers.Dense(3, dtype="float32")(y),
    "a layer of another input": lambda k, x, y: k.layers.Flatten()(k.Input((4, 3), dtype="int32")),
    "arithmetic with a number": lambda k, x, y: y * 2.0 + 1,
    "arithmetic with an array": lambda k, x, y: y * np.ones(3, "float32"),
    "arithmetic with the input": lambda k, x, y: x + y,
    "a function": lambda k, x, y: k.ops.softmax(k.ops.exp(y)),
    "a comparison": lambda k, x, y: y > 0,
    "a place": lambda k, x, y: k.ops.argmax(y, -1),
    "a slice": lambda k, x, y: y[:, 1:],
    "a sum": lambda k, x, y: k.ops.sum(y, -1),
    "a cast": lambda k, x, y: k.ops.cast(y, "float32"),
    "a cast to it": lambda k, x, y: k.ops.cast(x, "bfloat16"),
    "a list": lambda k, x, y: k.ops.concatenate([y, y], axis=-1),
    "a model": lambda k, x, y: k.Sequential([k.Input((3,)), k.layers.Dense(2)])(y),
    "a model that ends in float32": lambda k, x, y: k.Sequential(
        [k.Input((3,)), k.layers.Dense(2, dtype="float32")]
    )(y),
    "a part of a model": lambda k, x, y: k.Model(y, k.layers.ReLU()(y)).input,
    "states": lambda k, x, y: k.layers.LSTM(2, return_state=True)(k.Input((4, 3)))[1],
    "words": lambda k, x, y: k.layers.Embedding(3, 4)(k.Input((3,), dtype="int32")),
    "a layer of one's own": lambda k, x, y: plus_one(k)()(x),
    "one without casts": lambda k, x, y: plus_one(k)(autocast=False)(x),
}


@against_keras
@pytest.mark.parametrize("what", TENSORS)
def test_symbolic_tensors_have_the_types_of_keras(what):
    found = []
    for library in (convnet, real_keras()):
        library.config.set_dtype_policy(MIXED)
        x = library.Input((3,))
        tensor = TENSORS[what](library, x, library.layers.Dense(3)(x))
        library.config.set_dtype_policy("float32")
        found.append((tuple(tensor.shape), tensor.dtype))
    assert found[0] == found[1]


def test_parts_of_models_with_the_policy_compute():
    config.set_dtype_policy(MIXED)
    x = layers.Input((3,))
    y = layers.Dense(4, activation="relu")(x)
    z = ops.matmul(layers.Reshape((2, 2))(y * 2.0), np.eye(2, dtype="float32"))
    whole, part = convnet.Model(x, z), convnet.Model(y, z)
    a = np.ones((5, 3), "float32")
    hidden = convnet.Model(x, y).predict(a, verbose=0)
    assert hidden.dtype == np.float32
    np.testing.assert_array_equal(part.predict(hidden, verbose=0), whole.predict(a, verbose=0))


# What a GPU rounds.


class Product(layers.Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight((3, 4))

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel)


class Outer(layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def functional(layer):
    x = layers.Input((3,))
    return convnet.Model(x, layer(x))


ROUNDED = {
    "a layer": lambda: layers.Dense(4, dtype=MIXED),
    "a layer of one's own": lambda: Product(dtype=MIXED),
    "a layer in another": lambda: Outer(layers.Dense(4, dtype=MIXED)),
    "a layer in a model": lambda: functional(layers.Dense(4, dtype=MIXED)),
    "a layer in a list": lambda: convnet.Sequential([layers.Dense(4, dtype=MIXED)]),
}
EXACT = {
    "a layer": lambda: layers.Dense(4),
    "a layer without casts": lambda: Product(dtype=MIXED, autocast=False),
    "a layer in another": lambda: Outer(layers.Dense(4), dtype=MIXED),
    "a layer in a model": lambda: functional(layers.Dense(4)),
}
CASES = [("rounded", name) for name in ROUNDED] + [("exact", name) for name in EXACT]


def numbers():
    """Whole numbers with more bits than bfloat16 has; sums of products of which are exact."""
    rng = np.random.default_rng(4)
    return (rng.integers(257, 511, shape).astype("float32") for shape in ((5, 3), (3, 4)))


def product(model):
    x, w = numbers()
    if not model.built:
        model(x)
    model.set_weights([w, *(np.zeros_like(b) for b in model.get_weights()[1:])])
    return model(x)


@pytest.mark.cuda
@pytest.mark.parametrize(("how", "name"), CASES)
def test_a_gpu_rounds_operands_where_the_policy_says_so(how, name):
    x, w = numbers()
    with config.device("gpu"):
        found = product((ROUNDED if how == "rounded" else EXACT)[name]())
    expected = to_bfloat16(x) @ to_bfloat16(w) if how == "rounded" else x @ w
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("how", "name"), CASES)
def test_the_cpu_rounds_nothing(how, name):
    x, w = numbers()
    with config.device("cpu"):
        found = product((ROUNDED if how == "rounded" else EXACT)[name]())
    np.testing.assert_array_equal(found, x @ w)


@pytest.mark.cuda
@pytest.mark.parametrize("policy", [MIXED, "float32"])
def test_a_gpu_rounds_operands_of_ops_that_follow_on_such_layers(policy):
    x, _ = numbers()
    inputs = layers.Input((3,))
    rows = layers.Reshape((1, 3), dtype=policy)(inputs)
    model = convnet.Model(inputs, ops.matmul(ops.transpose(rows, (0, 2, 1)), rows))
    with config.device("gpu"):
        found = model.predict(x, verbose=0)
    x = to_bfloat16(x) if policy == MIXED else x
    np.testing.assert_array_equal(found, x[:, :, None] * x[:, None])


@pytest.mark.cuda
def test_the_policy_goes_before_the_precision_of_the_process():
    x, w = numbers()
    config.set_matmul_precision("medium")
    try:
        with config.device("gpu"):
            np.testing.assert_array_equal(
                product(ROUNDED["a layer"]()), to_bfloat16(x) @ to_bfloat16(w)
            )
            np.testing.assert_array_equal(product(EXACT["a layer"]()), x @ w)  # TF32 holds them
    finally:
        config.set_matmul_precision("high")


# Training.


def trained(device, policy):
    """Weights, losses and predictions of a net with convolutions, a sequence and dense layers."""
    convnet.utils.set_random_seed(31)
    config.set_dtype_policy(policy)
    rng = np.random.default_rng(31)
    x = rng.normal(size=(48, 8, 8, 3)).astype("float32")
    y = (x.mean(axis=(1, 2)) @ rng.normal(size=(3, 2)) * 10).astype("float32")
    model = convnet.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Reshape((9, 16)),
            layers.Conv1D(16, 3, padding="same", activation="tanh"),
            layers.LSTM(12),
            layers.Dense(2, dtype="float32"),
        ]
    )
    model.compile(convnet.optimizers.Adam(0.01), "mse")
    with config.device(device):
        history = model.fit(x, y, epochs=4, batch_size=16, verbose=0).history
        predictions = model.predict(x, verbose=0)
    assert predictions.dtype == np.float32
    return [*model.get_weights(), predictions], history


def test_training_on_the_cpu_is_that_of_float32():
    ours, expected = trained("cpu", MIXED), trained("cpu", "float32")
    for a, b in zip(ours[0], expected[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours[1] == expected[1]


@pytest.mark.cuda
def test_a_net_trains_on_a_gpu_as_on_the_cpu_but_for_what_is_rounded():
    (weights, history), (exact, exactly) = trained("gpu", MIXED), trained("gpu", "float32")
    assert_trained_alike((exact, exactly), trained("cpu", "float32"))
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    np.testing.assert_allclose(history["loss"], exactly["loss"], rtol=4 / 2**8)
    assert any(not np.array_equal(a, b) for a, b in zip(weights, exact, strict=True))
    for a, b in zip(weights, trained("gpu", MIXED)[0], strict=True):
        np.testing.assert_array_equal(a, b)
