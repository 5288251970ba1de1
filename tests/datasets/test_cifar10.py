"""load_data of CIFAR-10, with batches of 4 images instead of 10,000."""

import gzip
import tarfile

import numpy as np
import pytest
from dataset_files import (
    SHARED,
    assert_same,
    binary_batch,
    needs_shared_data,
    python_batch,
    random_bytes,
    tar_gz,
)

from convnet.datasets import cifar10, cifar_batch

IMAGES = 4
NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
BATCHES = {
    name: (random_bytes(IMAGES, 32, 32, 3, seed=i), random_bytes(IMAGES, 1, below=10, seed=i))
    for i, name in enumerate(NAMES)
}
EXPECTED = (
    tuple(np.concatenate([BATCHES[name][part] for name in NAMES[:5]]) for part in (0, 1)),
    BATCHES["test_batch"],
)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(cifar_batch, "IMAGES", IMAGES)


def files(version, names=NAMES):
    encode, suffix = {"bin": (binary_batch, ".bin"), "py": (python_batch, "")}[version]
    return {f"{name}{suffix}": encode(*BATCHES[name]) for name in names}


def write(folder, version, names=NAMES):
    folder.mkdir(parents=True)
    for name, content in files(version, names).items():
        (folder / name).write_bytes(content)
    (folder / "batches.meta").write_bytes(b"not read")
    return folder


def archive(version):
    members = [(f"cifar-10-batches-{version}/{n}", c) for n, c in files(version).items()]
    return tar_gz(members[::-1])


@pytest.mark.parametrize("version", ["bin", "py"])
class TestForms:
    def test_a_folder_of_batches(self, tmp_path, version):
        assert_same(cifar10.load_data(write(tmp_path / "d", version)), EXPECTED)

    def test_a_folder_around_the_published_folder(self, tmp_path, version):
        write(tmp_path / "d" / f"cifar-10-batches-{version}", version)
        assert_same(cifar10.load_data(tmp_path / "d"), EXPECTED)

    def test_one_of_the_batches(self, tmp_path, version):
        folder = write(tmp_path / "d", version)
        name = next(iter(files(version)))
        assert_same(cifar10.load_data(folder / name), EXPECTED)

    def test_an_archive_of_any_name(self, tmp_path, version):
        (tmp_path / "a.tgz").write_bytes(archive(version))
        assert_same(cifar10.load_data(tmp_path / "a.tgz"), EXPECTED)

    def test_an_archive_that_is_not_packed(self, tmp_path, version):
        (tmp_path / "a.tar").write_bytes(gzip.decompress(archive(version)))
        assert_same(cifar10.load_data(tmp_path / "a.tar"), EXPECTED)

    def test_the_data_folder(self, tmp_path, monkeypatch, version):
        monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
        long_version = {"bin": "binary", "py": "python"}[version]
        (tmp_path / "cifar10").mkdir()
        path = tmp_path / "cifar10" / f"cifar-10-{long_version}.tar.gz"
        path.write_bytes(archive(version))
        assert_same(cifar10.load_data(), EXPECTED)

    def test_batches_truncated_or_too_long_are_refused_by_name(self, tmp_path, version):
        folder = write(tmp_path / "d", version)
        path = folder / next(iter(files(version)))
        content = path.read_bytes()
        for damaged in (b"", content[:1], content[:3073], content[:-1], content + bytes(5 << 20)):
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match="data_batch_1"):
                cifar10.load_data(folder)

    def test_a_label_out_of_range_is_refused(self, tmp_path, version):
        folder = write(tmp_path / "d", version)
        images, labels = BATCHES["data_batch_3"]
        encode = {"bin": binary_batch, "py": python_batch}[version]
        path = folder / next(name for name in files(version) if "batch_3" in name)
        path.write_bytes(encode(images, np.where(np.arange(IMAGES)[:, None] == 2, 10, labels)))
        with pytest.raises(ValueError, match=r"data_batch_3.*: label 2 is 10, not one of 0 to 9"):
            cifar10.load_data(folder)


def test_the_cache_of_keras_is_used(tmp_path):
    cache = tmp_path / "keras_home" / "datasets" / "cifar-10-batches-py-target"
    write(cache / "cifar-10-batches-py", "py")
    assert_same(cifar10.load_data(), EXPECTED)


def test_offline_one_sentence_says_what_to_put_where(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"CIFAR-10 is not on .*cifar-10-python.tar.gz"
    ) as e:
        cifar10.load_data()
    assert str(tmp_path / "keras_home" / "datasets" / "cifar10") in str(e.value)


class TestMissingBatches:
    def test_the_rest_is_loaded_with_a_warning(self, tmp_path):
        folder = write(tmp_path / "d", "bin", ["data_batch_1", "data_batch_4", "test_batch"])
        with pytest.warns(UserWarning, match="only 8 of the 20 training images of CIFAR-10"):
            (x_train, y_train), _ = cifar10.load_data(folder)
        np.testing.assert_array_equal(x_train[4:], BATCHES["data_batch_4"][0])
        np.testing.assert_array_equal(y_train[:4], BATCHES["data_batch_1"][1])

    @pytest.mark.parametrize(
        ("names", "missing"),
        [
            (NAMES[:5], "named test_batch "),
            (NAMES[2:5], "named data_batch_1, data_batch_2, test_batch "),
            (["test_batch"], "named data_batch_1, .*, data_batch_5 "),
            ([], "named data_batch_1, .*, test_batch "),
        ],
    )
    def test_no_test_or_no_training_batch_is_an_error(self, tmp_path, names, missing):
        folder = write(tmp_path / "d", "py", names)
        with pytest.raises(FileNotFoundError, match=missing):
            cifar10.load_data(folder)


class TestRefusals:
    def load(self, tmp_path, content):
        path = tmp_path / "a.tar.gz"
        path.write_bytes(content)
        return cifar10.load_data(path)

    def test_a_file_that_is_no_archive(self, tmp_path):
        with pytest.raises(ValueError, match=r"a\.tar\.gz"):
            self.load(tmp_path, b"no archive at all" * 100)

    def test_an_archive_cut_off_anywhere(self, tmp_path):
        content = archive("bin")
        for length in np.linspace(0, len(content) - 1, 40).astype(int):
            with pytest.raises(ValueError, match=r"a\.tar\.gz"):
                self.load(tmp_path, content[:length])

    def test_a_batch_that_is_there_twice(self, tmp_path):
        batch = binary_batch(*BATCHES["test_batch"])
        with pytest.raises(ValueError, match=r"b/test_batch.bin is no file, or is there twice"):
            self.load(tmp_path, tar_gz([("a/test_batch.bin", batch), ("b/test_batch.bin", batch)]))

    def test_a_link_in_place_of_a_batch(self, tmp_path):
        link = tarfile.TarInfo("test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        with pytest.raises(ValueError, match="test_batch is no file"):
            self.load(tmp_path, tar_gz([(link, b"")]))

    def test_an_archive_that_unpacks_to_more_than_the_published_one(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cifar10, "_MOST_UNPACKED", 1 << 20)
        with pytest.raises(ValueError, match="unpacks to more than 1,048,576 bytes"):
            self.load(tmp_path, tar_gz([("other", bytes(2 << 20))]))

    def test_a_pickle_that_names_a_function(self, tmp_path):
        folder = write(tmp_path / "d", "py")
        (folder / "data_batch_2").write_bytes(b"cos\nsystem\n(U\x04exittR.")
        with pytest.raises(ValueError, match="data_batch_2: it names 'os system'"):
            cifar10.load_data(folder)

    @pytest.mark.parametrize(
        ("pickled", "message"),
        [
            (b"K\x01.", "no entry 'data'"),
            (b"}U\x04dataK\x01s.", "no entry 'labels'"),
            (b"}U\x04dataK\x01sU\x06labels]s.", r"its data is int, not \(4, 3072\) bytes"),
            (b"}U\x04data]sU\x06labelsK\x01s.", "its data is list, not"),
        ],
    )
    def test_a_pickle_of_something_else(self, tmp_path, pickled, message):
        folder = write(tmp_path / "d", "py")
        (folder / "data_batch_2").write_bytes(pickled)
        with pytest.raises(ValueError, match=f"data_batch_2: .*{message}"):
            cifar10.load_data(folder)

    def test_a_pickle_with_too_few_labels(self, tmp_path):
        folder = write(tmp_path / "d", "py")
        images, labels = BATCHES["test_batch"]
        (folder / "test_batch").write_bytes(python_batch(images, labels[:3]))
        with pytest.raises(ValueError, match="test_batch: it has 3 labels for 4 images"):
            cifar10.load_data(folder)


@needs_shared_data
def test_the_published_binary_batches(monkeypatch):
    monkeypatch.setattr(cifar_batch, "IMAGES", 10_000)
    monkeypatch.setenv("CONVNET_DATA", str(SHARED))
    with pytest.warns(UserWarning, match="only 10,000 of the 50,000 training images"):
        (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert x_train.shape == x_test.shape == (10_000, 32, 32, 3)
    assert y_train.shape == y_test.shape == (10_000, 1)
    assert y_train[:10, 0].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert np.bincount(y_test[:, 0]).tolist() == [1000] * 10
    assert x_train[0, 0, 0].tolist() == [59, 62, 63]
