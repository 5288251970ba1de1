"""What read_npz accepts, and how it refuses everything else."""

import io
import zipfile

import numpy as np
import pytest
from dataset_files import assert_same, random_bytes, splits, write_npz

from convnet.datasets.npz import read_npz

DATA = splits(train=5, test=2, image_shape=(4, 3))
MOST = (5, 2)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "some.npz"


def read(path):
    return read_npz(path, (4, 3), MOST)


def write(path, save=np.savez, **replaced):
    (x_train, y_train), (x_test, y_test) = DATA
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    arrays |= replaced
    save(path, **{name: array for name, array in arrays.items() if array is not None})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(file, save):
    write_npz(file, DATA, save)
    assert_same(read(file), DATA)


def test_reads_arrays_in_fortran_order(file):
    write(file, x_train=np.asfortranarray(DATA[0][0]))
    np.testing.assert_array_equal(read(file)[0][0], DATA[0][0], strict=True)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_a_missing_array_is_named(file, name):
    write(file, **{name: None})
    with pytest.raises(ValueError, match=f"some.npz: it has 0 arrays named {name}"):
        read(file)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused(file):
    write(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("y_test.npy", b"")
    with pytest.raises(ValueError, match="2 arrays named y_test"):
        read(file)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (random_bytes(5, 12), r"x_train has shape \(5, 12\), not \(1 to 5, 4, 3\)"),
        (random_bytes(6, 4, 3), r"x_train has shape \(6, 4, 3\)"),
        (random_bytes(0, 4, 3), r"x_train has shape \(0, 4, 3\)"),
        (np.uint8(3), r"x_train has shape \(\)"),
        (np.zeros((5, 4, 3)), "x_train has dtype <f8, not [|]u1"),
    ],
)
def test_an_array_of_another_shape_or_type_is_refused(file, array, message):
    write(file, x_train=array)
    with pytest.raises(ValueError, match=message):
        read(file)


class _Exploding:
    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


def test_a_pickle_is_not_executed(file):
    write(file, x_train=np.array([_Exploding()], dtype=object))
    with pytest.raises(ValueError, match=r"x_train has dtype [|]O"):
        read(file)


def test_a_file_cut_off_anywhere_is_refused_by_name(file):
    write(file, np.savez_compressed)
    content = file.read_bytes()
    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"some\.npz"):
            read(file)


def test_a_damaged_file_is_never_read_as_something_else(file):
    write(file, np.savez_compressed)
    content = file.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x41
        file.write_bytes(damaged)
        try:
            assert_same(read(file), DATA)
        except ValueError as error:
            assert "some.npz" in str(error)


def npy(header, content):
    header = header.encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


@pytest.mark.parametrize(
    ("header", "content"),
    [
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (5, 4, 3), }", bytes(59)),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (5, 4, 3), }", bytes(61)),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (-5, 4, 3), }", bytes(60)),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (999999999, 4, 3), }", bytes(60)),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (10**9, 4, 3), }", bytes(60)),
        ("{'descr': __import__('os'), 'fortran_order': False, 'shape': (5, 4, 3), }", bytes(60)),
        ("(" * 9000, b""),
        ("", bytes(60)),
    ],
)
def test_a_lying_header_is_refused(file, header, content):
    write(file, x_train=None)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("x_train.npy", npy(header, content))
    with pytest.raises(ValueError, match=r"some\.npz"):
        read(file)


def test_no_more_is_unpacked_than_the_header_says(file):
    write(file, x_train=None)
    array = io.BytesIO()
    np.save(array, DATA[0][0])
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", array.getvalue() + bytes(100 << 20))
    with pytest.raises(ValueError, match="left over after the 60"):
        read(file)
