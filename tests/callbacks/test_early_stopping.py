"""When training stops, and which weights the model is left with."""

import pytest
from stand_in import StandIn, train

from convnet.callbacks import EarlyStopping


def losses(*values):
    return [{"val_loss": value} for value in values]


@pytest.mark.parametrize(
    ("arguments", "values", "epochs_run"),
    [
        ({}, [3, 2, 1, 1, 0], 4),
        ({}, [3, 4, 0], 2),
        ({"patience": 2}, [3, 4, 5, 2], 3),
        ({"patience": 2}, [3, 4, 2, 3, 3, 1], 5),
        ({"mode": "max"}, [1, 2, 3, 3, 4], 4),
        ({"min_delta": 0.5}, [3, 2.6, 0], 2),
        ({"min_delta": -0.5}, [3, 2.4, 2.0, 0], 3),
        ({"mode": "max", "min_delta": 0.5}, [1, 1.6, 1.9, 5], 3),
        ({"baseline": 1.0}, [3, 2, 1.5, 0.5], 4),
        ({"baseline": 1.0, "patience": 2}, [3, 3, 3, 0.5], 2),
        ({"baseline": 1.0, "patience": 2}, [0.5, 0.6, 0.7, 0], 3),
        ({"start_from_epoch": 3}, [1, 2, 3, 4, 5, 0], 5),
        ({"patience": 1}, [float("nan"), 1.0, 0.5], 2),
    ],
)
def test_stops_after_the_epoch(arguments, values, epochs_run):
    stop = EarlyStopping(**{"mode": "min", **arguments})
    assert len(train(stop, StandIn(), losses(*values))) == epochs_run


def test_first_epoch_never_stops():
    stop = EarlyStopping(mode="min", baseline=0.0)
    assert len(train(stop, StandIn(), losses(5.0))) == 1
    assert stop.stopped_epoch == 0


def test_weights_stay_unless_the_best_are_wanted():
    model = StandIn()
    train(EarlyStopping(mode="min", patience=2), model, losses(3, 1, 2, 2))
    assert model.weights == 3


@pytest.mark.parametrize("patience", [2, 9])
def test_best_weights_come_back_whether_stopped_or_not(patience, capsys):
    model = StandIn()
    stop = EarlyStopping(mode="min", patience=patience, restore_best_weights=True, verbose=1)
    train(stop, model, losses(3, 1, 2, 2))
    assert model.weights == 1
    stopped = "Epoch 4: early stopping\n" if patience == 2 else ""
    restored = "Restoring model weights from the end of the best epoch: 2.\n"
    assert capsys.readouterr().out == stopped + restored


def test_best_weights_come_back_where_none_beats_the_baseline():
    model = StandIn()
    stop = EarlyStopping(mode="min", patience=3, baseline=0.5, restore_best_weights=True)
    assert len(train(stop, model, losses(4, 3, 3.5, 3.6))) == 3
    assert model.weights == 1


def test_says_when_it_stopped(capsys):
    train(EarlyStopping(mode="min", verbose=1), StandIn(), losses(1, 2))
    assert capsys.readouterr().out == "Epoch 2: early stopping\n"


def test_can_be_used_again():
    stop = EarlyStopping(mode="min", patience=1, restore_best_weights=True)
    train(stop, StandIn(), losses(1, 2, 3))
    model = StandIn()
    assert len(train(stop, model, losses(9, 8, 8.5))) == 3
    assert model.weights == 1


def test_missing_quantity_is_a_warning():
    stop = EarlyStopping(monitor="val_auc", mode="max")
    with pytest.warns(UserWarning, match="`val_auc` which is not available.*are: accuracy,loss"):
        train(stop, StandIn(), [{"accuracy": 1.0, "loss": 0.0}])
