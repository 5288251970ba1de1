"""The names of convnet.utils and convnet.datasets are imported when they are first used."""

import subprocess
import sys

import pytest

import convnet.datasets
import convnet.utils


@pytest.mark.parametrize("name", sorted(convnet.utils._MODULES))
def test_every_name_of_utils_can_be_had(name):
    assert name in dir(convnet.utils)
    assert callable(getattr(convnet.utils, name))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "digits"])
def test_every_data_set_can_be_had(name):
    assert name in dir(convnet.datasets)
    assert callable(getattr(convnet.datasets, name).load_data)


@pytest.mark.parametrize("package", [convnet.utils, convnet.datasets])
def test_another_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'x'"):
        _ = package.x


def test_nothing_is_imported_before():
    code = "import sys, convnet.utils, convnet.datasets; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "convnet.utils" in modules
    assert not {"convnet.utils.file_utils", "convnet.datasets.mnist"} & set(modules)
