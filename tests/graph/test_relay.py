"""Steps of a few samples: pieces run as soon as what they wait for is done, on any thread. Random
graphs with enough work for several threads must give the bits of one thread.
"""

import numpy as np
import pytest

from convnet import _core

STEPS, FEATURES = 37, 48


def random_graph(rng: np.random.Generator, gradients: bool):
    """A graph of one lane, its input, its results and the memory of its weights."""
    graph = _core.Graph(1)
    memory = {}

    def weight(*shape):
        id = graph.parameter(shape, "w")
        memory[id] = (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)
        return id

    def recurrent(op, gates, x):
        biases = (2, gates * FEATURES) if op == "gru" else (gates * FEATURES,)
        kernels = weight(FEATURES, gates * FEATURES), weight(FEATURES, gates * FEATURES)
        states = 2 if op == "lstm" else 1
        flags = {"return_sequences": True, "go_backwards": bool(rng.integers(2))}
        inputs = [x, *kernels, weight(*biases), *[None] * (states + 3)]
        return graph.add(op, inputs, flags | {"gradient": gradients})[0]

    x = graph.input((STEPS, FEATURES), "x")
    values = [x]
    for _ in range(12):
        recent = values[-4:]
        a, b = (recent[i] for i in rng.integers(len(recent), size=2))
        kind = rng.integers(7)
        if kind < 3:
            op, gates = [("lstm", 4), ("gru", 3), ("simple_rnn", 1)][kind]
            made = recurrent(op, gates, a)
        elif kind == 3:
            made = graph.add("dense", [a, weight(FEATURES, FEATURES), weight(FEATURES)])[0]
        elif kind == 4:
            made = graph.add("binary", [a, b], {"fn": "add"})[0]
        elif kind == 5:
            made = graph.add("dropout", [a], {"rate": 0.2, "seed": int(rng.integers(100))})[0]
        else:
            made = graph.add("reverse", [a], {"axis": 0})[0]
        values.append(graph.add("unary", [made], {"fn": "tanh"})[0])
    results = values[-2:]
    if gradients:
        seed = graph.add("unary", [values[-1]], {"fn": "square"})[0]
        results += graph.backward([], {values[-1]: seed}, [x]).values()
    return graph, x, results, memory


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    _core.set_num_threads(0)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_random_graphs_give_the_bits_of_one_thread(seed, gradients):
    rng = np.random.default_rng(seed)
    graph, x, results, memory = random_graph(rng, gradients)
    plan = _core.Plan(graph, results, 4)
    for id, array in memory.items():
        plan.bind(id, array)
    for samples in (1, 4, 7):
        data = rng.normal(size=(samples, STEPS, FEATURES)).astype(np.float32)
        _core.set_num_threads(1)
        expected = plan.predict({x: data}, samples)
        assert all(np.isfinite(e).all() for e in expected)
        for threads in (2, 3, 4) * 6:
            _core.set_num_threads(threads)
            for a, b in zip(plan.predict({x: data}, samples), expected, strict=True):
                assert np.array_equal(a, b)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize(("op", "gates"), [("lstm", 4), ("gru", 3), ("simple_rnn", 1)])
@pytest.mark.parametrize("lanes", [1, 16])
def test_a_crew_gives_the_bits_of_one_thread(op, gates, gradients, lanes):
    rng = np.random.default_rng(0)
    units = 260 if op == "simple_rnn" else 150
    graph, memory = _core.Graph(lanes), {}

    def weight(*shape):
        id = graph.parameter(shape, "w")
        memory[id] = (rng.normal(size=shape) / np.sqrt(units)).astype(np.float32)
        return id

    x = graph.input((STEPS, FEATURES), "x")
    weights = [weight(FEATURES, gates * units), weight(units, gates * units)]
    none = [None] * (5 if op == "lstm" else 4)
    attrs = {"return_sequences": True, "gradient": gradients}
    y = graph.add(op, [x, *weights, None, *none], attrs)[0]
    results = [y]
    if gradients:
        results += graph.backward(
            [], {y: graph.add("unary", [y], {"fn": "square"})[0]}, [x]
        ).values()
    plan = _core.Plan(graph, results, 48)
    for id, array in memory.items():
        plan.bind(id, array)
    for samples in (1, 3) if lanes == 1 else (1, 48):
        data = rng.normal(size=(samples, STEPS, FEATURES)).astype(np.float32)
        _core.set_num_threads(1)
        expected = plan.predict({x: data}, samples)
        for threads in (2, 3, 4) * 10:
            _core.set_num_threads(threads)
            for a, b in zip(plan.predict({x: data}, samples), expected, strict=True):
                assert np.array_equal(a, b)
