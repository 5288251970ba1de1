"""The base layer: names, weights, building, calling, errors."""

import numpy as np
import pytest

import convnet
from convnet import config, layers, ops
from convnet.layers import Dense, Input, Layer

ROWS = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


class Scale(Layer):
    """Multiplies by a trained vector, adds a moving number."""

    def __init__(self, start="ones", **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.offset = self.add_weight(initializer="zeros", trainable=False, name="offset")
        self.factor = self.add_weight((input_shape[-1],), self.start, name="factor")

    def call(self, inputs):
        return inputs * self.factor + self.offset


class Block(Layer):
    """Two dense layers, one of them in a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Dense(3, name="first")
        self.others = [Dense(2, name="second")]

    def call(self, inputs):
        return self.others[0](self.first(inputs))


@pytest.fixture(autouse=True)
def fresh_names():
    config.clear_session()


def test_names_are_numbered_by_class():
    assert [Dense(1).name, Dense(1).name, layers.LSTM(1).name] == ["dense", "dense_1", "lstm"]


def test_a_slash_in_a_name_is_refused():
    with pytest.raises(ValueError, match="cannot contain character `/`"):
        Dense(1, name="a/b")


def test_unknown_arguments_are_refused():
    with pytest.raises(ValueError, match="Unrecognized keyword arguments passed to Dense"):
        Dense(1, kernel="ones")


def test_weights_are_made_when_first_called():
    layer = Scale()
    assert not layer.built and layer.weights == []
    layer(ROWS)
    assert layer.built
    assert [w.path for w in layer.weights] == ["scale/factor", "scale/offset"]


def test_trainable_weights_come_first():
    layer = Scale()
    layer(ROWS)
    assert [w.name for w in layer.trainable_weights] == ["factor"]
    assert [w.name for w in layer.non_trainable_weights] == ["offset"]


def test_a_frozen_layer_has_no_trainable_weights():
    layer = Block()
    layer(ROWS)
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 4
    layer.trainable = True
    assert len(layer.trainable_weights) == 4


def test_freezing_before_building_works():
    layer = Scale(trainable=False)
    layer(ROWS)
    assert layer.trainable_weights == []
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["factor"]


def test_sublayers_in_containers_are_found():
    layer = Block()
    layer(ROWS)
    names = [w.path for w in layer.weights]
    assert names == [
        "block/first/kernel",
        "block/first/bias",
        "block/second/kernel",
        "block/second/bias",
    ]
    assert layer.count_params() == 4 * 3 + 3 + 3 * 2 + 2


def test_weights_cannot_be_added_once_built():
    layer = Scale()
    layer(ROWS)
    with pytest.raises(ValueError, match="already built"):
        layer.add_weight((2,))


def test_a_forgotten_super_call_is_named():
    class Careless(Layer):
        def __init__(self):
            self.units = 3

    with pytest.raises(RuntimeError, match=r"you forgot to call `super\(\).__init__\(\)`"):
        Careless()(ROWS)


def test_a_layer_without_call_says_so():
    with pytest.raises(NotImplementedError, match="does not have a `call`"):
        Layer()(ROWS)


def test_get_and_set_weights():
    layer = Dense(3)
    layer(ROWS)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel + 1.0, bias + 2.0])
    np.testing.assert_allclose(layer.kernel.numpy(), kernel + 1.0)
    np.testing.assert_allclose(layer(ROWS), ROWS @ (kernel + 1.0) + bias + 2.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.zeros((4, 3))], "weight list of length 1, but the layer was expecting 2"),
        ([np.zeros((4, 3)), np.zeros(4)], r"weight shape \(3,\) is not compatible"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message):
    layer = Dense(3)
    layer(ROWS)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=message):
        layer.set_weights(weights)
    assert np.array_equal(layer.get_weights()[0], before[0])


def test_count_params_needs_weights():
    with pytest.raises(ValueError, match="the layer isn't built"):
        Dense(3).count_params()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Dense(3), (4,), "expected min_ndim=2, found ndim=1"),
        (layers.Conv2D(3, 2), (4, 5, 6), "expected min_ndim=4, found ndim=3"),
        (layers.MaxPooling2D(), (4, 5, 6), "expected ndim=4, found ndim=3"),
        (layers.LSTM(3), (4, 5), "expected ndim=3, found ndim=2"),
    ],
)
def test_inputs_of_another_rank_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=f"is incompatible with the layer: {message}"):
        layer(np.zeros(shape, "float32"))


def test_inputs_of_another_size_are_refused():
    layer = Dense(3)
    layer(ROWS)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 4"):
        layer(np.zeros((5, 6), "float32"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "expected a positive integer. Received: units=0"),
        (lambda: Dense(2.5), "expected a positive integer. Received: units=2.5"),
        (lambda: layers.LSTM(-1), "expected a positive integer, got -1"),
        (lambda: layers.Conv2D(0, 3), "strictly positive value. Received filters=0"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "must be a tuple of 2 integers"),
        (lambda: layers.Conv2D(4, 0), "`value > 0`"),
        (lambda: layers.Conv2D(4, 3, padding="full"), "Invalid value for argument `padding`"),
        (lambda: layers.Conv2D(4, 3, groups=3), "evenly divisible by the number of groups"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "`strides > 1` not supported"),
        (lambda: layers.Conv2D(4, 3, data_format="last"), "`data_format` argument must be one of"),
        (lambda: layers.Dropout(1.5), "Expected a float value between 0 and 1"),
        (lambda: layers.Embedding(0, 3), "`input_dim` must be a positive integer"),
        (lambda: layers.Permute((1, 3)), "must be consecutive and start from 1"),
        (lambda: layers.Reshape((-1, -1)), "must not contain more than one `-1`"),
        (lambda: layers.ReLU(max_value=-1), "cannot be None or negative value"),
        (lambda: layers.Bidirectional(layers.LSTM(3), merge_mode="max"), "Invalid merge mode"),
        (lambda: layers.TimeDistributed("dense"), "Please initialize `TimeDistributed`"),
        (lambda: layers.RNN("cell"), "should have a `call` method"),
        (lambda: layers.BatchNormalization(renorm=True), "argument `renorm`"),
        (lambda: Dense(3, dtype="float16"), "Expected 'float32'"),
        (lambda: Dense(3, activation="unknown"), "activation function identifier: unknown"),
        (lambda: Dense(3, kernel_initializer="unknown"), "initializer identifier: unknown"),
        (lambda: Input(), "You must pass a `shape` argument"),
        (lambda: Input((2,), batch_shape=(None, 2)), "both `shape` and `batch_shape`"),
    ],
)
def test_impossible_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_channels_that_groups_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="Received groups=2, but the input has 3 channels"):
        layers.Conv2D(4, 2, groups=2)(np.zeros((1, 5, 5, 3), "float32"))


def test_a_window_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="conv2d"):
        layers.Conv2D(4, 7)(np.zeros((1, 5, 5, 3), "float32"))


def test_positional_arguments_have_to_be_tensors():
    with pytest.raises(ValueError, match="Only input tensors may be passed as positional"):
        Dense(3)(ROWS, True)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="needs at least one sample"):
        Dense(3)(ROWS[:0])


def test_unlike_numbers_of_samples_are_refused():
    with pytest.raises(ValueError, match="Cannot merge tensors with different batch sizes"):
        layers.Add()([ROWS, ROWS[:4]])


def test_training_is_handed_on_to_inner_layers():
    seen = []

    class Inner(Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    outer(ROWS, training=True)
    outer(ROWS)
    outer.inner(ROWS, training=False)
    assert seen == [True, None, False]


def test_dropout_acts_in_training_only():
    layer = layers.Dropout(0.5, seed=1)
    ones = np.ones((50, 40), "float32")
    assert np.array_equal(layer(ones), ones)
    dropped = layer(ones, training=True)
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert 0.4 < (dropped == 0).mean() < 0.6


def test_dropout_of_whole_channels():
    ones = np.ones((20, 6, 10), "float32")
    dropped = layers.SpatialDropout1D(0.5, seed=1)(ones, training=True)
    assert (dropped == dropped[:, :1]).all() and 0 < (dropped == 0).mean() < 1


def test_batch_statistics_are_used_and_kept_in_training():
    layer = layers.BatchNormalization(momentum=0.5, epsilon=0.0)
    x = np.random.default_rng(0).normal(3.0, 2.0, (200, 4)).astype("float32")
    y = layer(x, training=True)
    np.testing.assert_allclose(y.mean(0), np.zeros(4), atol=1e-5)
    np.testing.assert_allclose(y.std(0), np.ones(4), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.5 * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.5 + 0.5 * x.var(0), rtol=1e-4)


def test_a_frozen_batch_normalization_uses_moving_averages_in_training():
    layer = layers.BatchNormalization(trainable=False, epsilon=0.0)
    np.testing.assert_allclose(layer(ROWS, training=True), ROWS, rtol=1e-6)


def test_regularizers_add_to_the_losses():
    layer = Dense(3, kernel_regularizer="l2", bias_regularizer="l1", bias_initializer="ones")
    layer(ROWS)
    expected = [0.01 * np.square(layer.kernel.numpy()).sum(), 0.03]
    np.testing.assert_allclose([float(loss) for loss in layer.losses], expected, rtol=1e-5)


def test_a_layer_of_ops_is_saved_by_its_plain_arguments():
    layer = Scale(start="zeros", name="scaled")
    copy = Scale.from_config(layer.get_config())
    assert copy.start == "zeros" and copy.name == "scaled"


def test_arguments_that_are_not_plain_need_a_config_of_their_own():
    class Holder(Layer):
        def __init__(self, thing, **kwargs):
            super().__init__(**kwargs)

    with pytest.raises(NotImplementedError, match="must override `get_config"):
        Holder(object()).get_config()


def test_a_config_that_does_not_fit_names_the_class():
    with pytest.raises(TypeError, match="Error when deserializing class 'Dense'"):
        Dense.from_config({"units": 3, "size": 4})


def test_the_build_config_builds_the_same_weights():
    layer = Dense(3)
    layer(ROWS)
    copy = Dense.from_config(layer.get_config())
    copy.build_from_config(layer.get_build_config())
    assert [w.shape for w in copy.weights] == [(4, 3), (3,)]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Dense(3), (None, 4), (None, 3)),
        (layers.Conv2D(4, 3, strides=2, padding="same"), (None, 7, 8, 3), (None, 4, 4, 4)),
        (layers.Conv2D(4, 3), (2, None, None, 3), (2, None, None, 4)),
        (layers.LSTM(3, return_sequences=True), (None, None, 4), (None, None, 3)),
        (layers.Flatten(), (None, None, 4), (None, None)),
        (layers.Add(), [(None, 4), (None, 4)], (None, 4)),
        (layers.Embedding(10, 4), (None, 7), (None, 7, 4)),
        (layers.GlobalMaxPooling1D(), (None, None, 4), (None, 4)),
        (layers.TimeDistributed(Dense(2)), (None, 6, 4), (None, 6, 2)),
    ],
)
def test_output_shapes_are_inferred(layer, shape, expected):
    assert layer.compute_output_shape(shape) == expected


def test_a_custom_layer_is_traced_and_follows_its_weights():
    layer = Scale()
    assert np.array_equal(layer(ROWS), ROWS)
    layer.factor.assign(np.full(4, 2.0))
    layer.offset.assign(1.0)
    np.testing.assert_allclose(layer(ROWS), 2.0 * ROWS + 1.0, rtol=1e-6)


def test_a_state_can_be_assigned_in_call():
    class Counter(Layer):
        def build(self, input_shape):
            self.total = self.add_weight(initializer="zeros", trainable=False)

        def call(self, inputs):
            self.total.assign(self.total + ops.sum(inputs))
            return inputs

    layer = Counter()
    layer(np.ones((3, 2), "float32"))
    layer(np.ones((4, 2), "float32"))
    assert float(layer.total) == 14.0


def test_an_unregistered_lambda_is_not_saved():
    with pytest.raises(ValueError, match="lambda cannot be saved"):
        layers.Lambda(lambda x: x).get_config()


def test_the_input_shape_of_a_first_layer_is_accepted_with_a_warning():
    with pytest.warns(UserWarning, match="Do not pass an `input_shape`"):
        layer = Dense(3, input_shape=(4,))
    model = convnet.Sequential([layer])
    assert model.built and model.input_shape == (None, 4)
    with pytest.warns(UserWarning, match="input_dim"):
        assert convnet.Sequential([Dense(3, input_dim=4)]).count_params() == 15


class Bilinear(Layer):
    """Takes two tensors, each with its own weights."""

    def build(self, left_shape, right_shape):
        self.left_kernel = self.add_weight((left_shape[-1], 2), name="left")
        self.right_kernel = self.add_weight((right_shape[-1], 2), name="right")

    def call(self, left, right):
        return ops.matmul(left, self.left_kernel) * ops.matmul(right, self.right_kernel)


def test_a_layer_of_two_tensors_is_built_for_both():
    layer = Bilinear()
    left, right = ROWS, ROWS[:, :3]
    outputs = layer(left, right)
    first, second = layer.get_weights()
    np.testing.assert_allclose(outputs, (left @ first) * (right @ second), rtol=1e-4, atol=1e-5)
    assert layer.get_build_config() == {
        "shapes_dict": {"left_shape": (5, 4), "right_shape": (5, 3)}
    }
    copy = Bilinear()
    copy.build_from_config(layer.get_build_config())
    assert [w.shape for w in copy.weights] == [(4, 2), (3, 2)]


def test_a_layer_of_two_tensors_is_called_by_name():
    layer = Bilinear()
    a, b = Input((4,)), Input((3,))
    model = convnet.Model([a, b], layer(right=b, left=a))
    assert np.array_equal(model([ROWS, ROWS[:, :3]]), layer(ROWS, ROWS[:, :3]))


def test_shapes_of_build_have_to_name_arguments_of_call():
    class Wrong(Bilinear):
        def build(self, left_shape, other_shape):
            pass

    with pytest.raises(ValueError, match=r"received `build.*` argument `other_shape`"):
        Wrong()(ROWS, ROWS)


def test_tensors_and_other_values_are_not_mixed():
    with pytest.raises(ValueError, match="you cannot mix tensors and non-tensors"):
        layers.Add()(inputs=[ROWS, 2.0])
