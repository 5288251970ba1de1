"""Data in the order of a model's inputs and outputs."""

from __future__ import annotations

from typing import Any

from convnet import tree
from convnet.training import data_adapter
from convnet.training.arguments import check_positive
from convnet.training.data_adapter import Arrays
from convnet.training.feeds import ArrayFeed, SourceFeed

Feed = ArrayFeed | SourceFeed


class ModelData:
    """Turns what users pass to `fit` and its kin into arrays and feeds.

    Args:
        model: The model that the data is for.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def arrays(self, x: Any, y: Any = None, sample_weight: Any = None) -> Arrays:
        """Inputs, targets and weights as flat lists of arrays.

        Raises:
            ValueError: if they do not fit the model or each other.
        """
        names = self._target_names(y)
        inputs = data_adapter.flatten_like(x, self._input_names(x), "x")
        if not inputs:
            raise ValueError("Invalid value for argument `x`. Expected an array. Received: None")
        targets = data_adapter.flatten_like(y, names, "y")
        weights = data_adapter.weights_like(sample_weight, names[: len(targets)])
        data_adapter.check_counts({"x": inputs, "y": targets, "sample_weight": weights})
        return Arrays(inputs, targets, weights, self._input_form(x, len(inputs)))

    def feed(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool = False,
        class_weight: dict[Any, float] | None = None,
    ) -> Feed:
        """The batches of an epoch.

        Args:
            x: Arrays, or a source of batches.
            y: Targets, for arrays.
            sample_weight: Weights, for arrays.
            batch_size: Samples of a batch of arrays.
            steps: Batches of an epoch; by default all.
            shuffle: Whether to shuffle.
            class_weight: Weight of each class number.
        """
        if not data_adapter.is_batch_source(x):
            y, sample_weight = with_class_weight(y, class_weight, sample_weight)
            return array_feed(self.arrays(x, y, sample_weight), batch_size, steps, shuffle)
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"When providing `x` as a {type(x).__name__}, `{name}` should not be passed. "
                    f"Instead, it should be included as part of the {type(x).__name__}. "
                    f"Received: {name} of type {type(value)}"
                )

        def convert(batch: Any) -> Arrays:
            inputs, targets, weight = data_adapter.unpack(batch)
            return self.arrays(inputs, *with_class_weight(targets, class_weight, weight))

        return SourceFeed(data_adapter.BatchSource(x, shuffle), convert, steps)

    def validation_feed(self, data: Any, batch_size: int | None, steps: int | None) -> Feed:
        """The batches of a validation.

        Args:
            data: `(x, y)`, `(x, y, sample_weight)` or a source of batches.
            batch_size: Samples of a batch of arrays.
            steps: Batches of a validation; by default all.
        """
        if data_adapter.is_batch_source(data):
            return self.feed(data, steps=steps)
        return self.feed(*data_adapter.unpack(data), batch_size, steps)

    def split(
        self, x: Any, y: Any, sample_weight: Any, share: float, class_weight: Any
    ) -> tuple[Arrays, Arrays]:
        """Arrays for training and for validation; see `data_adapter.split_validation`.

        Weights of classes count in training alone.
        """
        if data_adapter.is_batch_source(x):
            raise ValueError(
                "Argument `validation_split` is only supported for tensors or NumPy arrays. "
                f"Received: x of type {type(x)}"
            )
        train, rest = data_adapter.split_validation(self.arrays(x, y, sample_weight), share)
        if class_weight is not None:
            _, weights = with_class_weight(y, class_weight, sample_weight)
            train.weights = [weights[: train.samples]]
        return train, rest

    def _input_names(self, x: Any) -> list[str]:
        inputs = getattr(self._model, "inputs", None)
        if not inputs:
            return _numbered_names(x, "input")
        structure = getattr(self._model, "input", None)
        if isinstance(structure, dict) and isinstance(x, dict) and structure.keys() <= x.keys():
            return sorted(structure)
        return [tensor.name for tensor in inputs]

    def _target_names(self, y: Any) -> list[str]:
        names = getattr(self._model, "output_names", None)
        if names:
            outputs = self._model.output
            return sorted(outputs) if isinstance(outputs, dict) else list(names)
        return _numbered_names(y, "output")

    def _input_form(self, x: Any, count: int) -> Any:
        """How the model takes its inputs: as it was made, or as they were given."""
        if not getattr(self._model, "inputs", None) and isinstance(x, dict):
            return dict.fromkeys(x)
        return None if count == 1 else [None] * count


def array_feed(data: Arrays, batch_size: int | None, steps: int | None, shuffle: bool) -> ArrayFeed:
    """The batches of arrays in memory.

    Args:
        data: The arrays.
        batch_size: Samples of a batch; by default 32, or what makes `steps` batches of them.
        steps: Batches of an epoch; by default all.
        shuffle: Whether to shuffle.

    Raises:
        ValueError: if there is a NaN among the numbers.
    """
    check_positive(batch_size=batch_size)
    if batch_size is None:
        batch_size = -(-data.samples // steps) if steps else 32
    data_adapter.check_numbers(data.x, "x")
    data_adapter.check_numbers(data.y, "y")
    data_adapter.check_numbers([w for w in data.weights if w is not None], "sample_weight")
    return ArrayFeed(data, batch_size, shuffle, steps)


def with_class_weight(y: Any, class_weight: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Targets, and sample weights that may come from the weights of their classes.

    Raises:
        ValueError: if there are other weights already, or several outputs.
    """
    if class_weight is None:
        return y, sample_weight
    if sample_weight is not None:
        raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
    if isinstance(y, dict) or data_adapter.is_list_of_arrays(y):
        raise ValueError(
            "`class_weight` is only supported for Models with a single output. "
            f"Received: y with {len(tree.flatten(y))} arrays"
        )
    target = data_adapter.as_array(y, "y")
    return y, data_adapter.class_weights_to_sample_weights(target, class_weight)


def _numbered_names(data: Any, prefix: str) -> list[str]:
    if isinstance(data, dict):
        return sorted(data)
    several = data_adapter.is_list_of_arrays(data)
    return [f"{prefix}_{i}" for i in range(len(data) if several else 1)]
