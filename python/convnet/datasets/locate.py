"""Where data sets are looked for.

The order is: the path that is given, the folder of the data set's name below the folder that
the environment variable `CONVNET_DATA` names, the folder of its name in the cache.
"""

from __future__ import annotations

import os
from pathlib import Path

from convnet.utils.file_utils import cache_home


def folders() -> list[Path]:
    """Returns the folders whose subfolders are searched for data sets, in this order.

    Returns:
        What `CONVNET_DATA` names, if it is set, and the cache's `datasets` folder. Neither need
        exist.

    Example:

    >>> folders()[-1].name
    'datasets'
    """
    data = os.environ.get("CONVNET_DATA")
    cache = cache_home() / "datasets"
    return [Path(data).expanduser(), cache] if data else [cache]


def find(name: str, path: str | os.PathLike[str] | None = None) -> Path | None:
    """Returns the folder or file to read a data set from.

    Args:
        name: Name of the data set, which is the name of its folder.
        path: File or folder that the caller gave, or `None` to search `folders()`.

    Returns:
        A path that exists, or `None` if nothing was given and nothing was found.

    Raises:
        FileNotFoundError: If `path` or the folder that `CONVNET_DATA` names does not exist.

    Example:

    >>> find("mnist", "/no/such/folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: Invalid value for argument `path`. Expected a file or folder with mnist. \
Received: path=/no/such/folder
    """
    if path is not None:
        given = Path(path).expanduser()
        if not given.exists():
            raise FileNotFoundError(
                "Invalid value for argument `path`. Expected a file or folder with "
                f"{name}. Received: path={path}"
            )
        return given
    *named, cache = folders()
    for folder in named:
        if not folder.is_dir():
            raise FileNotFoundError(f"CONVNET_DATA names a folder that does not exist: {folder}")
    return next((folder / name for folder in [*named, cache] if (folder / name).exists()), None)


def find_file(name: str, file: str) -> Path:
    """Returns a file of a data set that has no loader of its own.

    Args:
        name: Name of the data set, which is the name of its folder.
        file: Name of the file in it.

    Returns:
        A path that exists.

    Raises:
        FileNotFoundError: If it is nowhere.

    Example:

    >>> find_file("stock", "no_such_share.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: no_such_share.csv is not on this machine: put it into the folder ...
    """
    folder = find(name)
    if folder is None or not (folder / file).is_file():
        place = folders()[0] / name
        raise FileNotFoundError(f"{file} is not on this machine: put it into the folder {place}.")
    return folder / file


def unavailable(title: str, name: str, files: str, reason: object) -> FileNotFoundError:
    """Returns the error for a data set that is neither here nor could be downloaded.

    Args:
        title: The data set's own name, for example `"MNIST"`.
        name: Name of its folder.
        files: The files that would do, in words.
        reason: Why the download failed.

    Example:

    >>> error = unavailable("MNIST", "mnist", "mnist.npz", "no network")
    >>> str(error).startswith("MNIST is not on this machine and could not be downloaded (no")
    True
    """
    return FileNotFoundError(
        f"{title} is not on this machine and could not be downloaded ({reason}): put {files} "
        f"into the folder {folders()[0] / name}, or give `load_data` its path."
    )
