"""Training that has gone astray."""

import pytest
from stand_in import StandIn

from convnet.callbacks import CallbackList, TerminateOnNaN


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_stops_and_says_so(loss, capsys):
    model = StandIn()
    CallbackList([TerminateOnNaN()], model=model).on_train_batch_end(7, {"loss": loss})
    assert model.stop_training
    assert capsys.readouterr().out == "Batch 7: Invalid loss, terminating training\n"


def test_raises_if_asked_to():
    with pytest.raises(
        RuntimeError, match=r"NaN or Inf loss encountered at batch 7\. Loss value: nan"
    ):
        TerminateOnNaN(raise_error=True).on_batch_end(7, {"loss": float("nan")})


@pytest.mark.parametrize("logs", [{"loss": 1e30}, {}, None, {"accuracy": float("nan")}])
def test_goes_on_otherwise(logs):
    model = StandIn()
    CallbackList([TerminateOnNaN()], model=model).on_train_batch_end(7, logs)
    assert not model.stop_training
