import threading

import pytest

from convnet.saving import object_registry as registry


@pytest.fixture(autouse=True)
def clean_registry():
    before = dict(registry.get_custom_objects())
    yield
    registry.get_custom_objects().clear()
    registry.get_custom_objects().update(before)


def leaky(x):
    return x


def test_registered_name_joins_package_and_name():
    registry.register_keras_serializable("shop", name="slow_leak")(leaky)
    assert registry.get_registered_name(leaky) == "shop>slow_leak"
    assert registry.get_registered_object("shop>slow_leak") is leaky


def test_package_defaults_to_custom():
    @registry.register_keras_serializable()
    class Layer:
        def get_config(self):
            return {}

    assert registry.get_registered_name(Layer) == "Custom>Layer"


def test_class_without_config_is_refused():
    with pytest.raises(ValueError, match="does not have a get_config"):

        @registry.register_keras_serializable()
        class Layer:
            pass


def test_scope_ends_with_its_block_and_hides_the_outer_one():
    with registry.custom_object_scope({"a": 1, "b": 2}):
        with registry.CustomObjectScope({"a": 3}):
            assert registry.get_registered_object("a") == 3
            assert registry.get_registered_object("b") is None
        assert registry.get_registered_object("a") == 1
    assert registry.get_registered_object("a") is None


def test_scope_belongs_to_its_thread():
    seen = []
    with registry.custom_object_scope({"a": 1}):
        thread = threading.Thread(target=lambda: seen.append(registry.get_registered_object("a")))
        thread.start()
        thread.join()
    assert seen == [None]


def test_scope_is_looked_up_before_arguments():
    with registry.custom_object_scope({"a": 1}):
        found = registry.get_registered_object("a", custom_objects={"a": 2})
    assert found == 1
    assert registry.get_registered_object("a", {"a": 2}, {"a": 3}) == 2
    assert registry.get_registered_object("a", module_objects={"a": 3}) == 3
