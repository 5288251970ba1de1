"""The CSV file of a training."""

import numpy as np
from stand_in import StandIn, train

from convnet.callbacks import CSVLogger


def test_one_line_an_epoch_with_sorted_columns(tmp_path):
    path = tmp_path / "log.csv"
    epochs = [{"loss": 0.5, "val_loss": 0.75, "accuracy": 0.9}, {"loss": 0.25, "accuracy": 1.0}]
    train(CSVLogger(path), StandIn(), epochs)
    assert path.read_bytes() == (
        b"epoch,accuracy,loss,val_loss\r\n0,0.9,0.5,0.75\r\n1,1.0,0.25,NA\r\n"
    )


def test_room_for_a_validation_that_comes_later(tmp_path):
    path = tmp_path / "log.csv"
    train(
        CSVLogger(path, separator=";"), StandIn(), [{"loss": 0.5}, {"loss": 0.25, "val_loss": 1.0}]
    )
    assert path.read_text().split() == ["epoch;loss;val_loss", "0;0.5;NA", "1;0.25;1.0"]


def test_existing_file_is_replaced_or_continued(tmp_path):
    path = tmp_path / "log.csv"
    for append in (True, True, False):
        logger = CSVLogger(path, append=append)
        train(logger, StandIn(), [{"loss": 0.5, "val_loss": 1.0}])
        lines = path.read_text().split()
        assert lines[0] == "epoch,loss,val_loss"
        assert lines[1:] == ["0,0.5,1.0"] * (len(lines) - 1)
        assert lines.count("0,0.5,1.0") == {True: len(lines) - 1, False: 1}[append]
    assert len(lines) == 2


def test_lines_are_there_while_training_goes_on(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 1.0})
    assert "0,0.5,1.0" in (tmp_path / "log.csv").read_text()
    logger.on_train_end()


def test_values_that_are_no_numbers(tmp_path):
    path = tmp_path / "log.csv"
    logs = {"list": np.array([1, 2]), "scalar": np.array(3), "text": "a b", "val_x": 1.0}
    train(CSVLogger(path), StandIn(), [logs])
    assert path.read_text().splitlines()[1] == '0,"""[1, 2]""",3,a b,1.0'
