"""load_data of MNIST and of Fashion-MNIST: where they look, and what they accept."""

import gzip
import hashlib
import shutil

import numpy as np
import pytest
from dataset_files import (
    IDX_NAMES,
    SHARED,
    assert_same,
    idx_bytes,
    needs_shared_data,
    random_bytes,
    splits,
    write_idx_files,
    write_npz,
)

from convnet.datasets import fashion_mnist, mnist

DATA = splits()
ALL = [(mnist, "mnist"), (fashion_mnist, "fashion_mnist")]

pytestmark = pytest.mark.filterwarnings("ignore:.*training images of")


def dotted(name):
    return name.replace("-idx", ".idx")


@pytest.mark.parametrize(("dataset", "name"), ALL)
class TestForms:
    @pytest.mark.parametrize("suffix", ["", ".gz"])
    @pytest.mark.parametrize("spelling", [str, dotted])
    def test_idx_files_in_a_folder(self, tmp_path, dataset, name, suffix, spelling):
        write_idx_files(tmp_path / "d", DATA, suffix, [spelling(name) for name in IDX_NAMES])
        assert_same(dataset.load_data(tmp_path / "d"), DATA)

    def test_one_of_the_idx_files(self, tmp_path, dataset, name):
        write_idx_files(tmp_path, DATA, ".gz")
        assert_same(dataset.load_data(tmp_path / f"{IDX_NAMES[2]}.gz"), DATA)

    def test_an_npz_file_of_any_name(self, tmp_path, dataset, name):
        write_npz(tmp_path / "digits of mine.npz", DATA)
        assert_same(dataset.load_data(str(tmp_path / "digits of mine.npz")), DATA)

    def test_a_folder_with_the_npz_file(self, tmp_path, dataset, name):
        write_npz(tmp_path / f"{name}.npz", DATA)
        assert_same(dataset.load_data(tmp_path), DATA)


@pytest.mark.parametrize(("dataset", "name"), ALL)
class TestSearchOrder:
    def test_a_given_path_comes_first(self, tmp_path, monkeypatch, dataset, name):
        monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
        write_idx_files(tmp_path / name, splits(train=5))
        write_idx_files(tmp_path / "mine", DATA)
        assert_same(dataset.load_data(tmp_path / "mine"), DATA)

    def test_then_the_data_folder(self, tmp_path, monkeypatch, dataset, name):
        monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
        write_idx_files(tmp_path / name, DATA)
        write_idx_files(tmp_path / "keras_home" / "datasets" / name, splits(train=5))
        assert_same(dataset.load_data(), DATA)

    def test_then_the_cache(self, tmp_path, monkeypatch, dataset, name):
        monkeypatch.setenv("CONVNET_DATA", str(tmp_path))
        write_idx_files(tmp_path / "keras_home" / "datasets" / name, DATA)
        assert_same(dataset.load_data(), DATA)

    def test_offline_one_sentence_says_what_to_put_where(self, tmp_path, dataset, name):
        with pytest.raises(FileNotFoundError) as caught:
            dataset.load_data()
        message = str(caught.value)
        assert "no network in tests" in message
        assert str(tmp_path / "keras_home" / "datasets" / name) in message
        assert f"{name}.npz" in message
        assert all(f"{idx}.gz" in message for idx in IDX_NAMES)
        assert "\n" not in message

    def test_a_path_that_does_not_exist_is_named(self, tmp_path, dataset, name):
        with pytest.raises(FileNotFoundError, match=f"with {name}. Received: path=.*nowhere"):
            dataset.load_data(tmp_path / "nowhere")

    def test_a_data_folder_that_does_not_exist_is_named(self, tmp_path, monkeypatch, dataset, name):
        monkeypatch.setenv("CONVNET_DATA", str(tmp_path / "nowhere"))
        with pytest.raises(FileNotFoundError, match=r"CONVNET_DATA names a folder.*nowhere"):
            dataset.load_data()


class TestKerasCache:
    def test_mnist_npz_in_keras_own_cache_is_used(self, tmp_path, monkeypatch):
        cached = tmp_path / "keras_home" / "datasets" / "mnist.npz"
        write_npz(cached, DATA)
        monkeypatch.setattr(mnist, "_SHA256", hashlib.sha256(cached.read_bytes()).hexdigest())
        assert_same(mnist.load_data(), DATA)
        assert_same(mnist.load_data("mnist.npz"), DATA)
        assert_same(mnist.load_data(path="mnist.npz"), DATA)

    def test_a_cached_file_with_another_hash_is_not_used(self, tmp_path):
        write_npz(tmp_path / "keras_home" / "datasets" / "mnist.npz", DATA)
        with pytest.raises(FileNotFoundError, match="could not be downloaded"):
            mnist.load_data()

    def test_fashion_mnist_files_in_keras_own_cache_are_used(self, tmp_path, monkeypatch):
        folder = tmp_path / "keras_home" / "datasets" / "fashion-mnist"
        write_idx_files(folder, DATA, ".gz")
        hashes = {
            file.name: hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
            for file in folder.iterdir()
        }
        monkeypatch.setattr(fashion_mnist, "_MD5", hashes)
        assert_same(fashion_mnist.load_data(), DATA)


class TestRefusals:
    @pytest.fixture
    def folder(self, tmp_path):
        write_idx_files(tmp_path / "d", DATA)
        return tmp_path / "d"

    def test_missing_files_are_named(self, folder):
        (folder / IDX_NAMES[1]).unlink()
        (folder / IDX_NAMES[2]).unlink()
        with pytest.raises(FileNotFoundError, match=rf"lacks {IDX_NAMES[1]}.gz, {IDX_NAMES[2]}.gz"):
            mnist.load_data(folder)

    def test_a_file_of_another_kind(self, tmp_path):
        (tmp_path / "notes.txt").write_text("no images")
        with pytest.raises(ValueError, match=r"notes.txt: it is neither an npz file nor one of"):
            mnist.load_data(tmp_path / "notes.txt")

    def test_counts_that_disagree(self, folder):
        (folder / IDX_NAMES[1]).write_bytes(idx_bytes(random_bytes(6, below=10)))
        with pytest.raises(ValueError, match=f"{IDX_NAMES[1]}: it has 6 labels for 7 images"):
            mnist.load_data(folder)

    def test_a_label_out_of_range(self, folder):
        labels = DATA[1][1].copy()
        labels[2] = 10
        (folder / IDX_NAMES[3]).write_bytes(idx_bytes(labels))
        with pytest.raises(ValueError, match=f"{IDX_NAMES[3]}: label 2 is 10, not one of 0 to 9"):
            mnist.load_data(folder)

    def test_labels_under_the_name_of_images(self, folder):
        shutil.copy(folder / IDX_NAMES[1], folder / IDX_NAMES[0])
        with pytest.raises(ValueError, match=f"{IDX_NAMES[0]}: it begins with the magic number"):
            mnist.load_data(folder)

    def test_training_images_under_the_name_of_test_images(self, folder):
        images = np.zeros((10_001, 28, 28), np.uint8)
        (folder / f"{IDX_NAMES[2]}.gz").write_bytes(gzip.compress(idx_bytes(images)))
        with pytest.raises(ValueError, match="it has 10,001 items, not 1 to 10,000"):
            mnist.load_data(folder)

    def test_an_npz_file_with_counts_that_disagree(self, tmp_path):
        (x_train, y_train), test = DATA
        write_npz(tmp_path / "mnist.npz", ((x_train, y_train[:-1]), test))
        with pytest.raises(ValueError, match=r"mnist.npz: it has 6 labels for 7 images"):
            mnist.load_data(tmp_path)


@pytest.mark.filterwarnings("default")
def test_a_part_of_the_training_images_is_loaded_with_a_warning(tmp_path):
    write_idx_files(tmp_path, DATA)
    with pytest.warns(UserWarning, match="only 7 of the 60,000 training images of MNIST") as caught:
        mnist.load_data(tmp_path)
    assert caught[0].filename == __file__


@needs_shared_data
@pytest.mark.filterwarnings("error")
def test_the_original_files_give_the_whole_of_mnist(monkeypatch):
    monkeypatch.setenv("CONVNET_DATA", str(SHARED))
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (60_000, 28, 28)
    assert x_test.shape == (10_000, 28, 28)
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_train).tolist()[:3] == [5923, 6742, 5958]
    assert x_train.mean(dtype=np.float64) == pytest.approx(33.3184, abs=1e-4)
