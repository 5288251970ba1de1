"""Callbacks that change the learning rate."""

import numpy as np
import pytest
from stand_in import StandIn, train

from convnet.callbacks import LearningRateScheduler, ReduceLROnPlateau

RATE = float(np.float32(0.001))


def rates(seen):
    return [logs["learning_rate"] for logs in seen]


def test_schedule_of_epoch_and_rate():
    schedule = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    assert rates(train(schedule, StandIn(0.5), [{}] * 3)) == [0.5, 0.25, 0.125]


def test_schedule_of_the_epoch_alone():
    schedule = LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1))
    assert rates(train(schedule, StandIn(), [{}] * 2)) == [1.0, 0.5]


def test_schedule_is_told_the_rate_in_single_precision():
    told = []
    train(LearningRateScheduler(lambda _, rate: told.append(rate) or rate), StandIn(), [{}])
    assert told == [RATE]


def test_schedule_says_what_it_sets(capsys):
    train(LearningRateScheduler(lambda epoch, rate: 0.05, verbose=1), StandIn(), [{}])
    message = "\nEpoch 1: LearningRateScheduler setting learning rate to 0.05.\n"
    assert capsys.readouterr().out == message


@pytest.mark.parametrize("wrong", [1, "0.1", None, [0.1]])
def test_schedule_must_return_a_float(wrong):
    with pytest.raises(ValueError, match="output of the `schedule` function should be a float"):
        train(LearningRateScheduler(lambda epoch, rate: wrong), StandIn(), [{}])


def test_optimizer_without_learning_rate():
    model = StandIn()
    model.optimizer = object()
    with pytest.raises(ValueError, match='must have a "learning_rate" attribute'):
        train(LearningRateScheduler(lambda epoch, rate: rate), model, [{}])


@pytest.mark.parametrize(
    ("arguments", "values", "reductions"),
    [
        ({"patience": 1}, [1, 1, 1, 0.5], [2, 3]),
        ({"patience": 2}, [1, 1, 1, 1, 1, 0], [3, 5]),
        ({"patience": 2}, [1, 1, 0.5, 0.6, 0.6], [5]),
        ({"patience": 1}, [1, 0.99995, 0.5], [2]),
        ({"patience": 1, "min_delta": 0}, [1, 0.99995, 0.5], []),
        ({"patience": 1, "mode": "max"}, [1, 2, 2], [3]),
        ({"patience": 1, "cooldown": 2}, [1, 1, 1, 1, 1], [2, 4]),
        ({"patience": 1, "cooldown": 9}, [1, 1, 1, 1, 1], [2]),
    ],
)
def test_plateau(arguments, values, reductions, capsys):
    reduce = ReduceLROnPlateau(verbose=1, **{"mode": "min", **arguments})
    train(reduce, StandIn(), [{"val_loss": value} for value in values])
    said = [int(line.split()[1][:-1]) for line in capsys.readouterr().out.splitlines() if line]
    assert said == reductions


def test_plateau_stops_at_the_least_rate(capsys):
    model = StandIn(1.0)
    reduce = ReduceLROnPlateau(factor=0.1, patience=1, min_lr=0.05, mode="min", verbose=1)
    seen = train(reduce, model, [{"val_loss": 1.0}] * 6)
    assert model.optimizer.learning_rate == 0.05
    assert rates(seen)[:3] == [1.0, 1.0, float(np.float32(0.1))]
    assert capsys.readouterr().out.count("reducing") == 2


def test_plateau_says_the_rate_as_keras_does(capsys):
    reduce = ReduceLROnPlateau(patience=1, verbose=1)
    train(reduce, StandIn(RATE), [{"val_loss": 1.0}] * 2)
    assert capsys.readouterr().out == (
        "\nEpoch 2: ReduceLROnPlateau reducing learning rate to 0.00010000000474974513.\n"
    )


def test_plateau_can_be_used_again():
    reduce = ReduceLROnPlateau(patience=1)
    train(reduce, StandIn(), [{"val_loss": 0.1}] * 2)
    model = StandIn()
    train(reduce, model, [{"val_loss": 5.0}])
    assert model.optimizer.learning_rate == 0.001


def test_plateau_of_a_missing_quantity_is_a_warning():
    with pytest.warns(
        UserWarning, match=r"`val_loss` which is not available\. .*are: loss,learning"
    ):
        train(ReduceLROnPlateau(), StandIn(), [{"loss": 1.0}])


def test_plateau_refuses_a_factor_that_reduces_nothing():
    with pytest.raises(ValueError, match=r"factor >= 1\.0\. Received factor=1\.5"):
        ReduceLROnPlateau(factor=1.5)
