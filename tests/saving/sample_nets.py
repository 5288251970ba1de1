"""Networks that between them use every kind of layer, graph and container that files describe.

They are written so that `keras` in place of `convnet` builds the same ones.
"""

import numpy as np


def cnn_sequential(k):
    return k.Sequential(
        [
            k.layers.Input((12, 10, 2)),
            k.layers.Conv2D(4, 3, padding="same", activation="relu"),
            k.layers.MaxPooling2D(2),
            k.layers.Conv2D(6, (3, 2), strides=(1, 2), use_bias=False, kernel_regularizer="l2"),
            k.layers.BatchNormalization(),
            k.layers.Activation("tanh"),
            k.layers.Dropout(0.25),
            k.layers.Flatten(),
            k.layers.Dense(3, activation="softmax", kernel_constraint="max_norm"),
        ],
        name="cnn",
    )


def functional_residual(k):
    inputs = k.Input((8, 8, 3), name="picture")
    x = k.layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
    y = k.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(x)
    y = k.layers.BatchNormalization()(y)
    x = k.layers.Add()([x, y])
    x = k.layers.Concatenate()([x, k.layers.ZeroPadding2D(1)(k.layers.Conv2D(2, 3)(x))])
    x = k.layers.AveragePooling2D(2)(x)
    return k.Model(inputs, k.layers.GlobalAveragePooling2D()(x), name="residual")


def recurrent_mix(k):
    return k.Sequential(
        [
            k.layers.Input((7, 5)),
            k.layers.Bidirectional(k.layers.LSTM(4, return_sequences=True)),
            k.layers.TimeDistributed(k.layers.Dense(3, activation="relu")),
            k.layers.GRU(4, return_sequences=True, reset_after=False),
            k.layers.GRU(3, return_sequences=True),
            k.layers.SimpleRNN(3, go_backwards=True),
            k.layers.Dense(2),
        ],
        name="recurrent",
    )


def text(k):
    return k.Sequential(
        [
            k.layers.Input((6,), dtype="int32"),
            k.layers.Embedding(20, 4),
            k.layers.Conv1D(3, 3, activation="relu"),
            k.layers.GlobalMaxPooling1D(),
            k.layers.Dense(1, activation="sigmoid"),
        ],
        name="text",
    )


def shared_two_in_two_out(k):
    left, right = k.Input((4,), name="left"), k.Input((4,), name="right")
    shared = k.layers.Dense(3, activation="relu", name="shared")
    both = k.layers.Multiply()([shared(left), shared(right)])
    first = k.layers.Dense(2, name="first")(both)
    second = k.layers.Dense(1, name="second")(k.layers.Maximum()([both, shared(left)]))
    return k.Model([left, right], [first, second], name="two")


def nested(k):
    block = k.Sequential([k.layers.Input((4,)), k.layers.Dense(4, activation="relu")], name="block")
    inputs = k.Input((4,))
    inner_inputs = k.Input((4,))
    inner = k.Model(inner_inputs, k.layers.Dense(3)(inner_inputs), name="inner")
    return k.Model(inputs, inner(block(block(inputs))), name="nested")


def graph_ops(k):
    inputs = k.Input((4,))
    x = k.layers.Dense(3)(inputs)
    x = k.ops.tanh(x * 2.0 + 1.0) - x
    return k.Model(inputs, k.layers.Dense(2)(x), name="graph_ops")


def mixed(k):
    """Products of bfloat16, as policies of layers and in an op between them."""
    mixed = {"dtype": "mixed_bfloat16"}
    inputs = k.Input((6, 5))
    x = k.layers.Conv1D(4, 3, **mixed)(inputs)
    x = k.layers.Bidirectional(k.layers.LSTM(3, **mixed), dtype=k.DTypePolicy("mixed_bfloat16"))(x)
    x = k.layers.BatchNormalization(**mixed)(x * 2.0)
    return k.Model(inputs, k.layers.Dense(2, dtype="float32")(x), name="mixed")


NETS = {
    net.__name__: net
    for net in (
        cnn_sequential,
        functional_residual,
        recurrent_mix,
        text,
        shared_two_in_two_out,
        nested,
        graph_ops,
        mixed,
    )
}


OPTIMIZERS = {
    "cnn_sequential": lambda k: k.optimizers.Adam(0.01, clipnorm=1.0),
    "functional_residual": lambda k: k.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "recurrent_mix": lambda k: k.optimizers.RMSprop(
        k.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), momentum=0.5, centered=True
    ),
    "text": lambda k: k.optimizers.Adagrad(0.1, weight_decay=0.01),
    "shared_two_in_two_out": lambda k: k.optimizers.Adadelta(1.0),
    "nested": lambda k: k.optimizers.Adam(0.01, amsgrad=True),
    "graph_ops": lambda k: k.optimizers.SGD(0.1),
    "mixed": lambda k: k.optimizers.SGD(0.1),
}


def compile_net(k, name, model):
    """Compiles a sample net with losses and metrics given in all the forms that files store."""
    optimizer = OPTIMIZERS[name](k)
    if name == "shared_two_in_two_out":
        loss = {"first": "mse", "second": k.losses.MeanAbsoluteError()}
        metrics = {"first": ["mae"], "second": [k.metrics.MeanSquaredError(name="square")]}
        weights = {"first": 1.0, "second": 0.5}
        model.compile(optimizer, loss=loss, loss_weights=weights, metrics=metrics)
    elif name == "cnn_sequential":
        loss = k.losses.CategoricalCrossentropy(label_smoothing=0.1)
        model.compile(optimizer, loss=loss, metrics=["accuracy", k.metrics.categorical_accuracy])
    elif name == "text":
        model.compile(optimizer, loss="binary_crossentropy", weighted_metrics=["accuracy"])
    else:
        model.compile(optimizer, loss="mse", metrics=["mae"])


def fill(model, seed=0):
    """Sets all weights to random values, positive where they are variances."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        value = rng.normal(0, 0.5, variable.shape).astype(np.float32)
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.name else value)


def inputs_for(model, count=5, seed=1):
    """Random inputs of a model: token numbers where the first layer is an embedding."""
    rng = np.random.default_rng(seed)
    arrays = []
    for tensor in model.inputs:
        shape = (count, *tensor.shape[1:])
        if tensor.dtype == "int32":
            arrays.append(rng.integers(0, 20, shape).astype(np.int32))
        else:
            arrays.append(rng.normal(size=shape).astype(np.float32))
    return arrays if len(arrays) > 1 else arrays[0]


def targets_for(model, count=5, seed=2):
    """Random targets of a model, each row a distribution."""
    rng = np.random.default_rng(seed)
    arrays = [rng.random((count, *t.shape[1:])).astype(np.float32) + 0.1 for t in model.outputs]
    arrays = [a / a.sum(-1, keepdims=True) for a in arrays]
    return arrays if len(arrays) > 1 else arrays[0]
