"""The `model.weights.h5` layout of Keras 3: one group of numbered arrays for each object."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

from convnet.saving import weights_tree
from convnet.saving.hdf5_reader import Group

Array = np.ndarray[Any, Any]


class WriteStore(MutableMapping[str, Any]):
    """What `save_own_variables` writes to: a group of an HDF5 file.

    Args:
        group: An h5py group.
    """

    def __init__(self, group: Any) -> None:
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        self._group[key] = np.asarray(value)

    def __getitem__(self, key: str) -> Array:
        return np.asarray(self._group[key])

    def __delitem__(self, key: str) -> None:
        del self._group[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)


class ReadStore(Mapping[str, Array]):
    """What `load_own_variables` reads from: arrays by name, none if the file has no such group.

    Args:
        group: A group of an HDF5 file, or `None`.
    """

    def __init__(self, group: Group | None) -> None:
        self._group = group
        self._names = group.keys() if group is not None else []

    def __getitem__(self, key: str) -> Array:
        if self._group is None or key not in self._names:
            raise KeyError(key)
        return self._group.dataset(key).read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def write_weights(model: Any, root: Any) -> None:
    """Writes the weights of a model, and the state of its optimizer.

    Args:
        model: The model.
        root: The h5py file to write to.
    """
    _write(model, root, "", visited={})


def _write(obj: Any, root: Any, path: str, visited: dict[int, Any]) -> None:
    if id(obj) in visited:
        return
    visited[id(obj)] = obj  # kept, so that no other object can take its id
    if not weights_tree.has_weights(obj):
        for name, child in weights_tree.members(obj):
            _write(child, root, weights_tree.join(path, name), visited)
        return
    group = root.create_group(weights_tree.join(path, "vars"))
    if isinstance(getattr(obj, "name", None), str):
        group.attrs["name"] = obj.name
    obj.save_own_variables(WriteStore(group))
    for name, child in weights_tree.children(obj):
        _write(child, root, weights_tree.join(path, name), visited)


class WeightsLoader:
    """Gives the weights in a file to a model; if anything fails, the model stays as it was.

    Args:
        root: The file.
        name: What to call the file in errors.
        skip_mismatch: Whether to warn of objects that do not fit instead of failing.
    """

    def __init__(self, root: Group, name: str, skip_mismatch: bool = False) -> None:
        self._root = root
        self._name = name
        self._skip_mismatch = skip_mismatch
        self._visited: dict[int, Any] = {}  # by id; kept, so that no other can take it
        self._open: dict[int, Any] = {}  # being loaded; they may refer to each other
        self._failed: dict[int, tuple[Any, Exception]] = {}
        self._before: dict[int, tuple[Any, Array]] = {}

    def load(self, model: Any) -> None:
        """Reads the weights of `model`, and the state of its optimizer where both have one.

        Args:
            model: A built model.

        Raises:
            ValueError: If weights are missing or do not fit.
        """
        try:
            self._load(model, "")
            if self._failed:
                self._report()
        except BaseException:
            self._restore([variable for variable, _ in self._before.values()])
            raise

    def _restore(self, variables: list[Any]) -> None:
        for variable in variables:
            variable.assign(self._before[id(variable)][1])

    def _load(self, obj: Any, path: str) -> bool:
        """Loads an object and what it holds; says whether all of it succeeded.

        What failed is tried again where it is met under another path.
        """
        if id(obj) in self._visited or id(obj) in self._open:
            return True
        self._open[id(obj)] = obj
        if weights_tree.has_weights(obj):
            complete = self._load_own(obj, path)
            below = weights_tree.children(obj)
        else:
            complete = True
            below = weights_tree.members(obj)
        for name, child in below:
            complete &= self._load(child, weights_tree.join(path, name))
        del self._open[id(obj)]
        if complete:
            self._visited[id(obj)] = obj
        return complete

    def _load_own(self, obj: Any, path: str) -> bool:
        variables = _own_variables(obj)
        for variable in variables:
            self._before.setdefault(id(variable), (variable, variable.numpy()))
        try:
            store = ReadStore(self._group(path))
            if not hasattr(obj, "slot_names") or _has_state_for(obj, store):
                obj.load_own_variables(store)
        except Exception as error:
            self._failed.setdefault(id(obj), (obj, error))
            self._restore(variables)
            return False
        self._failed.pop(id(obj), None)
        return True

    def _group(self, path: str) -> Group | None:
        path = weights_tree.join(path, "vars")
        old = path.replace("layers", "_layer_checkpoint_dependencies")  # Keras 2.13
        for candidate in (path, old):
            if self._root.has(candidate):
                return self._root.group(candidate)
        return None

    def _report(self) -> None:
        obj, error = next(iter(self._failed.values()))
        names = [failed for failed, _ in self._failed.values()]
        message = (
            f"A total of {len(names)} objects could not be loaded from {self._name}. "
            f"Example error message for object {obj}:\n\n{error}\n\n"
            f"List of objects that could not be loaded:\n{names}"
        )
        if not self._skip_mismatch:
            raise ValueError(message) from error
        warnings.warn(message, stacklevel=5)


def _has_state_for(optimizer: Any, store: ReadStore) -> bool:
    """Whether there is anything to load; warns if there is, but it does not fit."""
    own = optimizer.variables
    names = [str(i) for i in range(len(store))]
    if set(store) != set(names):
        return True  # in a form that only the optimizer knows
    saved = [store[name] for name in names]
    if len(saved) < len(own) and not (saved and np.any(saved[0])):
        return False  # not saved, or saved before its first step
    if len(saved) == len(own) and any(s.shape != v.shape for s, v in zip(saved, own, strict=True)):
        warnings.warn(
            f"Skipping variable loading for optimizer '{optimizer.name}', because the shapes of "
            "its variables are not those of the saved optimizer.",
            stacklevel=2,
        )
        return False
    return True


def _own_variables(obj: Any) -> list[Any]:
    if hasattr(obj, "_trainable_variables") and hasattr(obj, "_non_trainable_variables"):
        return [*obj._trainable_variables, *obj._non_trainable_variables]
    return list(getattr(obj, "variables", ()))
