import numpy as np
import pytest

from convnet import config
from tests.invariants.nets import ALL


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
