"""When the model is saved, where, and what is said about it."""

import pytest
from stand_in import StandIn, train

from convnet.callbacks import ModelCheckpoint

LOSSES = [{"val_loss": value} for value in (1.0398, 1.5, 0.5)]


def names(model, folder):
    return [str(path).removeprefix(f"{folder}/") for path in model.saved]


def test_saves_after_each_epoch(tmp_path):
    model = StandIn()
    train(ModelCheckpoint(tmp_path / "ck.keras"), model, LOSSES)
    assert names(model, tmp_path) == ["ck.keras"] * 3
    assert (tmp_path / "ck.keras").read_text() == "model 2"


def test_saves_weights_only(tmp_path):
    model = StandIn()
    train(ModelCheckpoint(tmp_path / "ck.weights.h5", save_weights_only=True), model, LOSSES)
    assert (tmp_path / "ck.weights.h5").read_text() == "weights 2"


def test_path_has_placeholders_and_folders_are_made(tmp_path):
    model = StandIn()
    path = tmp_path / "new" / "{epoch:02d}-{val_loss:.2f}.keras"
    train(ModelCheckpoint(path), model, LOSSES)
    assert names(model, tmp_path / "new") == ["01-1.04.keras", "02-1.50.keras", "03-0.50.keras"]


@pytest.mark.parametrize(
    ("arguments", "saved"),
    [
        ({}, ["1.h5", "3.h5"]),
        ({"mode": "max"}, ["1.h5", "2.h5"]),
        ({"initial_value_threshold": 1.0}, ["3.h5"]),
        ({"mode": "max", "initial_value_threshold": 2.0}, []),
    ],
)
def test_best_only(tmp_path, arguments, saved):
    model = StandIn()
    train(ModelCheckpoint(tmp_path / "{epoch}.h5", save_best_only=True, **arguments), model, LOSSES)
    assert names(model, tmp_path) == saved


@pytest.mark.parametrize(
    ("save_freq", "saved"),
    [
        (1, ["1.1.h5", "1.2.h5", "1.3.h5", "2.1.h5", "2.2.h5", "2.3.h5"]),
        (2, ["1.2.h5", "2.1.h5", "2.3.h5"]),
        (4, ["2.1.h5"]),
        (7, []),
    ],
)
def test_number_of_batches_counts_over_epochs(tmp_path, save_freq, saved):
    model = StandIn()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.{batch}.h5", save_freq=save_freq)
    train(checkpoint, model, LOSSES[:2], batches=3)
    assert names(model, tmp_path) == saved


def test_epochs_of_one_batch_are_counted_too(tmp_path):
    model = StandIn()
    train(ModelCheckpoint(tmp_path / "{epoch}.h5", save_freq=2), model, [{}] * 5, batches=1)
    assert names(model, tmp_path) == ["2.h5", "4.h5"]


def test_batches_may_be_reported_several_at_once(tmp_path):
    model = StandIn()
    checkpoint = ModelCheckpoint(tmp_path / "{batch}.h5", save_freq=4)
    checkpoint.set_model(model)
    for batch in (2, 5, 8, 2, 5):
        checkpoint.on_train_batch_end(batch, {})
    assert names(model, tmp_path) == ["6.h5", "3.h5"]


def test_best_only_works_on_batches(tmp_path):
    model = StandIn()
    checkpoint = ModelCheckpoint(tmp_path / "{batch}.h5", "loss", save_best_only=True, save_freq=1)
    train(checkpoint, model, [{}], batches=3, log_at_batch={"loss": 1.0})
    assert names(model, tmp_path) == ["1.h5"]


def test_messages_of_best_only(tmp_path, capsys):
    path = tmp_path / "ck.keras"
    train(ModelCheckpoint(path, save_best_only=True, verbose=1), StandIn(), LOSSES)
    assert capsys.readouterr().out == (
        f"\nEpoch 1: val_loss improved from None to 1.03980, saving model to {path}\n"
        f"\nEpoch 1: finished saving model to {path}\n"
        f"\nEpoch 2: val_loss did not improve from 1.03980\n"
        f"\nEpoch 3: val_loss improved from 1.03980 to 0.50000, saving model to {path}\n"
        f"\nEpoch 3: finished saving model to {path}\n"
    )


def test_messages_of_every_epoch(tmp_path, capsys):
    path = tmp_path / "ck.keras"
    train(ModelCheckpoint(path, verbose=1), StandIn(), LOSSES[:1])
    assert capsys.readouterr().out == (
        f"\nEpoch 1: saving model to {path}\n\nEpoch 1: finished saving model to {path}\n"
    )


def test_missing_quantity_saves_with_a_warning(tmp_path):
    model = StandIn()
    checkpoint = ModelCheckpoint(tmp_path / "a.h5", save_best_only=True)
    with pytest.warns(UserWarning, match="Can save best model only with val_loss available"):
        train(checkpoint, model, [{"loss": 1.0}])
    assert names(model, tmp_path) == ["a.h5"]


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("a.h5", {"save_weights_only": True}, r"must end in `\.weights\.h5`.*filepath=a\.h5"),
        ("a.keras", {"save_weights_only": True}, r"must end in `\.weights\.h5`"),
        ("a.ckpt", {}, r"must end in `\.keras`.*filepath=a\.ckpt"),
        ("a.keras", {"save_freq": "batch"}, "Unrecognized save_freq: batch"),
        ("a.keras", {"save_freq": 1.5}, "Unrecognized save_freq: 1.5"),
    ],
)
def test_wrong_arguments(path, arguments, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(path, **arguments)


def test_unknown_placeholder(tmp_path):
    with pytest.raises(KeyError, match=r"Failed to format this callback filepath.*val_auc"):
        train(ModelCheckpoint(tmp_path / "{val_auc}.keras"), StandIn(), LOSSES)


def test_folder_in_the_way(tmp_path):
    (tmp_path / "a.keras").mkdir()
    with pytest.raises(OSError, match="non-directory filepath"):
        train(ModelCheckpoint(tmp_path / "a.keras"), StandIn(), LOSSES)
