import numpy as np
import pytest

from convnet import config
from tests.devices import emulated
from tests.invariants.nets import ALL, wide_cnn


def trained(make, threads):
    config.set_num_threads(threads)
    model, x, y = make()
    model.fit(x, y, epochs=2, batch_size=48, verbose=0)
    return model.get_weights(), model.predict(x, verbose=0)


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    config.set_num_threads(None)


@pytest.mark.parametrize("make", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_weights_do_not_depend_on_threads_or_on_the_run(make, threads):
    expected, outputs = trained(make, 1)
    weights, predictions = trained(make, threads)
    for a, b in zip(expected, weights, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(outputs, predictions)


@pytest.mark.parametrize("samples", [1, 3, 8])
def test_a_few_samples_give_the_same_bits_on_any_number_of_threads(samples):
    model, x = wide_cnn()
    batch = model.predict(x, verbose=0)
    config.set_num_threads(1)
    expected = model.predict(x[:samples], verbose=0)
    np.testing.assert_allclose(expected, batch[:samples], rtol=1e-4, atol=1e-6)
    for threads in (2, 3, 8):
        config.set_num_threads(threads)
        for _ in range(1 if emulated() else 20):
            assert np.array_equal(model.predict(x[:samples], verbose=0), expected)
