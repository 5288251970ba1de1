"""Whether more or less of a quantity is better."""

import operator
from types import SimpleNamespace

import pytest
from stand_in import StandIn, train

from convnet.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau


def metric(name, direction=None):
    return SimpleNamespace(name=name, **({"_direction": direction} if direction else {}))


def container(*metrics):
    """Stands for the container in which the trainer keeps the metrics given to `compile`."""
    return SimpleNamespace(name="compile_metrics", metrics=list(metrics))


@pytest.mark.parametrize(
    ("monitor", "mode", "better"),
    [
        ("loss", "auto", operator.lt),
        ("val_loss", "auto", operator.lt),
        ("accuracy", "auto", operator.gt),
        ("val_accuracy", "auto", operator.gt),
        ("mae", "auto", operator.lt),
        ("val_mae", "max", operator.gt),
        ("accuracy", "min", operator.lt),
        ("unheard_of", "max", operator.gt),
    ],
)
def test_direction_is_the_metric_s_unless_given(monitor, mode, better):
    callback = EarlyStopping(monitor=monitor, mode=mode)
    model = StandIn(
        metrics=[metric("loss"), container(metric("accuracy", "up"), metric("mae", "down"))]
    )
    train(callback, model, [{monitor: 1.0}])
    assert callback.monitor_op is better


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping("val_score"),
        ReduceLROnPlateau("val_score"),
        ModelCheckpoint("a.keras", "val_score", save_best_only=True),
    ],
)
def test_unknown_direction_is_an_error(callback):
    model = StandIn(metrics=[container(metric("score"))])
    with pytest.raises(ValueError, match=r"monitor=val_score.*Pass `mode='max'`"):
        train(callback, model, [{"val_score": 1.0}, {"val_score": 1.0}])


def test_unknown_mode_falls_back_to_auto():
    with pytest.warns(
        UserWarning, match="EarlyStopping mode 'least' is unknown, fallback to auto mode"
    ):
        assert EarlyStopping(mode="least").mode == "auto"


def test_rounding_errors_are_no_improvement():
    stop = EarlyStopping("loss", min_delta=0.1)
    losses = [{"loss": value} for value in (-0.125, -0.22500000000000003, -1.0)]
    assert len(train(stop, StandIn(), losses)) == 2
