"""Callbacks: objects whose methods the training loop calls as it goes on."""

from convnet.callbacks.backup_and_restore import BackupAndRestore
from convnet.callbacks.callback import Callback
from convnet.callbacks.callback_list import CallbackList
from convnet.callbacks.csv_logger import CSVLogger
from convnet.callbacks.early_stopping import EarlyStopping
from convnet.callbacks.history import History
from convnet.callbacks.lambda_callback import LambdaCallback
from convnet.callbacks.learning_rate_scheduler import LearningRateScheduler
from convnet.callbacks.model_checkpoint import ModelCheckpoint
from convnet.callbacks.progbar_logger import ProgbarLogger
from convnet.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from convnet.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
