"""What a profile says of the ops of a step."""

import json

import numpy as np
import pytest
from bench import flops, workloads

import convnet
from convnet import _core, config, layers, ops
from convnet.profiling import Profile
from tests.invariants import nets

pytestmark = pytest.mark.cpu_only("its ops and threads")

SAMPLES = 18  # more than one shard, and some beyond whole ones
# The first layer with weights, whose input needs no gradient; None below an embedding.
FIRST_LAYER = {
    "mnist_cnn_3x3": "conv2d",
    "lenet5": "conv2d",
    "cifar_cnn": "conv2d",
    "softmax_3072": "dense",
    "stock_lstm": "lstm",
    "text_bilstm": None,
    "text_cnn": None,
}
PRODUCTS_WITH_INPUT = ("dense_chunks", "conv2d", "dense", "rnn_project")


@pytest.fixture(autouse=True)
def settings():
    config.clear_session()
    yield
    config.set_num_threads(None)


def workload(name):
    """A compiled net of the tutorials with a few samples."""
    [found] = [w for w in workloads.ALL if w.name == name]
    model, _ = workloads.make(found)
    x, y = found.data(np.random.default_rng(0), SAMPLES)
    return model, x, y


def cnn_profile(**options):
    model, x, y = nets.cnn()
    return model.profile(x, y, **{"batch_size": 50, "steps": 2} | options)


def flops_of(rows):
    return sum(row.flops for row in rows)


@pytest.mark.parametrize("name", FIRST_LAYER)
def test_operations_of_a_prediction_are_those_of_the_weights(name):
    model, x, _ = workload(name)
    profile = model.profile(x, steps=1)
    assert (profile.mode, profile.batch) == ("prediction", SAMPLES)
    assert profile.flops == SAMPLES * sum(flops.of_layer(layer) for layer in model.layers)


@pytest.mark.parametrize("name", FIRST_LAYER)
@pytest.mark.parametrize("algorithm", ["direct", "sparse"])
def test_a_step_of_training_takes_three_times_the_forward_operations(name, algorithm):
    """Whatever the algorithm, and but for the gradient of the data."""
    model, x, y = workload(name)
    forward = model.profile(x, steps=1)
    with config.algorithm(conv2d_backward=algorithm):
        profile = model.profile(x, y, steps=1)
    spared = [
        row
        for row in forward.rows
        if row.layer.split(" + ")[0] == FIRST_LAYER[name] and row.op in PRODUCTS_WITH_INPUT
    ]
    assert bool(spared) == (FIRST_LAYER[name] is not None)
    assert profile.flops == 3 * forward.flops - flops_of(spared)


def test_operations_of_products_of_tensors_are_counted():
    x = layers.Input((6, 4))
    model = convnet.Model(x, ops.matmul(x, ops.transpose(x, (0, 2, 1))))
    profile = model.profile(np.ones((20, 6, 4), np.float32), steps=1)
    assert profile.flops == 20 * 2 * 6 * 6 * 4


@pytest.mark.parametrize("make", nets.ALL)
@pytest.mark.parametrize("threads", [1, 2])
def test_times_add_up_to_the_step(make, threads):
    config.set_num_threads(threads)
    model, x, y = make()
    for profile in (model.profile(x, y), model.profile(x)):
        assert profile.batch == 32
        assert profile.steps >= 3
        assert 0 < profile.threads <= threads
        assert all(row.seconds > 0 and row.calls > 0 for row in profile.rows)
        assert 0 < profile.kernel_seconds < profile.seconds
        assert profile.kernel_seconds + profile.overhead == pytest.approx(profile.seconds)
        for by in ("layer", "op"):
            totals = profile.totals(by)
            assert sum(t.seconds for t in totals) == pytest.approx(profile.kernel_seconds)
            assert sum(t.flops for t in totals) == pytest.approx(profile.flops)
            assert sum(t.bytes for t in totals) == pytest.approx(profile.bytes)


@pytest.mark.parametrize("samples", [1, 48])
def test_the_share_of_the_peak_is_that_of_operations_a_second(samples, monkeypatch):
    config.set_num_threads(2)
    monkeypatch.setattr(_core, "probe_peak", lambda seconds: 2e10)
    model, x, _ = nets.cnn()
    profile = model.profile(x, batch_size=samples, steps=1)
    assert profile.threads == (1 if samples == 1 else 2), "a single sample is too little work"
    assert profile.peak == 1e10 * profile.threads
    for row in profile.rows:
        assert row.peak_share == pytest.approx(row.flops / row.seconds / profile.peak)
    assert profile.peak_share == pytest.approx(profile.flops / profile.seconds / profile.peak)


def test_bytes_are_those_of_inputs_and_outputs():
    model = convnet.Sequential([layers.Input((6,)), layers.Dense(4, use_bias=False)])

    def dense(samples):
        rows = model.profile(np.ones((samples, 6)), steps=3).rows
        return next(row.bytes for row in rows if row.op == "dense")

    assert dense(3) == 4 * (3 * (6 + 4) + 6 * 4)
    assert dense(27) == 4 * (2 * 16 * (6 + 4) + 6 * 4), "lanes beyond the batch are there, too"


def test_gradients_belong_to_the_layer_that_they_are_of():
    profile = cnn_profile()
    ops_of = {}
    for row in profile.rows:
        ops_of.setdefault(row.layer, []).append(row.op)
    assert list(ops_of) == [
        "conv2d + max_pooling2d",
        "conv2d_1 + max_pooling2d_1",
        "input",
        "dropout",
        "dense",
        "dense_1",
        "loss",
        "metrics",
        "optimizer",
    ]
    assert {"conv2d_pack", "conv2d", "conv2d_pooled_weight", "slot_sum"} <= set(
        ops_of["conv2d + max_pooling2d"]
    )
    assert {"dense", "dense_backward_input", "dense_backward_weight"} <= set(ops_of["dense"])
    assert ops_of["optimizer"] == ["adam"]
    assert "dropout_backward" in ops_of["dropout"]


def test_layers_in_layers_and_ops_have_their_names():
    inner = convnet.Sequential([layers.Input((5, 3)), layers.LSTM(4, name="cell")], name="inner")
    x = layers.Input((5, 3))
    both = layers.Bidirectional(layers.LSTM(4, name="rnn"), name="both")(x)
    y = ops.exp(layers.Concatenate(name="joined")([inner(x), both]))
    model = convnet.Model(x, y)
    profile = model.profile(np.zeros((16, 5, 3), np.float32), steps=1)
    found = {row.layer: row.op for row in profile.rows}
    assert found["inner/cell"] == "lstm"
    assert found["both/forward_rnn"] == found["both/backward_rnn"] == "lstm"
    assert found["joined"] == "concat"
    assert found["exp"] == "unary"


def test_penalties_belong_to_the_loss():
    model = convnet.Sequential(
        [layers.Input((3,)), layers.Dense(2, kernel_regularizer="l2", name="d")]
    )
    model.compile("sgd", "mse")
    rows = model.profile(np.ones((4, 3)), np.ones((4, 2)), steps=1).rows
    squares = [row.layer for row in rows if row.op == "reduce"]
    assert squares and set(squares) == {"loss"}


def test_the_layout_tells_few_samples_from_many():
    model, x, _ = nets.cnn()

    def layouts(samples):
        rows = model.profile(x, batch_size=samples, steps=1).rows
        return {row.layout for row in rows if row.op == "dense"}

    assert layouts(1) == layouts(8) == {"features in lanes"}
    assert layouts(16) == layouts(31) == {"batch in lanes"}
    assert layouts(18) == {"batch in lanes", "features in lanes"}, "as `predict` does it"


def test_the_algorithm_is_the_one_that_ran():
    rows = cnn_profile().rows
    sparse = {"sparse_lists", "sparse_images", "sparse_weight", "sparse_input", "sparse_lanes"}
    assert sparse < {row.op for row in rows}
    assert {row.algorithm for row in rows if row.op == "conv2d_pooled_weight"} == {"winners"}
    assert {row.algorithm for row in rows if row.op in sparse} == {"sparse"}
    assert {row.algorithm for row in rows if row.op == "dense"} == {""}


def test_batches_larger_than_a_step_of_prediction_count_whole():
    model, x, _ = nets.cnn()
    many = np.concatenate([x] * 3)
    profile = model.profile(many, batch_size=len(many), steps=2)
    assert profile.flops == len(many) * model.profile(x, batch_size=1, steps=1).flops
    assert len({row.op for row in profile.rows}) < len(profile.rows) < 20


def test_all_samples_are_used_where_a_batch_asks_for_more():
    assert cnn_profile(batch_size=1000).batch == 100


def test_sample_weights_are_part_of_the_step():
    model, x, y = nets.cnn()
    plain = model.profile(x, y, steps=1)
    weighted = model.profile(x, y, np.ones(len(x)), steps=1)
    inputs = [[row for row in p.rows if row.layer == "input"] for p in (plain, weighted)]
    assert len(inputs[1]) == len(inputs[0]) + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size`"),
        ({"steps": 0}, "`steps`"),
        ({"batch_size": 2.5}, "`batch_size`"),
    ],
)
def test_impossible_arguments_are_refused(options, message):
    model, x, _ = nets.cnn()
    with pytest.raises(ValueError, match=message):
        model.profile(x, **options)


def test_a_step_of_training_needs_compile():
    model = convnet.Sequential([layers.Input((3,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"must call `compile\(\)` before calling `profile\(\)`"):
        model.profile(np.ones((4, 3)), np.ones((4, 2)))
    assert model.profile(np.ones((4, 3)), steps=1).flops == 4 * 2 * 3 * 2


def test_plans_are_not_timed_unless_told():
    graph = _core.Graph()
    x = graph.input((3,), "x")
    plan = _core.Plan(graph, graph.add("unary", [x], {"fn": "relu"}), 16)
    feeds = {x: np.ones((16, 3), np.float32)}
    plan.predict(feeds, 16)
    assert not plan.timed
    with pytest.raises(ValueError, match="not timed"):
        plan.profile()
    plan.timed = True
    plan.predict(feeds, 16)
    plan.predict(feeds, 16)
    counted = plan.profile()
    assert counted["steps"] == 2
    assert [call["calls"] for call in counted["calls"]] == [2, 2, 2]
    plan.timed = True
    assert plan.profile()["steps"] == 0, "timing starts anew"


def test_a_profile_is_plain_data():
    profile = cnn_profile()
    found = json.loads(profile.to_json(indent=1))
    assert found == json.loads(json.dumps(profile.to_dict()))
    assert found["rows"][0]["layer"] == "conv2d + max_pooling2d"
    assert len(found["rows"]) == len(profile.rows)
    assert found["overhead"] == profile.overhead
    assert isinstance(profile, Profile)
