import h5py
import numpy as np
import pytest

from convnet.saving import hdf5_format
from convnet.saving.hdf5_reader import Group, open_hdf5

KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.h5"


def everything(group):
    """All values of a file, as nested dictionaries."""
    values = {}
    for name in group.keys():  # noqa: SIM118 (a group is no dictionary)
        member = group._find(name)
        values[name] = everything(member) if isinstance(member, Group) else member.read()
    return values


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", "i1", "u2", "i4", ">i8", "u8"])
def test_number_types(path, dtype):
    with h5py.File(path, "w") as file:
        file["kernel"] = KERNEL.astype(dtype)
    dataset = open_hdf5(path).dataset("kernel")
    assert dataset.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(dataset.read(), KERNEL)


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 0), (1,), (2, 1, 3, 1)])
def test_shapes(path, shape):
    with h5py.File(path, "w") as file:
        file["a/b/kernel"] = np.ones(shape, np.float32)
    dataset = open_hdf5(path).dataset("a/b/kernel")
    assert dataset.shape == shape
    np.testing.assert_array_equal(dataset.read(), np.ones(shape))


def test_attributes(path):
    with h5py.File(path, "w") as file:
        file.attrs["text"] = "wörter"
        file.attrs["bytes"] = b"abc"
        file.attrs["fixed"] = np.array([b"a", b"bcd"])
        file.attrs["names"] = ["dense", "", "dense_1"]
        file.attrs["none"] = []
        file.attrs["number"] = np.float32(2.5)
        file.attrs["nothing"] = h5py.Empty("f4")
        file.attrs["long"] = "x" * 100_000
    root = open_hdf5(path)
    assert root.attribute("text") == "wörter"
    assert root.attribute("bytes") == "abc"
    assert root.attribute("fixed") == ["a", "bcd"]
    assert root.attribute("names") == ["dense", "", "dense_1"]
    assert list(root.attribute("none")) == []
    assert root.attribute("number") == 2.5
    assert root.attribute("nothing") == []
    assert root.attribute("long") == "x" * 100_000
    assert root.attribute("absent") is None


def test_groups_of_many_members(path):
    with h5py.File(path, "w") as file:
        for i in range(500):
            file[f"layers/dense_{i}/vars/0"] = np.float32(i)
    layers = open_hdf5(path).group("layers")
    assert sorted(layers.keys()) == sorted(f"dense_{i}" for i in range(500))
    assert all(layers.dataset(f"dense_{i}/vars/0").read() == i for i in range(500))


def test_what_is_missing_is_named(path):
    with h5py.File(path, "w") as file:
        file["layers/dense/kernel"] = KERNEL
    root = open_hdf5(path)
    assert root.has("layers/dense/kernel")
    assert not root.has("layers/dense/kernel/deeper")
    assert not root.has("../layers")
    with pytest.raises(ValueError, match=r"weights.h5: there is no 'conv' in '/layers'"):
        root.dataset("layers/conv/kernel")
    with pytest.raises(ValueError, match="'/layers/dense' is a group; expected an array"):
        root.dataset("layers/dense")
    with pytest.raises(ValueError, match="'/layers/dense/kernel' is an array; expected a group"):
        root.group("layers/dense/kernel/deeper")


def external_link(file, path):
    with h5py.File(path.with_name("secret.h5"), "w") as secret:
        secret["kernel"] = KERNEL
    file["kernel"] = h5py.ExternalLink("secret.h5", "/kernel")


def soft_link(file, path):
    file["real"] = KERNEL
    file["kernel"] = h5py.SoftLink("/real")


def soft_link_in_a_path(file, path):
    file["real/kernel"] = KERNEL
    file["layers"] = h5py.SoftLink("/real")


def virtual_dataset(file, path):
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="f4")
    layout[:] = h5py.VirtualSource("secret.h5", "kernel", shape=(2, 3))
    file.create_virtual_dataset("kernel", layout)


def external_storage(file, path):
    path.with_name("passwords").write_bytes(bytes(24))
    file.create_dataset("kernel", (2, 3), "f4", external=[(b"passwords", 0, 24)])


def chunked_shape_bomb(file, path):
    file.create_dataset("kernel", (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")


def contiguous_shape_bomb(file, path):
    file.create_dataset("kernel", (2**20, 2**16), "f4")  # no value is ever written


def compressed(file, path):
    file.create_dataset("kernel", data=KERNEL, compression="gzip")


def variable_length(file, path):
    file.create_dataset("kernel", (2,), h5py.vlen_dtype(np.float32))


def text(file, path):
    file["kernel"] = ["a", "b"]


def fixed_text(file, path):
    file["kernel"] = np.array([b"a", b"b"])


def references(file, path):
    file["real"] = KERNEL
    file.create_dataset("kernel", data=[file["real"].ref], dtype=h5py.ref_dtype)


def compound(file, path):
    file["kernel"] = np.zeros(3, [("a", "f4"), ("b", "f4")])


def enumeration(file, path):
    file["kernel"] = np.array([True, False])


def opaque(file, path):
    file["kernel"] = np.zeros(3, "V8")


def named_type(file, path):
    file["type"] = np.dtype("f4")
    file.create_dataset("kernel", data=KERNEL, dtype=file["type"])


def null(file, path):
    file["kernel"] = h5py.Empty("f4")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (external_link, "external link"),
        (soft_link, "soft link"),
        (soft_link_in_a_path, "soft link"),
        (virtual_dataset, "virtual"),
        (external_storage, "lie in another file"),
        (chunked_shape_bomb, "stored in pieces, compressed"),
        (contiguous_shape_bomb, "declares shape .* but stores 0 bytes"),
        (compressed, "stored in pieces, compressed"),
        (variable_length, "variable-length"),
        (text, "holds text; expected numbers"),
        (fixed_text, "holds text; expected numbers"),
        (references, "reference"),
        (compound, "compound"),
        (enumeration, "enumeration"),
        (opaque, "opaque"),
        (named_type, "named"),
        (null, "holds no value"),
    ],
)
def test_what_keras_never_writes_is_refused(path, make, problem):
    with h5py.File(path, "w") as file:
        make(file, path)
    with pytest.raises(ValueError, match=f"weights.h5: .*{problem}"):
        root = open_hdf5(path)
        root.dataset("layers/kernel" if make is soft_link_in_a_path else "kernel")


@pytest.mark.parametrize("options", [{"libver": "latest"}, {"userblock_size": 512}])
def test_newer_layouts_are_refused_in_words(path, options):
    with h5py.File(path, "w", **options) as file:
        file["kernel"] = KERNEL
    with pytest.raises(ValueError, match=r"Invalid HDF5 file .*weights.h5: "):
        open_hdf5(path).dataset("kernel")


def test_new_style_groups_are_refused(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("layers", track_order=True)
        for i in range(20):
            group[f"kernel_{i}"] = KERNEL
    with pytest.raises(ValueError, match=r"Invalid HDF5 file"):
        open_hdf5(path).dataset("layers/kernel_0")


def patched(data, old, new):
    assert data.count(old) == 1
    return data.replace(old, new)


def test_shape_that_differs_from_the_data_is_refused(path):
    with h5py.File(path, "w") as file:
        file["kernel"] = KERNEL
    sizes = np.array([2, 3, 2, 3], "<u8").tobytes()  # sizes and maximum sizes
    data = patched(path.read_bytes(), sizes, np.array([2, 2**30, 2, 2**30], "<u8").tobytes())
    with pytest.raises(ValueError, match=r"'/kernel' declares shape \(2, 1073741824\).*stores 24"):
        open_hdf5(data, "weights.h5").dataset("kernel")


def test_many_references_to_one_text_are_refused(path):
    with h5py.File(path, "w") as file:
        file.attrs["names"] = ["x" * 50_000, *["y"] * 3000]
    data = bytearray(path.read_bytes())
    first = data.find(np.array([50_000], "<u4").tobytes())
    entry = bytes(data[first : first + 16])
    data[first : first + 16 * 3001] = entry * 3001
    with pytest.raises(ValueError, match="longer than the whole file"):
        open_hdf5(bytes(data), "weights.h5").attribute("names")


def test_loops_end(path, monkeypatch):
    monkeypatch.setattr(hdf5_format, "MAX_STEPS", 1000)
    with h5py.File(path, "w") as file:
        file["kernel"] = KERNEL
    data = bytearray(path.read_bytes())
    tree = data.find(b"TREE")
    data[tree + 4 : tree + 8] = bytes([0, 1, 1, 0])  # an inner node with itself as its child
    data[tree + 32 : tree + 40] = np.array([tree], "<u8").tobytes()
    with pytest.raises(ValueError, match=r"group tree at byte .* is damaged"):
        open_hdf5(bytes(data), "weights.h5").keys()


@pytest.fixture
def sample(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = '{"class_name": "Sequential"}'
        file.attrs["layer_names"] = ["dense", "dense_1"]
        for name in ("dense", "dense_1"):
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([b"kernel", b"bias"])
            group["kernel"] = KERNEL
            group["bias"] = np.ones(3, np.float32)
    return path.read_bytes()


def read_all(data):
    root = open_hdf5(data, "weights.h5")
    for name in ("model_config", "layer_names"):
        root.attribute(name)
    for name in ("dense", "dense_1"):
        root.group(name).attribute("weight_names")
    return everything(root)


def test_file_cut_short_anywhere_is_refused(sample):
    for end in range(0, len(sample), 7):
        with pytest.raises(ValueError, match=r"Invalid HDF5 file weights.h5: "):
            read_all(sample[:end])


def test_damaged_bytes_never_do_worse_than_a_named_error(sample):
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(3000):
        data = bytearray(sample)
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(len(data))] = rng.choice([0, 1, 2, 127, 128, 255, rng.integers(256)])
        try:
            read_all(bytes(data))
        except ValueError as error:
            assert str(error).startswith("Invalid HDF5 file weights.h5: ")
            refused += 1
    assert 0 < refused < 3000
