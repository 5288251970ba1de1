import stat
import warnings
import zipfile

import pytest

from convnet.saving import keras_file
from convnet.saving.keras_file import KerasFile

CONFIG = b'{"module": "keras", "class_name": "Sequential", "config": {}}'
METADATA = b'{"keras_version": "3.15.1"}'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


def write(path, *members, compression=zipfile.ZIP_STORED):
    """A zip archive with the two members that every model has, and more."""
    required = [("metadata.json", METADATA), ("config.json", CONFIG)]
    with zipfile.ZipFile(path, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of duplicate names
        for name, data in [*required, *members]:
            archive.writestr(name, data)
    return path


def test_members_are_read(path):
    file = KerasFile(write(path, ("model.weights.h5", b"weights")))
    assert file.config() == {"module": "keras", "class_name": "Sequential", "config": {}}
    assert file.keras_version() == "3.15.1"
    assert file.weights() == b"weights"


def test_compressed_members_are_read(path):
    data = bytes(range(256)) * 8
    file = KerasFile(write(path, ("model.weights.h5", data), compression=zipfile.ZIP_DEFLATED))
    assert file.weights() == data


def test_folder_is_read(tmp_path):
    (tmp_path / "config.json").write_bytes(CONFIG)
    (tmp_path / "metadata.json").write_bytes(METADATA)
    (tmp_path / "model.weights.h5").write_bytes(b"weights")
    file = KerasFile(tmp_path)
    assert file.config()["class_name"] == "Sequential"
    assert file.weights() == b"weights"


def test_members_of_other_names_are_never_read(path):
    KerasFile(write(path, ("README.md", b"hello"), ("assets/layers/text/vocabulary.txt", b"a")))


@pytest.mark.parametrize(
    "name",
    ["../config.json", "assets/../../x", "/etc/passwd", "assets\\..\\x", "C:/x", "a/../../b"],
)
def test_names_that_leave_the_archive_are_refused(path, name):
    with pytest.raises(ValueError, match=r"model.keras: its member .* leads out of the archive"):
        KerasFile(write(path, (name, b"")))


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_duplicate_members_are_refused(path, name):
    members = [("model.weights.h5", b"first"), (name, b"second")]
    with pytest.raises(ValueError, match=f"model.keras: it has two members '{name}'"):
        KerasFile(write(path, *members))


def test_symbolic_links_are_refused(path):
    link = zipfile.ZipInfo("model.weights.h5")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ValueError, match=r"model.keras: .*is a symbolic link"):
        KerasFile(write(path, (link, b"/etc/passwd")))


def test_encrypted_members_are_refused(path):
    write(path, ("model.weights.h5", b"weights"))
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\1\2") + 8] |= 1  # the flags of the last entry of the directory
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model.keras: .*encrypted"):
        KerasFile(path)


def test_overlapping_members_are_refused(path):
    write(path, ("model.weights.h5", b"x" * 5000), ("assets/a", b"x" * 5000))
    data = bytearray(path.read_bytes())
    last = data.rfind(b"PK\1\2")
    previous = data.rfind(b"PK\1\2", 0, last)
    for entry in (last, previous):  # both claim nearly the whole file
        data[entry + 20 : entry + 28] = (9000).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model.keras: its members overlap"):
        KerasFile(path)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_decompression_bombs_are_refused(path, name):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(20_000_000))
    file = KerasFile(path)
    with pytest.raises(ValueError, match=rf"model.keras: {name} expands from \d+ to 20000000"):
        file.config() if name == "config.json" else file.weights()


def test_size_that_the_directory_understates_is_refused(path):
    data = bytes(range(256)) * 100
    write(path, ("model.weights.h5", data), compression=zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    entry = raw.rfind(b"PK\1\2")
    raw[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"model.keras: model.weights.h5 is damaged"):
        KerasFile(path).weights()


def test_huge_config_is_refused(path, monkeypatch):
    monkeypatch.setattr(keras_file.config_json, "MAX_BYTES", 50)
    with pytest.raises(ValueError, match=r"model.keras: config.json has 61 bytes; expected at m"):
        KerasFile(write(path)).config()


def test_missing_member_is_named(path, tmp_path):
    with pytest.raises(ValueError, match=r"model.keras: there is no model.weights.h5 in it"):
        KerasFile(write(path)).weights()
    with pytest.raises(ValueError, match=r"there is no model.weights.h5 in it"):
        KerasFile(tmp_path).weights()


def test_damaged_member_is_refused(path):
    write(path, ("model.weights.h5", b"kernel and bias"))
    path.write_bytes(path.read_bytes().replace(b"kernel", b"KERNEL"))
    with pytest.raises(ValueError, match=r"model.keras: model.weights.h5 is damaged .*CRC"):
        KerasFile(path).weights()


def test_file_cut_short_anywhere_is_refused(path):
    data = write(path, ("model.weights.h5", b"weights" * 30)).read_bytes()
    for end in range(0, len(data), 5):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"model\.keras"):
            KerasFile(path).weights()
