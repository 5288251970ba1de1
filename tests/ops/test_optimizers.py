"""Optimizers against their formulas in float64: several steps on flat buffers."""

import numpy as np
import pytest

from tests.ops.flat import run_updates
from tests.reference.optimizers import step

CASES = {
    "sgd": ("sgd", 0, {}),
    "sgd momentum": ("sgd", 1, {"momentum": 0.9}),
    "sgd nesterov": ("sgd", 1, {"momentum": 0.9, "nesterov": True}),
    "adam": ("adam", 2, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    "adam amsgrad": ("adam", 3, {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3, "amsgrad": True}),
    "rmsprop": ("rmsprop", 1, {"rho": 0.9, "epsilon": 1e-7}),
    "rmsprop momentum": ("rmsprop", 2, {"rho": 0.9, "epsilon": 1e-7, "momentum": 0.8}),
    "rmsprop centered": ("rmsprop", 2, {"rho": 0.9, "epsilon": 1e-3, "centered": True}),
    "rmsprop both": (
        "rmsprop",
        3,
        {"rho": 0.9, "epsilon": 1e-3, "momentum": 0.8, "centered": True},
    ),
    "adagrad": ("adagrad", 1, {"epsilon": 1e-7}),
    "adadelta": ("adadelta", 2, {"rho": 0.95, "epsilon": 1e-3}),
    "adamax": ("adamax", 2, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    "nadam": ("nadam", 2, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    "lion": ("lion", 1, {"beta_1": 0.9, "beta_2": 0.99}),
}
RATES = [0.1, 0.05, 0.02]


def some_buffers(slots, size, seed=0):
    """Weights, gradients and slots that past steps may have left: a mean square, then averages
    whose squares are below it."""
    rng = np.random.default_rng(seed)
    buffers = {"p": rng.normal(size=size), "g": rng.normal(size=size)}
    for i in range(slots):
        buffers[f"slot {i}"] = rng.uniform(*((0.1, 0.5) if i else (0.5, 1.0)), size=size)
    return {name: array.astype(np.float32) for name, array in buffers.items()}


def expected_buffers(op, attrs, buffers, rates=RATES, first=0, decay=0.0, decayed=slice(None)):
    exact = {name: array.astype(np.float64) for name, array in buffers.items()}
    p, g, *slots = exact.values()
    for i, rate in enumerate(rates):
        p[decayed] -= p[decayed] * decay * rate
        step(op, p, g, slots, rate, first + i, attrs)
    return exact


def assert_buffers(actual, expected, tolerance=3e-6):
    for name, array in actual.items():
        np.testing.assert_allclose(
            array, expected[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.mark.parametrize("size", [1, 37, 9000])
@pytest.mark.parametrize("case", CASES)
def test_three_steps(case, size):
    op, slots, attrs = CASES[case]
    buffers = some_buffers(slots, size)
    expected = expected_buffers(op, attrs, buffers)
    run_updates([(op, list(buffers), attrs)], buffers, [(r, i) for i, r in enumerate(RATES)])
    assert_buffers(buffers, expected)


@pytest.mark.parametrize(
    ("case", "first"),
    [("adam", 10), ("adam", 1_000_000), ("adamax", 5000), ("nadam", 10), ("nadam", 5000)],
)
def test_steps_far_into_training(case, first):
    op, slots, attrs = CASES[case]
    buffers = some_buffers(slots, 20)
    expected = expected_buffers(op, attrs, buffers, RATES[:1], first)
    run_updates([(op, list(buffers), attrs)], buffers, [(RATES[0], first)])
    assert_buffers(buffers, expected)


@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_threads(case):
    op, slots, attrs = CASES[case]
    attrs = {**attrs, "weight_decay": 0.01, "decay_ranges": [5, 6000, 7001, 20000]}
    results = []
    for threads in (1, 2, 3):
        buffers = some_buffers(slots, 20011)
        run_updates([(op, list(buffers), attrs)], buffers, [(0.1, 0)], threads)
        results.append(buffers)
    for other in results[1:]:
        assert all(np.array_equal(other[name], results[0][name]) for name in other)


@pytest.mark.parametrize("case", CASES)
def test_weights_decay_before_the_step(case):
    op, slots, attrs = CASES[case]
    buffers = some_buffers(slots, 300)
    expected = expected_buffers(op, attrs, buffers, decay=0.3)
    hyper = [(r, i) for i, r in enumerate(RATES)]
    run_updates([(op, list(buffers), {**attrs, "weight_decay": 0.3})], buffers, hyper)
    assert_buffers(buffers, expected)


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [0, 10],
        [290, 300],
        [3, 3],
        [1, 20, 20, 21, 100, 299],
        [0, 300],
        [*range(5, 298), 298, 298, 299],
        [1] * 256 + [2, 4],
    ],
)
def test_decay_of_ranges(ranges):
    buffers = some_buffers(0, 300)
    decayed = np.zeros(300, bool)
    for begin, end in zip(ranges[::2], ranges[1::2], strict=True):
        decayed[begin:end] = True
    expected = expected_buffers("sgd", {}, buffers, decay=0.5, decayed=decayed)
    attrs = {"weight_decay": 0.5, "decay_ranges": ranges}
    run_updates([("sgd", ["p", "g"], attrs)], buffers, [(r, i) for i, r in enumerate(RATES)])
    assert_buffers(buffers, expected)


def test_accumulated_gradients_make_one_update_for_several_steps():
    op, slots, attrs = CASES["adam"]
    buffers = {**some_buffers(slots, 50), "sum": np.zeros(50, np.float32)}
    start, g = {k: v.copy() for k, v in buffers.items()}, buffers["g"].copy()
    names = ["p", "g", "slot 0", "slot 1"]
    updates = [
        ("gradient_accumulate", ["g", "sum"], {"steps": 3}),
        (op, names, {**attrs, "accumulation_steps": 3}),
    ]
    for i in range(2):
        run_updates(updates, buffers, [(0.1, i)])
        assert_buffers(buffers, {**start, "sum": g * (i + 1)})
    run_updates(updates, buffers, [(0.1, 2)])
    expected = expected_buffers(op, attrs, {n: start[n] for n in names}, [0.1])
    assert_buffers(buffers, {**expected, "sum": np.zeros(50)})


@pytest.mark.parametrize("frequency", [0, 2])
def test_ema(frequency):
    buffers = {"p": np.float32([1, 2, 3]), "average": np.float32([9, 9, 9])}
    attrs = {"momentum": 0.75, "overwrite_frequency": frequency}
    run_updates([("ema", ["p", "average"], attrs)], buffers, [(0, 0)])
    np.testing.assert_array_equal(
        buffers["average"], [1, 2, 3]
    )  # the first step starts the average
    buffers["p"] += 4
    run_updates([("ema", ["p", "average"], attrs)], buffers, [(0, 1)])
    np.testing.assert_array_equal(buffers["average"], [2, 3, 4])
    np.testing.assert_array_equal(buffers["p"], [2, 3, 4] if frequency else [5, 6, 7])


@pytest.mark.parametrize(
    ("op", "names", "attrs", "words"),
    [
        ("adam", ["p", "g"], {}, "takes p, g, momentum, velocity, got 2 inputs"),
        ("sgd", ["p", "short"], {}, "differ in size"),
        ("sgd", ["p", "g"], {"weight_decay": 0.1, "decay_ranges": [0, 9]}, "decay_ranges"),
        ("sgd", ["p", "g"], {"weight_decay": 0.1, "decay_ranges": [3, 2]}, "decay_ranges"),
        ("sgd", ["p", "g"], {"accumulation_steps": 0}, "accumulation_steps"),
    ],
)
def test_bad_arguments(op, names, attrs, words):
    buffers = {n: np.zeros(8 if n != "short" else 7, np.float32) for n in ("p", "g", "short")}
    with pytest.raises(ValueError, match=words):
        run_updates([(op, names, attrs)], buffers)
