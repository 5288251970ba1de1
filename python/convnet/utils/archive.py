"""Unpacking of tar and zip archives that nobody vouches for.

Only regular files and folders are written, only below the destination, each name once, and
never more than a bound set by the archive's own size. All of it goes into a folder beside the
destination first, which takes the destination's name when everything is there.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from convnet.utils.limited_reader import LimitedReader

# An archive may unpack to this many times its size, or to _SMALL bytes where that is more.
_RATIO = 100
_SMALL = 64 << 20

_COMPRESSIONS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_DAMAGED = (
    EOFError,
    RuntimeError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class _Member(NamedTuple):
    name: str
    is_dir: bool
    is_file: bool
    size: int
    open: Callable[[], IO[bytes] | None]


def extract_archive(
    file_path: str | os.PathLike[str],
    path: str | os.PathLike[str],
    archive_format: str | list[str] | None = "auto",
) -> bool:
    """Unpacks a tar archive (plain, gz, bz2 or xz) or a zip archive into a folder.

    Args:
        file_path: The archive.
        path: Folder to write; one that exists is replaced as a whole.
        archive_format: `"tar"`, `"zip"`, a list of these to try in order, `"auto"` for both,
            or `None` for none.

    Returns:
        `True` if the archive was unpacked, `False` if it has none of the formats.

    Raises:
        ValueError: If a member is a link or a device, would land outside the folder, is named
            twice or encrypted, if everything together is suspiciously large, or if the archive
            is damaged. Nothing is left behind.

    Example:

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(folder / "a.zip", "w") as archive:
    ...     archive.writestr("inner/a.txt", "hello")
    >>> extract_archive(folder / "a.zip", folder / "a")
    True
    >>> (folder / "a" / "inner" / "a.txt").read_text()
    'hello'
    """
    archive = Path(file_path)
    for kind in _formats(archive_format):
        with _open_tar(archive) if kind == "tar" else _open_zip(archive) as members:
            if members is not None:
                _extract(members, archive, Path(path))
                return True
    return False


def _formats(archive_format: str | list[str] | None) -> list[str]:
    if archive_format is None:
        return []
    if archive_format == "auto":
        return ["tar", "zip"]
    formats = [archive_format] if isinstance(archive_format, str) else list(archive_format)
    if not set(formats) <= {"tar", "zip"}:
        raise ValueError(
            "Invalid value for argument `archive_format`. Expected 'auto', 'tar', 'zip', a list "
            f"of these or None. Received: archive_format={archive_format}"
        )
    return formats


def _extract(members: Iterator[_Member], archive: Path, destination: Path) -> None:
    part = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.part")
    part.mkdir(parents=True)
    try:
        try:
            _write_members(members, archive, part.resolve())
        except _DAMAGED as error:
            raise ValueError(f"{archive} is damaged: {error}") from error
        _replace_folder(part, destination)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_members(members: Iterator[_Member], archive: Path, folder: Path) -> None:
    left = _limit(archive)
    for member in members:
        target = _checked_target(member, archive, folder)
        left -= member.size
        if left < 0:
            raise ValueError(
                f"{archive} unpacks to more than {_limit(archive):,} bytes, "
                f"{_RATIO} times its own size."
            )
        try:
            _write_member(member, target)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(f"{archive} names {member.name!r} twice.") from error


def _write_member(member: _Member, target: Path) -> None:
    if member.is_dir:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = member.open()
    assert source is not None  # only links and folders have no content, and they end above
    with source, open(target, "xb") as file:
        shutil.copyfileobj(source, file)


def _checked_target(member: _Member, archive: Path, folder: Path) -> Path:
    target = (folder / member.name).resolve()
    if not target.is_relative_to(folder):
        raise ValueError(f"{archive} has a member outside its folder: {member.name!r}.")
    if not member.is_dir and not member.is_file:
        raise ValueError(
            f"{archive} has a member that is neither a file nor a folder: {member.name!r}."
        )
    return target


def _replace_folder(new: Path, old: Path) -> None:
    if old.is_symlink() or old.is_file():
        old.unlink()
    if old.exists():
        away = new.with_suffix(".old")
        os.rename(old, away)
        os.rename(new, old)
        shutil.rmtree(away)
    else:
        os.rename(new, old)


def _limit(archive: Path) -> int:
    return max(_SMALL, _RATIO * archive.stat().st_size)


@contextlib.contextmanager
def _open_tar(archive: Path) -> Iterator[Iterator[_Member] | None]:
    # As a stream ("|"), so that headers too are read through the limit.
    with LimitedReader(_decompressed(archive), 2 * _limit(archive), archive) as stream:
        try:
            tar = tarfile.TarFile.open(fileobj=stream, mode="r|", bufsize=1 << 18)
        except _DAMAGED:
            yield None
            return
        with tar:
            yield (_tar_member(tar, info) for info in tar)


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    return _Member(info.name, info.isdir(), info.isfile(), info.size, lambda: tar.extractfile(info))


def _decompressed(archive: Path) -> IO[bytes]:
    with open(archive, "rb") as file:
        head = file.read(6)
    for magic, opener in _COMPRESSIONS.items():
        if head.startswith(magic):
            stream: IO[bytes] = opener(archive)
            return stream
    return open(archive, "rb")


@contextlib.contextmanager
def _open_zip(archive: Path) -> Iterator[Iterator[_Member] | None]:
    try:
        file = zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        yield None
        return
    with file:
        yield (_zip_member(file, info) for info in file.infolist())


def _zip_member(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    is_file = not info.is_dir() and kind in (0, stat.S_IFREG)
    return _Member(info.filename, info.is_dir(), is_file, info.file_size, lambda: file.open(info))
