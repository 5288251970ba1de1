"""The recurrent ops against the layers of Keras itself: outputs, states and gradients."""

import itertools

import numpy as np
import pytest

from tests.ops.harness import assert_close, run_op
from tests.ops.rnn_cases import FLAGS, GATES, RnnCase
from tests.reference.real_keras import against_keras, real_keras

LAYERS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
CASES = [(op, flags, {}) for op in GATES for flags in itertools.product([False, True], repeat=3)]
CASES += [
    ("gru", flags, {"reset_after": False}) for flags in itertools.product([False, True], repeat=3)
]
CASES += [
    (op, (False, True, False), {"activation": activation, "recurrent_activation": recurrent})
    for op in ("lstm", "gru")
    for activation, recurrent in [
        ("relu", "hard_sigmoid"),
        ("linear", "sigmoid"),
        ("elu", "tanh"),
        ("softsign", "softplus"),
    ]
]


def keras_results(keras, case, operands, seeds):
    """Outputs and gradients of x, kernel, recurrent kernel, bias and states by Keras on PyTorch."""
    import torch

    flags = {k: v for k, v in case.attrs.items() if k != "zero_output_for_mask"}
    layer = getattr(keras.layers, LAYERS[case.op])(case.units, return_state=True, **flags)
    layer.zero_output_for_mask = case.attrs.get("zero_output_for_mask", False)
    layer.build((case.batch, case.steps, case.features))
    layer.set_weights([o.array for o in operands[1:4]])
    x = torch.tensor(operands[0].array, requires_grad=True)
    states = [torch.tensor(o.array, requires_grad=True) for o in operands[4 : 4 + case.state_count]]
    mask = operands[4 + case.state_count]
    mask = None if mask is None else torch.tensor(mask.array != 0)
    outputs = layer(x, initial_state=states, mask=mask)
    loss = sum((y * torch.tensor(s)).sum() for y, s in zip(outputs, seeds, strict=True))
    loss.backward()
    gradients = [
        x.grad,
        *[w.value.grad for w in layer.trainable_weights],
        *[s.grad for s in states],
    ]
    return [y.detach().numpy() for y in outputs], [g.numpy() for g in gradients]


@against_keras
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(("op", "flags", "attrs"), CASES)
def test_results_and_gradients_are_those_of_keras(op, flags, attrs, mask):
    keras = real_keras()
    attrs = {**dict(zip(FLAGS, flags, strict=True)), **attrs}
    if op == "simple_rnn":
        attrs.pop("recurrent_activation", None)
    case = RnnCase(op, batch=6, steps=5, units=4, states=True, mask=mask, attrs=attrs)
    rng = np.random.default_rng(7)
    operands = case.operands(rng)
    sequence = (case.steps,) if attrs["return_sequences"] else ()
    seeds = [
        rng.normal(size=(case.batch, *s, case.units)).astype(np.float32)
        for s in [sequence] + [()] * case.state_count
    ]
    outputs, gradients = keras_results(keras, case, operands, seeds)
    found = run_op(op, operands, attrs, seeds)
    for got, want in zip(found.outputs, outputs, strict=True):
        assert_close(got, want, 1e-5, "output")
    for got, want in zip(found.gradients, gradients, strict=False):
        assert_close(got, want, 2e-5, "gradient")
