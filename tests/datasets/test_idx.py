"""What read_idx accepts, and how it refuses everything else."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from dataset_files import idx_bytes, random_bytes

from convnet.datasets.idx import read_idx

IMAGES = random_bytes(3, 4, 5)
LABELS = random_bytes(6, below=10)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "some-idx-file"


def read_images(path):
    return read_idx(path, (4, 5), most=100)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reads_images_and_labels_packed_or_not(file, pack):
    file.write_bytes(pack(idx_bytes(IMAGES)))
    np.testing.assert_array_equal(read_images(file), IMAGES, strict=True)
    file.write_bytes(pack(idx_bytes(LABELS)))
    np.testing.assert_array_equal(read_idx(file, (), most=6), LABELS, strict=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_cut_off_at_any_byte_is_refused_by_name(file, pack):
    content = pack(idx_bytes(IMAGES))
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match="some-idx-file"):
            read_images(file)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_bytes_left_over_are_refused(file, pack):
    file.write_bytes(pack(idx_bytes(IMAGES) + b"\0"))
    with pytest.raises(ValueError, match=r"some-idx-file.*left over after the 60"):
        read_images(file)


def test_bytes_after_a_gzip_stream_are_refused(file):
    file.write_bytes(gzip.compress(idx_bytes(IMAGES)) + b"trailer")
    with pytest.raises(ValueError, match="some-idx-file"):
        read_images(file)


def test_a_damaged_gzip_file_is_never_read_as_something_else(file):
    content = gzip.compress(idx_bytes(IMAGES), mtime=0)
    refused = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x55
        file.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(read_images(file), IMAGES)
        except ValueError as error:
            assert "some-idx-file" in str(error)
            refused += 1
    assert refused > len(content) // 2


@pytest.mark.parametrize(
    ("magic", "message"),
    [
        (0x00000801, r"0x00000801 \(labels\), not 0x00000803 \(images\)"),
        (0x00000D03, "0x00000d03, not"),
        (0x03080000, "0x03080000, not"),
        (0x504B0304, "0x504b0304, not"),
    ],
)
def test_a_wrong_magic_number_is_refused(file, magic, message):
    file.write_bytes(struct.pack(">I", magic) + idx_bytes(IMAGES)[4:])
    with pytest.raises(ValueError, match=message):
        read_images(file)


def test_images_of_another_size_are_refused(file):
    file.write_bytes(idx_bytes(IMAGES))
    with pytest.raises(ValueError, match=r"shape \(4, 5\), not \(28, 28\)"):
        read_idx(file, (28, 28), most=100)


@pytest.mark.parametrize("count", [0, 101, 2**32 - 1])
def test_a_count_out_of_bounds_is_refused(file, count):
    file.write_bytes(struct.pack(">4I", 0x803, count, 4, 5) + bytes(60))
    with pytest.raises(ValueError, match=f"it has {count:,} items, not 1 to 100"):
        read_images(file)


def test_no_more_is_unpacked_than_the_header_says(file):
    bomb = gzip.compress(idx_bytes(IMAGES) + bytes(200 << 20), compresslevel=1)
    file.write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(ValueError, match="left over"):
        read_images(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
