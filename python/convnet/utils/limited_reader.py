"""A stream that ends with an error when it gives more bytes than it may."""

from __future__ import annotations

import io
import os
from typing import IO


class LimitedReader(io.RawIOBase):
    """Reads from `stream`, but never more than `limit` bytes.

    Put between a decompressor and whoever reads from it, this stops a small archive that
    unpacks to terabytes (a decompression bomb).

    Args:
        stream: Binary stream to read from.
        limit: Most bytes that may come out of it.
        path: File named in the error.

    Example:

    >>> LimitedReader(io.BytesIO(b"abc"), 3, "a.bin").read()
    b'abc'
    >>> LimitedReader(io.BytesIO(b"abcd"), 3, "a.bin").read()
    Traceback (most recent call last):
    ...
    ValueError: a.bin unpacks to more than 3 bytes, the most that is allowed for it.
    """

    def __init__(self, stream: IO[bytes], limit: int, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self._stream = stream
        self._left = limit
        self._limit = limit
        self._path = path

    def close(self) -> None:
        """Closes the stream that is read from."""
        self._stream.close()
        super().close()

    def readable(self) -> bool:
        """Says that this stream can be read from."""
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        """Fills `buffer` and returns the number of bytes read, 0 at the end.

        Args:
            buffer: Writable buffer of bytes.

        Raises:
            ValueError: If the stream gives more than the limit.
        """
        chunk = self._stream.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise ValueError(
                f"{self._path} unpacks to more than {self._limit:,} bytes, "
                "the most that is allowed for it."
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)
