"""A model without numbers in it, for callbacks whose logs are written by hand."""

from types import SimpleNamespace


class StandIn:
    """Records what callbacks do to a model."""

    def __init__(self, learning_rate=0.001, metrics=()):
        self.optimizer = SimpleNamespace(learning_rate=learning_rate, built=True)
        self.metrics = list(metrics)
        self.built = True
        self.stop_training = False
        self.weights = None
        self.saved = []
        self.loaded = []

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        (self.weights,) = weights

    def save(self, path, overwrite=True):
        self._write(path, "model")

    def save_weights(self, path, overwrite=True):
        self._write(path, "weights")

    def load_weights(self, path):
        with open(path) as file:
            text = file.read()
        if not text.startswith("weights"):
            raise ValueError(f"{path} is not a weight file")
        self.loaded.append(text)

    def _write(self, path, kind):
        self.saved.append(path)
        with open(path, "w") as file:
            file.write(f"{kind} {self.weights}")


def train(callback, model, epochs, batches=0, log_at_batch=None):
    """Calls a callback as `fit` does.

    Args:
        callback: The callback.
        model: A stand-in; its `weights` are the number of the epoch.
        epochs: The logs of each epoch.
        batches: Number of batches of an epoch.
        log_at_batch: The logs of each batch.

    Returns:
        The logs as the callback left them, of the epochs that were run.
    """
    callback.set_model(model)
    callback.on_train_begin({})
    model.stop_training = False
    seen = []
    for epoch, logs in enumerate(epochs):
        callback.on_epoch_begin(epoch, {})
        for batch in range(batches):
            callback.on_train_batch_begin(batch, logs={})
            callback.on_train_batch_end(batch, logs=dict(log_at_batch or {}))
        model.weights = epoch
        seen.append(dict(logs))
        callback.on_epoch_end(epoch, seen[-1])
        if model.stop_training:
            break
    callback.on_train_end(seen[-1] if seen else {})
    return seen
