"""Data as `fit`, `evaluate` and `predict` accept it, turned into arrays."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convnet import config, tree
from convnet._core import DeviceArray
from convnet.execution import Fed

_FED_KINDS = "fiub"


@dataclass
class Arrays:
    """One data set in memory: inputs, targets and weights as flat lists of arrays.

    Attributes:
        x: Inputs, in the order of the model's inputs.
        y: Targets, in the order of the model's outputs; empty where there are none.
        weights: Sample weights, one for each output (None: not weighted), or empty.
        form: The structure that the model takes its inputs in.
        samples: Number of rows.
        on_gpu: The same data in a GPU's memory, while it is kept there.
    """

    x: list[Fed]
    y: list[Fed]
    weights: list[Fed | None]
    form: Any = None
    on_gpu: Arrays | None = None

    @property
    def samples(self) -> int:
        return len(self.x[0])

    @property
    def fed(self) -> Arrays:
        """What plans take."""
        return self.on_gpu or self

    def keep_on_gpu(self, gpu: int, room: int) -> int:
        """Copy to a GPU what is not there, if that fits into `room` bytes; gives what it took."""
        arrays = [a for a in [*self.x, *self.y, *self.weights] if isinstance(a, np.ndarray)]
        hosted = {id(a): a for a in arrays}
        size = sum(a.nbytes for a in hosted.values())
        if size > room:
            return 0
        try:
            copies: dict[int, Fed] = {key: DeviceArray(a, gpu) for key, a in hosted.items()}
        except MemoryError:  # somebody else has taken it
            return 0
        x, y = ([copies.get(id(a), a) for a in group] for group in (self.x, self.y))
        weights = [None if w is None else copies.get(id(w), w) for w in self.weights]
        self.on_gpu = Arrays(x, y, weights, self.form)
        return size

    def signature(self) -> tuple[Any, ...]:
        """What a plan depends on: shapes of single samples, and which weights are given."""
        weights = tuple(None if w is None else w.shape[1:] for w in self.weights)
        return (tuple(a.shape[1:] for a in self.x), tuple(a.shape[1:] for a in self.y), weights)

    def rows(self, start: int, stop: int) -> Arrays:
        """The samples from `start` to `stop`, without copying."""
        weights = [None if w is None else w[start:stop] for w in self.weights]
        x, y = ([a[start:stop] for a in group] for group in (self.x, self.y))
        return Arrays(x, y, weights, self.form)


def as_array(value: Any, what: str) -> Fed:
    """A contiguous array of numbers with a batch axis.

    What is offered on the GPU that computes stays there, and is not looked at.

    Raises:
        ValueError: if it is not numeric, has no batch axis, or no samples.
    """
    array: Fed
    if DeviceArray.is_offered(value):
        array = DeviceArray(value)
        if array.gpu != config.gpu():
            array = array.numpy()
    else:
        try:
            array = np.asarray(value.values if hasattr(value, "iloc") else value)
        except ValueError as error:
            raise ValueError(
                f"Invalid value for argument `{what}`. Expected an array of numbers. "
                f"Received: {error}"
            ) from None
    if array.dtype.kind not in _FED_KINDS:
        raise ValueError(
            f"Invalid dtype for argument `{what}`. Expected an array of numbers. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    if array.ndim == 0:
        raise ValueError(
            f"Invalid value for argument `{what}`. Expected an array with a batch axis. "
            f"Received: {array!r}"
        )
    if len(array) == 0:
        raise ValueError(
            f"Invalid value for argument `{what}`. Expected at least one sample. "
            f"Received: an empty array of shape {array.shape}"
        )
    if isinstance(array, DeviceArray):
        return array
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32)
    if array.dtype.isnative and array.flags.c_contiguous:
        return array
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def flatten_like(value: Any, names: list[str], what: str) -> list[Fed]:
    """Arrays given as one, a list or a dict, in the order of `names`.

    Raises:
        ValueError: if the number of arrays or the names do not match.
    """
    if value is None:
        return []
    if isinstance(value, dict):
        missing = [name for name in names if name not in value]
        if missing:
            raise ValueError(
                f"Invalid value for argument `{what}`. Expected a dict with the keys {names}. "
                f"Received: {sorted(value)}"
            )
        return [as_array(value[name], what) for name in names]
    if is_list_of_arrays(value):
        leaves = tree.flatten(list(value))
        if len(leaves) != len(names):
            raise ValueError(
                f"Invalid value for argument `{what}`. Expected {len(names)} arrays, for {names}. "
                f"Received: {len(leaves)} arrays"
            )
        return [as_array(leaf, what) for leaf in leaves]
    if len(names) > 1:
        raise ValueError(
            f"Invalid value for argument `{what}`. Expected {len(names)} arrays, for {names}. "
            "Received: 1 array"
        )
    return [as_array(value, what)]


def weights_like(value: Any, names: list[str]) -> list[Fed | None]:
    """Sample weights for each of the outputs `names`: one array for all, a list or a dict.

    Raises:
        ValueError: if weights are given for something else.
    """
    what = "sample_weight"
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict):
        if not value.keys() <= set(names):
            raise ValueError(
                f"Invalid value for argument `{what}`. Expected a dict with keys of {names}. "
                f"Received: {sorted(value)}"
            )
        return [as_array(value[name], what) if name in value else None for name in names]
    if is_list_of_arrays(value):
        return [*flatten_like(value, names, what)]
    return [as_array(value, what)] * len(names)


def is_list_of_arrays(value: Any) -> bool:
    """Whether `value` is a list or tuple of several arrays rather than of numbers."""
    return isinstance(value, (list, tuple)) and any(
        isinstance(leaf, np.ndarray) or hasattr(leaf, "iloc") or DeviceArray.is_offered(leaf)
        for leaf in value
    )


def check_counts(arrays: Mapping[str, Sequence[Fed | None]]) -> None:
    """Raise unless all arrays have the same number of rows.

    Raises:
        ValueError: naming each argument's sample counts.
    """
    sizes = {
        what: sorted({len(a) for a in group if a is not None}) for what, group in arrays.items()
    }
    if len({n for counts in sizes.values() for n in counts}) > 1:
        text = "\n".join(
            f"'{what}' sizes: {', '.join(map(str, counts))}"
            for what, counts in sizes.items()
            if counts
        )
        raise ValueError(
            f"Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples.{text}"
        )


def check_numbers(arrays: Iterable[Fed], what: str) -> None:
    """Raise where an array of the host holds NaN: a model trained on it would hold nothing else.

    Raises:
        ValueError: naming the first row with a NaN.
    """
    for array in arrays:
        if isinstance(array, DeviceArray) or array.dtype.kind != "f":
            continue
        if not np.isnan(np.sum(array, dtype=np.float64)):
            continue
        bad = np.isnan(array)
        if bad.any():
            rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
            raise ValueError(
                f"Invalid value for argument `{what}`. Expected numbers. Received: NaN in "
                f"{len(rows)} of {len(array)} samples, the first at index {rows[0]}"
            )


def class_weights_to_sample_weights(y: Fed, class_weight: dict[Any, float]) -> np.ndarray:
    """Weights of samples from weights of their classes; classes not named weigh 1.

    Args:
        y: Class numbers `(n,)` or `(n, 1)`, or one-hot rows `(n, classes)`.
        class_weight: Weight for each class number.

    >>> class_weights_to_sample_weights(np.array([0, 2, 1]), {0: 2.0, 1: 0.5}).tolist()
    [2.0, 1.0, 0.5]
    """
    try:
        table = {int(k): float(v) for k, v in class_weight.items()}
    except (AttributeError, TypeError, ValueError):
        raise ValueError(
            "Invalid value for argument `class_weight`. Expected a dict from class numbers to "
            f"weights. Received: class_weight={class_weight!r}"
        ) from None
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] > 1:
        classes = np.argmax(y, axis=-1)
    else:
        classes = np.round(y[..., 0] if y.ndim > 1 else y).astype(np.int64)
    values, places = np.unique(classes, return_inverse=True)
    weights = np.array([table.get(int(v), 1.0) for v in values], dtype=np.float32)
    return weights[places.reshape(classes.shape)]


def split_validation(data: Arrays, share: float) -> tuple[Arrays, Arrays]:
    """The first samples for training and the last `share` of them for validation.

    Raises:
        ValueError: if one part would be empty.
    """
    cut = int(np.floor(data.samples * (1.0 - share)))
    if cut == 0 or cut == data.samples:
        raise ValueError(
            f"Training data contains {data.samples} samples, which is not sufficient to split it "
            f"into a validation and training set as specified by `validation_split={share}`. "
            "Either provide more data, or a different value for the `validation_split` argument."
        )
    return data.rows(0, cut), data.rows(cut, data.samples)


def unpack(batch: Any) -> tuple[Any, Any, Any]:
    """`x`, `y` and `sample_weight` of what a generator yields."""
    if isinstance(batch, list):
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received: a tuple of {len(batch)} items"
        )
    x, y, weight = (*batch, None, None)[:3]
    return x, y, weight


def is_batch_source(x: Any) -> bool:
    """Whether `x` yields batches (a generator, an iterator or a sequence object)."""
    arrays = (np.ndarray, np.generic, str, bytes, list, tuple, dict)
    if isinstance(x, arrays) or hasattr(x, "iloc") or hasattr(x, "__array__"):
        return False
    if DeviceArray.is_offered(x):
        return False
    return isinstance(x, Iterator) or hasattr(x, "__iter__") or hasattr(x, "__getitem__")


class BatchSource:
    """Batches of a generator, an iterable or a `PyDataset`-like object, epoch after epoch.

    An endless generator goes on where the last epoch stopped; an object with `__len__` and
    `__getitem__` starts again (and hears `on_epoch_end`).
    """

    def __init__(self, source: Any, shuffle: bool) -> None:
        self.source = source
        self.length = _length(source)
        self.indexed = hasattr(source, "__getitem__") and self.length is not None
        self.shuffle = shuffle and self.indexed
        self._iterator: Iterator[Any] | None = None

    def begin_epoch(self, fresh: bool) -> None:
        """Prepare an epoch; `fresh`: start from the beginning where that is possible."""
        if hasattr(self.source, "on_epoch_begin"):
            self.source.on_epoch_begin()
        if self._iterator is None or fresh:
            self._iterator = self._make_iterator()

    def _make_iterator(self) -> Iterator[Any]:
        if not self.indexed:
            return iter(self.source)
        order = np.arange(self.length or 0)
        if self.shuffle:
            np.random.shuffle(order)  # noqa: NPY002
        return (self.source[int(i)] for i in order)

    def end_epoch(self) -> None:
        """Tell the source that an epoch is over."""
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def next_batch(self) -> Any:
        """The next batch; raises StopIteration at the end."""
        assert self._iterator is not None
        return next(self._iterator)


def _length(source: Any) -> int | None:
    if hasattr(source, "num_batches"):
        return None if source.num_batches is None else int(source.num_batches)
    return len(source) if hasattr(source, "__len__") else None


def warn_out_of_data() -> None:
    """Keras's warning for a generator that ends before the epoch does."""
    warnings.warn(
        "Your input ran out of data; interrupting training. Make sure that your dataset or "
        "generator can generate at least `steps_per_epoch * epochs` batches. You may need to use "
        "the `.repeat()` function when building your dataset.",
        stacklevel=4,
    )
