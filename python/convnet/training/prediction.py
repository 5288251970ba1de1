"""`predict`: outputs for inputs, many samples in one call of the core."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import config, tree
from convnet.callbacks import CallbackList
from convnet.execution import FEW, LANES, PlanCache, PlannedCall, step_capacity
from convnet.training import data_adapter
from convnet.training.arguments import check_positive, check_verbose
from convnet.training.data_adapter import Arrays, BatchSource

# Samples of a call that is short enough for what does not fill its last shard to count.
_SHORT = 256


class Predictor:
    """The inference plans of a model.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._plans = PlanCache()
        self._last: _Last | None = None

    def predict(
        self, x: Any, batch_size: int | None, verbose: Any, steps: int | None, callbacks: Any
    ) -> Any:
        """Predict; arguments as for `Model.predict`."""
        last = self._last
        if last is not None and verbose == 0 and steps is callbacks is None:
            outputs = last.run(x)
            if outputs is not None:
                return outputs
        check_positive(batch_size=batch_size, steps=steps)
        check_verbose(verbose)
        if data_adapter.is_batch_source(x):
            return self._predict_source(x, verbose, steps, callbacks)
        data = self._model._data.arrays(x)
        if steps is not None:
            batch_size = batch_size or -(-data.samples // steps)
            data = data.rows(0, min(data.samples, steps * batch_size))
        if verbose == 0 and not callbacks:
            return self._run(data, x)
        batch = batch_size or 32
        batches = -(-data.samples // batch)
        listeners = self._model._listeners(callbacks, verbose, batches)
        if listeners.wants_predict_batches:
            parts = (data.rows(i * batch, (i + 1) * batch) for i in range(batches))
            return self._predict_parts(parts, listeners)
        listeners.on_predict_begin()
        listeners.on_predict_batch_begin(0)
        outputs = self._run(data)
        listeners.on_predict_batch_end(batches - 1, {"outputs": outputs})
        listeners.on_predict_end()
        return outputs

    def _predict_source(self, x: Any, verbose: Any, steps: int | None, callbacks: Any) -> Any:
        source = BatchSource(x, shuffle=False)
        source.begin_epoch(fresh=True)

        def parts() -> Any:
            count = 0
            while steps is None or count < steps:
                try:
                    batch = source.next_batch()
                except StopIteration:
                    return
                yield self._model._data.arrays(data_adapter.unpack(batch)[0])
                count += 1

        length = steps or source.length
        return self._predict_parts(parts(), self._model._listeners(callbacks, verbose, length))

    def _predict_parts(self, parts: Any, listeners: CallbackList) -> Any:
        self._model.stop_predicting = False
        listeners.on_predict_begin()
        results: list[Any] = []
        for index, part in enumerate(parts):
            listeners.on_predict_batch_begin(index)
            results.append(self._run(part))
            listeners.on_predict_batch_end(index, {"outputs": results[-1]})
            if self._model.stop_predicting:
                break
        listeners.on_predict_end()
        if not results:
            raise ValueError("The data source did not yield a single batch.")
        return _joined(results)

    def _run(self, data: Arrays, given: Any = None) -> Any:
        plans = self.plans(data)
        if plans[0][0].takes_one and data.x[0] is given:
            self._last = _Last([(plan, part.samples) for plan, part in plans])
        return _joined([plan(part.x) for plan, part in plans])

    def plans(self, data: Arrays) -> list[tuple[PlannedCall, Arrays]]:
        """The plans that predict together, each with its part of the data: a few samples beyond
        whole shards lie apart from those, where they are faster one by one.
        """
        whole = data.samples // LANES * LANES
        parts = [data]
        if 0 < data.samples - whole <= FEW and 0 < whole < _SHORT:
            plan = self._plan_for(data)
            if plan.lanes == 1:
                return [(plan, data)]
            parts = [data.rows(0, whole), data.rows(whole, data.samples)]
        return [(self._plan_for(part), part) for part in parts]

    def _plan_for(self, data: Arrays) -> PlannedCall:
        capacity = step_capacity(data.samples)
        shapes = [a.shape[1:] for a in data.x]

        def call(inputs: list[Any]) -> Any:
            return self._model(tree.pack_sequence_as(data.form, inputs))

        return self._plans.get(
            (tuple(shapes), capacity), lambda: PlannedCall(call, shapes, capacity, training=False)
        )


class _Last:
    """The plans that ran last, for arrays like the one that they took as it is.

    Args:
        parts: The plans, each with the number of samples that it takes.
    """

    def __init__(self, parts: list[tuple[PlannedCall, int]]) -> None:
        self._algorithms = config.algorithms_in_force()
        self._parts = parts
        self._run_only, self._samples = parts[0][0].run_one, parts[0][1]

    def run(self, x: Any) -> np.ndarray | None:
        """The results for an array, or None where the plans do not take it."""
        if self._algorithms != config.algorithms_in_force():
            return None
        if len(self._parts) == 1:
            return self._run_only(x, self._samples)
        if type(x) is not np.ndarray or len(x) != sum(samples for _, samples in self._parts):
            return None
        begin, results = 0, []
        for plan, samples in self._parts:
            result = plan.run_one(x[begin : begin + samples], samples)
            if result is None:
                return None
            results.append(result)
            begin += samples
        return np.concatenate(results)


def _joined(results: list[Any]) -> Any:
    if len(results) == 1:
        return results[0]
    leaves = zip(*(tree.flatten(result) for result in results), strict=True)
    return tree.pack_sequence_as(results[0], [np.concatenate(leaf) for leaf in leaves])
