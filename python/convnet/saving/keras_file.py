"""The `.keras` format: a zip archive of a config, weights and a note on who wrote it."""

from __future__ import annotations

import datetime
import io
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

from convnet.saving import config_json, weights_file
from convnet.saving.atomic_write import atomic_write
from convnet.saving.serialization import serialize_keras_object, shared_object_ids

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets/"

KERAS_VERSION = "3.15.1"  # whose format this is

MAX_MEMBERS = 100_000
MAX_EXPANSION = 100  # Keras stores members uncompressed


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Writes a model to a `.keras` file.

    Args:
        model: The model.
        path: Where to.
    """
    members = _members_of(model)
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def save_folder(model: Any, path: str | os.PathLike[str]) -> None:
    """Writes a model to a folder with the members of a `.keras` file.

    Args:
        model: The model.
        path: The folder, which is made if it is missing.
    """
    Path(path).mkdir(parents=True, exist_ok=True)
    for name, data in _members_of(model).items():
        with atomic_write(Path(path) / name) as temporary:
            temporary.write_bytes(data)


def _members_of(model: Any) -> dict[str, bytes]:
    with shared_object_ids():
        config = serialize_keras_object(model)
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": KERAS_VERSION, "date_saved": now}
    return {
        METADATA: json.dumps(metadata).encode(),
        CONFIG: json.dumps(config).encode(),
        WEIGHTS: weights_image(model),
    }


def weights_image(model: Any) -> bytes:
    """Gives the bytes of a `.weights.h5` file of a model.

    Args:
        model: The model.
    """
    import h5py

    with h5py.File("model.weights.h5", "w", driver="core", backing_store=False) as root:
        weights_file.write_weights(model, root)
        root.flush()
        image: bytes = root.id.get_file_image()
    return image


class KerasFile:
    """A `.keras` file, checked and opened for reading.

    Args:
        path: The file, or a folder with its members.

    Raises:
        ValueError: If it is no zip archive, is damaged, or has members that Keras never writes:
            absolute or escaping names, links, duplicates, encryption, unlikely compression.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self._folder = Path(path) if Path(path).is_dir() else None
        self._data = b"" if self._folder else Path(path).read_bytes()
        self._members = {} if self._folder else self._checked_members()

    def config(self) -> dict[str, Any]:
        """Gives the model's config."""
        return config_json.parse(self._read(CONFIG, config_json.MAX_BYTES), self._label(CONFIG))

    def keras_version(self) -> str:
        """Gives the version of Keras that the file says it was written by, or `"0"`."""
        if METADATA not in self._members and not self._folder:
            return "0"
        metadata = config_json.parse(self._read(METADATA, 2**20), self._label(METADATA))
        return str(metadata.get("keras_version", "0"))

    def weights(self) -> bytes:
        """Gives the bytes of the weights file in it."""
        return self._read(WEIGHTS, None)

    def _label(self, member: str) -> str:
        return f"{member} in {self.name}"

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"Invalid .keras file {self.name}: {problem}.")

    def _archive(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(io.BytesIO(self._data))
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
            raise self._error(f"it is damaged or no zip archive ({error})") from None

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        with self._archive() as archive:
            infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise self._error(f"it has {len(infos)} members")
        for info in infos:
            self._check_name(info.filename)
            if info.filename in members:
                raise self._error(f"it has two members {info.filename!r}")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise self._error(f"its member {info.filename!r} is a symbolic link")
            if info.flag_bits & 1:
                raise self._error(f"its member {info.filename!r} is encrypted")
            members[info.filename] = info
        if sum(info.compress_size for info in infos) > len(self._data):
            raise self._error("its members overlap")
        return members

    def _check_name(self, name: str) -> None:
        parts = name.split("/")
        escapes = name.startswith("/") or ".." in parts or ":" in parts[0]
        if escapes or "\\" in name or "\0" in name:
            raise self._error(f"its member {name!r} has a name that leads out of the archive")

    def _read(self, member: str, limit: int | None) -> bytes:
        if self._folder:
            return self._read_from_folder(self._folder, member)
        info = self._members.get(member)
        if info is None:
            raise self._error(f"there is no {member} in it")
        size = info.file_size
        if limit is not None and size > limit:
            raise self._error(f"{member} has {size} bytes; expected at most {limit}")
        if size > MAX_EXPANSION * max(info.compress_size, 1):
            raise self._error(f"{member} expands from {info.compress_size} to {size} bytes")
        try:
            with self._archive() as archive, archive.open(info) as file:
                data = file.read(size)
        except Exception as error:  # zipfile lets errors of many kinds through
            raise self._error(f"{member} is damaged ({error})") from error
        if len(data) != size:
            raise self._error(f"{member} has {len(data)} bytes; expected {size}")
        return data

    def _read_from_folder(self, folder: Path, member: str) -> bytes:
        try:
            return (folder / member).read_bytes()
        except OSError as error:
            raise self._error(f"there is no {member} in it ({error.strerror})") from None
