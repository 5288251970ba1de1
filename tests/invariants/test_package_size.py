"""What is installed stays small."""

import zlib
from pathlib import Path

import convnet

MOST_BYTES = 6_000_000  # of a wheel, with the library for GPUs in it


def test_a_wheel_is_small():
    package = Path(convnet.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(len(zlib.compress(path.read_bytes())) for path in files) < MOST_BYTES
