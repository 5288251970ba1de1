"""Small data files in the published formats, written by the tests themselves."""

import gzip
import io
import os
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(os.environ.get("CONVNET_SHARED", Path(__file__).parents[3] / "shared")) / "data"

needs_shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared real data")

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def random_bytes(*shape, below=256, seed=0):
    return np.random.default_rng(seed).integers(0, below, shape, np.uint8)


def splits(train=7, test=3, image_shape=(28, 28)):
    """Training and test images with labels, all different."""
    return (
        (random_bytes(train, *image_shape, seed=1), random_bytes(train, below=10, seed=2)),
        (random_bytes(test, *image_shape, seed=3), random_bytes(test, below=10, seed=4)),
    )


def assert_same(loaded, expected):
    for loaded_split, expected_split in zip(loaded, expected, strict=True):
        for array, wanted in zip(loaded_split, expected_split, strict=True):
            assert array.dtype == np.uint8
            assert array.flags.writeable
            np.testing.assert_array_equal(array, wanted, strict=True)


def idx_bytes(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx_files(folder, data, suffix="", names=IDX_NAMES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (*data[0], *data[1]), strict=True):
        content = idx_bytes(array)
        if suffix == ".gz":
            content = gzip.compress(content)
        (folder / f"{name}{suffix}").write_bytes(content)


def write_npz(path, data, save=np.savez_compressed):
    path.parent.mkdir(parents=True, exist_ok=True)
    (x_train, y_train), (x_test, y_test) = data
    save(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def binary_batch(images, labels):
    """One CIFAR-10 batch of the binary version, from images in NHWC."""
    pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([labels.reshape(-1, 1), pixels], axis=1).tobytes()


def python_batch(images, labels):
    """One CIFAR-10 batch as Python 2's cPickle wrote it, from images in NHWC."""
    pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return python2_pickle(pixels.tobytes(), pixels.shape, labels.reshape(-1).tolist())


def python2_pickle(content, shape, labels):
    rows, columns = (b"J" + struct.pack("<i", size) for size in shape)
    return b"".join(
        [
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03",
            b"U\x06labelsq\x04]q\x05(" + b"".join(b"K" + bytes([n]) for n in labels) + b"e",
            b"U\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08",
            b"K\x00\x85U\x01b\x87Rq\x09(K\x01" + rows + columns + b"\x86cnumpy\ndtype\nq\x0a",
            b"U\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            b"\x89T" + struct.pack("<I", len(content)) + content + b"tb",
            b"U\x09filenamesq\x0c]q\x0d(U\x05a.pngq\x0eU\x05b.pngq\x0feu.",
        ]
    )


def tar_gz(members, wrap=gzip.compress):
    """A tar archive of (name or TarInfo, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info, content in members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return wrap(buffer.getvalue())
