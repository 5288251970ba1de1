"""Files from the web: downloaded once, checked, and kept in a cache folder."""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO

from convnet.utils.archive import extract_archive
from convnet.utils.io_utils import print_msg
from convnet.utils.progbar import Progbar

_CHUNK = 1 << 18
_TIMEOUT = 60.0  # seconds without a byte


def cache_home() -> Path:
    """Returns the folder that downloads are kept in.

    It is `KERAS_HOME` where that environment variable is set (so that one cache can serve Keras
    and convnet), else `convnet` in the user's cache folder.

    Returns:
        A path that need not exist yet.

    Example:

    >>> import unittest.mock
    >>> with unittest.mock.patch.dict(os.environ, KERAS_HOME="/data/keras"):
    ...     print(cache_home().as_posix())
    /data/keras
    """
    if home := os.environ.get("KERAS_HOME"):
        return Path(home).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "convnet"


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file unless it is in the cache, and returns where it is.

    A download goes to a temporary file, which takes its final name when it is complete and its
    hash is right, so that a broken download never replaces a good file.

    Args:
        fname: Name of the file in the cache; the last part of `origin` by default. Together
            with `extract`, a name without a dot is the name of the folder.
        origin: URL of the file: `https://`, or `file://`, or `http://` together with a hash.
        untar: Same as `extract` with `archive_format="tar"`.
        md5_hash: Same as `file_hash` with `hash_algorithm="md5"`.
        file_hash: Expected hash in hexadecimal digits; a cached file that has another one is
            downloaded again.
        cache_subdir: Folder below the cache folder, or an absolute path.
        hash_algorithm: `"sha256"`, `"md5"` or `"auto"`, which goes by the length of the hash.
        extract: Whether to unpack the file, a tar or zip archive, see
            `convnet.utils.archive.extract_archive`.
        archive_format: `"tar"`, `"zip"`, a list of these, `"auto"` for both or `None`.
        cache_dir: Cache folder, by default `cache_home()`.
        force_download: Whether to download even if the file is in the cache.

    Returns:
        Path of the file or, with `extract`, of the folder with what it contains.

    Raises:
        ValueError: If an argument is invalid, the hash of the download is another one, or the
            archive cannot be unpacked.
        OSError: If the download fails.

    Example:

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "source.txt").write_text("hello")
    >>> url = (folder / "source.txt").as_uri()
    >>> path = get_file("copy.txt", url, cache_dir=folder)  # doctest: +ELLIPSIS
    Downloading data from file://...
    >>> Path(path).read_text()
    'hello'
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    _check_hash_algorithm(hash_algorithm)
    name = _file_name(fname, origin)
    folder = Path(cache_home() if cache_dir is None else cache_dir).expanduser() / cache_subdir
    unpack = extract or untar
    target, unpacked = _targets(folder, name, named=bool(fname), unpack=unpack)

    downloaded = force_download or not _is_cached(target, file_hash, hash_algorithm)
    if downloaded:
        _download(origin, target, file_hash, hash_algorithm)
    if not unpack:
        return str(target)
    if unpacked.exists() and not downloaded:
        return str(unpacked)
    if not extract_archive(target, unpacked, "tar" if untar else archive_format):
        raise ValueError(f"Could not extract archive. {target} is not a tar or zip archive.")
    return str(unpacked)


def validate_file(fpath: str | os.PathLike[str], file_hash: str, algorithm: str = "auto") -> bool:
    """Says whether a file has the given hash.

    Args:
        fpath: Path of the file.
        file_hash: Expected hash in hexadecimal digits.
        algorithm: `"sha256"`, `"md5"` or `"auto"`, which goes by the length of the hash.

    Returns:
        `True` if the hash is the expected one.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "empty"
    >>> path.touch()
    >>> validate_file(path, "d41d8cd98f00b204e9800998ecf8427e")
    True
    """
    _check_hash_algorithm(algorithm)
    if algorithm == "auto":
        algorithm = "sha256" if len(file_hash) == 64 else "md5"
    with open(fpath, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest() == file_hash.lower()


def _check_hash_algorithm(algorithm: str) -> None:
    if algorithm not in ("auto", "sha256", "md5"):
        raise ValueError(
            "Invalid value for argument `hash_algorithm`. Expected 'auto', 'sha256' or 'md5'. "
            f"Received: hash_algorithm={algorithm}"
        )


def _file_name(fname: str | os.PathLike[str] | None, origin: str) -> str:
    name = os.fspath(fname) if fname else os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ValueError(
            f"Can't parse the file name from the origin provided: '{origin}'. "
            "Please specify the `fname` argument."
        )
    if name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError(
            "Paths are no longer accepted as the `fname` argument. To specify the file's parent "
            f"directory, use the `cache_dir` argument. Received: fname={name}"
        )
    return name


def _targets(folder: Path, name: str, *, named: bool, unpack: bool) -> tuple[Path, Path]:
    """Returns where the download and the unpacked folder go, in Keras's layout of the cache."""
    if not unpack:
        return folder / name, folder
    if named and "." in name:
        return folder / name, folder / f"{name[: name.index('.')]}_extracted"
    return folder / f"{name}_archive", folder / name


def _is_cached(target: Path, file_hash: str | None, algorithm: str) -> bool:
    if not target.exists():
        return False
    if file_hash is None or validate_file(target, file_hash, algorithm):
        return True
    print_msg(
        "A local file was found, but it seems to be incomplete or outdated because the "
        f"{algorithm} file hash does not match the original value of {file_hash} so we will "
        "re-download the data."
    )
    return False


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    _check_scheme(origin, hashed=file_hash is not None)
    from convnet.saving.atomic_write import atomic_write

    target.parent.mkdir(parents=True, exist_ok=True)
    print_msg(f"Downloading data from {origin}")
    with atomic_write(target) as part:
        _fetch(origin, part, hashed=file_hash is not None)
        if file_hash is not None and not validate_file(part, file_hash, algorithm):
            raise ValueError(
                f"Incomplete or corrupted file detected. The {algorithm} file hash does not "
                f"match the provided value of {file_hash}."
            )


def _fetch(origin: str, part: Path, *, hashed: bool) -> None:
    opener = urllib.request.build_opener(_CheckedRedirects(hashed))
    try:
        with opener.open(origin, timeout=_TIMEOUT) as response, open(part, "wb") as file:
            length = response.headers.get("Content-Length", "")
            _copy_with_progress(response, file, int(length) if length.isdigit() else None)
    except urllib.error.HTTPError as error:
        raise OSError(f"URL fetch failure on {origin}: {error.code} -- {error.msg}") from error
    except urllib.error.URLError as error:
        raise OSError(f"URL fetch failure on {origin}: {error.reason}") from error
    except HTTPException as error:
        raise OSError(f"URL fetch failure on {origin}: {error!r}") from error


def _copy_with_progress(source: IO[bytes], file: IO[bytes], total: int | None) -> None:
    progress, done = Progbar(total), 0
    while chunk := source.read(_CHUNK):
        file.write(chunk)
        done += len(chunk)
        progress.update(done, finalize=False)
    if total is not None and done != total:
        raise OSError(f"The download ended after {done:,} of {total:,} bytes.")
    progress.update(done, finalize=True)


def _check_scheme(url: str, *, hashed: bool) -> None:
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme in ("https", "file") or (scheme == "http" and hashed):
        return
    raise ValueError(
        "Invalid value for argument `origin`. Expected a URL that begins with https:// (or "
        f"file://, or http:// together with `file_hash`). Received: origin={url}"
    )


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where the caller could have gone directly."""

    def __init__(self, hashed: bool) -> None:
        self._hashed = hashed

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_scheme(newurl, hashed=self._hashed)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
