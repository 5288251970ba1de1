"""Each layer computes and trains on the GPU as on the CPU."""

import numpy as np
import pytest

import convnet
from convnet import config, layers, tree
from tests.layers import keras_pairs
from tests.layers.keras_cases import CASES

pytestmark = pytest.mark.cuda


def behind_dense(case):
    """The layer behind one with weights, so that a gradient has to pass it."""
    shapes = case.shape if isinstance(case.shape, list) else [case.shape]
    inputs = [layers.Input(shape[1:]) for shape in shapes]
    hidden = [layers.Dense(x.shape[-1])(x) for x in inputs]
    outputs = case.make(layers)(hidden if len(hidden) > 1 else hidden[0], **case.kwargs)
    return convnet.Model(inputs if len(inputs) > 1 else inputs[0], outputs)


def computed(case, device):
    """Predictions, and the loss and the weights after a step of training."""
    config.clear_session()
    with config.device(device):
        real = case.integers is None
        model = behind_dense(case) if real else keras_pairs.functional(convnet, case)
        keras_pairs.randomize(model)
        x = keras_pairs.inputs_of(case)
        outputs = tree.flatten(model.predict(x, verbose=0))
        rng = np.random.default_rng(2)
        y = [rng.normal(size=o.shape).astype("float32") for o in outputs]
        model.compile(convnet.optimizers.SGD(0.1), loss="mse")
        loss = tree.flatten(model.train_on_batch(x, y if len(y) > 1 else y[0]))[0]
        return [*outputs, np.array(loss), *model.get_weights()]


@pytest.mark.parametrize("name", CASES)
def test_computes_and_trains_as_on_the_cpu(name):
    case = CASES[name]
    for got, want in zip(computed(case, "gpu"), computed(case, "cpu"), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=10 * case.tolerance)
