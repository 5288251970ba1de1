"""A training that is interrupted and goes on."""

import json

import pytest
from stand_in import StandIn, train

from convnet.callbacks import BackupAndRestore, LambdaCallback
from convnet.callbacks.callback_list import CallbackList


def interrupted_at(epoch):
    def interrupt(now, logs):
        if now == epoch:
            raise KeyboardInterrupt

    return LambdaCallback(on_epoch_begin=interrupt)


def interrupt(backup, epoch, batches=0):
    with pytest.raises(KeyboardInterrupt):
        train(CallbackList([backup, interrupted_at(epoch)]), StandIn(), [{}] * 9, batches)


def start(backup):
    model = StandIn()
    backup.set_model(model)
    backup.on_train_begin()
    return model


def test_goes_on_at_the_epoch_that_was_interrupted(tmp_path):
    interrupt(BackupAndRestore(tmp_path), epoch=4)
    model = start(BackupAndRestore(tmp_path))
    assert model.loaded == ["weights 3"]
    assert model._initial_epoch == 4


def test_goes_on_after_a_second_interruption_within_the_same_epoch(tmp_path):
    interrupt(BackupAndRestore(tmp_path, save_freq=2), epoch=3, batches=2)
    backup = BackupAndRestore(tmp_path, save_freq=2)
    start(backup)
    backup.on_train_batch_end(1)
    assert start(BackupAndRestore(tmp_path))._initial_epoch == 2


def test_first_training_starts_afresh(tmp_path):
    model = start(BackupAndRestore(tmp_path / "none"))
    assert model.loaded == []
    assert not hasattr(model, "_initial_epoch")


def test_saves_every_so_many_batches(tmp_path):
    model = StandIn()
    train(
        BackupAndRestore(tmp_path, save_freq=4, delete_checkpoint=False), model, [{}] * 2, batches=6
    )
    assert len(model.saved) == 3
    assert json.loads((tmp_path / "training_metadata.json").read_text()) == {"epoch": 1, "batch": 5}


def test_end_of_training_deletes_the_backup_and_nothing_else(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    train(BackupAndRestore(tmp_path, double_checkpoint=True), StandIn(), [{}] * 3)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_end_of_training_deletes_the_folder(tmp_path):
    train(BackupAndRestore(tmp_path / "backup"), StandIn(), [{}])
    assert not (tmp_path / "backup").exists()


def test_backup_may_be_kept(tmp_path):
    train(BackupAndRestore(tmp_path, delete_checkpoint=False), StandIn(), [{}])
    assert (tmp_path / "latest.weights.h5").exists()


def test_second_to_last_backup_helps_when_the_last_is_broken(tmp_path):
    interrupt(BackupAndRestore(tmp_path, double_checkpoint=True), epoch=4)
    (tmp_path / "latest.weights.h5").write_text("broken")
    model = start(BackupAndRestore(tmp_path))
    assert model.loaded == ["weights 2"]
    assert model._initial_epoch == 3


def test_broken_backup_is_an_error(tmp_path):
    interrupt(BackupAndRestore(tmp_path), epoch=4)
    (tmp_path / "training_metadata.json").write_text('{"epoch": "four"}')
    with pytest.raises(ValueError, match=r"Invalid backup .*Received: \{'epoch': 'four'\}"):
        start(BackupAndRestore(tmp_path))


def test_unbuilt_model(tmp_path):
    model = StandIn()
    model.built = False
    with pytest.raises(ValueError, match="must be built before"):
        train(BackupAndRestore(tmp_path), model, [{}])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("",), "Empty `backup_dir` argument passed"),
        (("backup", "batch"), "Invalid value for argument `save_freq`. Received: save_freq=batch"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BackupAndRestore(*arguments)
