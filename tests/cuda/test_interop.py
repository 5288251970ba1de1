"""Arrays that other libraries hand over on the GPU, and that they are handed."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

import convnet
from convnet import DeviceArray, _core
from tests.cuda.nets import ROWS, X, Y, assert_same_bits, mlp, trained

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("on_gpu")]

TYPES = ["f4", "f8", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "?"]


class Interface:
    """What CuPy and Numba offer: memory on the GPU by `__cuda_array_interface__`."""

    def __init__(self, array: np.ndarray, **changes: Any) -> None:
        self.array = DeviceArray(array)
        self.__cuda_array_interface__ = self.array.__cuda_array_interface__ | changes

    def __array__(self) -> np.ndarray:
        raise TypeError("a visit to the host")


class Capsule:
    """What offers memory on the GPU by DLPack alone."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = DeviceArray(array)
        self.streams: list[Any] = []

    def __dlpack__(self, *, stream: Any = None) -> Any:
        self.streams.append(stream)
        return self.array.__dlpack__(stream=stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    __array__ = Interface.__array__


OFFERS = pytest.mark.parametrize("offer", [DeviceArray, Interface, Capsule])


@pytest.mark.parametrize("dtype", TYPES)
@OFFERS
def test_arrays_survive_the_way_there_and_back(offer, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    found = DeviceArray(offer(array))
    assert found.shape == (2, 3, 4) and found.dtype == array.dtype and found.nbytes == array.nbytes
    np.testing.assert_array_equal(found.numpy(), array)
    np.testing.assert_array_equal(np.asarray(found), array)


@OFFERS
def test_offered_memory_is_shared(offer):
    given = offer(np.zeros((3, 2), np.float32))
    taken = DeviceArray(given)
    place = taken.__cuda_array_interface__["data"][0]
    shared = given if offer is DeviceArray else given.array
    assert place == shared.__cuda_array_interface__["data"][0]
    del given, shared
    np.testing.assert_array_equal(taken.numpy(), 0)


def test_rows_are_shared():
    array = DeviceArray(np.arange(12).reshape(6, 2))
    part = array[2:4]
    assert len(part) == 2
    np.testing.assert_array_equal(part, [[4, 5], [6, 7]])
    np.testing.assert_array_equal(array[4:], [[8, 9], [10, 11]])
    with pytest.raises(IndexError, match="must follow each other"):
        array[::2]


def test_the_interface_is_version_3():
    interface = DeviceArray(np.zeros((3, 2), np.float32)).__cuda_array_interface__
    place = interface.pop("data")
    assert place[0] > 0 and place[1] is False
    assert interface == {
        "shape": (3, 2),
        "typestr": "<f4",
        "strides": None,
        "stream": None,
        "version": 3,
    }


def test_dlpack_names_the_device_and_refuses_copies():
    array = DeviceArray(np.zeros(3, np.float32))
    assert array.__dlpack_device__() == (2, 0)
    array.__dlpack__(stream=1, max_version=(1, 0), dl_device=(2, 0), copy=False)
    for options in ({"copy": True}, {"dl_device": (1, 0)}):
        with pytest.raises(BufferError):
            array.__dlpack__(**options)


def test_a_capsule_is_taken_once():
    capsule = DeviceArray(np.zeros(3, np.float32)).__dlpack__()

    class Again:
        def __dlpack__(self, stream: Any = None) -> Any:
            return capsule

        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 0

    DeviceArray(Again())
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    assert name(capsule) == b"used_dltensor"
    with pytest.raises(ValueError, match="PyCapsule"):
        DeviceArray(Again())


def test_the_producers_stream_is_waited_for():
    given = Capsule(np.zeros(3, np.float32))
    DeviceArray(given)
    assert given.streams == [1]  # the default stream, which is then synchronised
    DeviceArray(Interface(np.zeros(3, np.float32), stream=2))


def test_what_is_not_contiguous_is_refused():
    column = Interface(np.zeros((4, 2), np.float32), strides=(4, 16))
    with pytest.raises(ValueError, match="must be contiguous"):
        DeviceArray(column)
    DeviceArray(Interface(np.zeros((4, 2), np.float32), strides=(8, 4)))


def test_half_precision_is_refused():
    halves = Interface(np.zeros(4, np.uint16), typestr="<f2")
    with pytest.raises(TypeError, match="float16"):
        DeviceArray(halves)


@OFFERS
def test_fit_and_evaluate_take_arrays_on_the_gpu(offer):
    expected, history = trained()
    found, same = trained(x=offer(X), y=offer(Y))
    assert_same_bits(found, expected)
    assert same == history
    assert found.evaluate(offer(X), offer(Y), verbose=0) == expected.evaluate(X, Y, verbose=0)


def test_arrays_on_the_gpu_and_on_the_host_train_together():
    weights = np.linspace(0, 1, ROWS)
    expected, _ = trained(sample_weight=weights)
    found, _ = trained(x=DeviceArray(X), sample_weight=DeviceArray(weights))
    assert_same_bits(found, expected)


@pytest.mark.parametrize("n", [1, 5, ROWS, 300])
@OFFERS
def test_predictions_are_where_the_inputs_are(offer, n):
    model = trained()[0]
    x = np.resize(X, (n, 6))
    found = model.predict(offer(x), verbose=0)
    assert isinstance(found, DeviceArray) and found.shape == (n, 3)
    np.testing.assert_array_equal(found, model.predict(x, verbose=0))


def test_several_inputs_on_the_gpu():
    a, b = convnet.Input((6,)), convnet.Input((6,))
    model = convnet.Model([a, b], [convnet.layers.Add()([a, b]), convnet.layers.ReLU()(a)])
    first, second = model.predict([DeviceArray(X), Interface(X)], verbose=0)
    np.testing.assert_array_equal(first, 2.0 * X)
    np.testing.assert_array_equal(second, X)
    mixed = model.predict([DeviceArray(X), X], verbose=0)
    assert all(isinstance(result, np.ndarray) for result in mixed)


def test_a_model_on_the_cpu_takes_them_too():
    model = trained()[0]
    with convnet.device("cpu"):
        found = model.predict(DeviceArray(X), verbose=0)
        np.testing.assert_array_equal(found, model.predict(X, verbose=0))


def test_class_weights_of_targets_on_the_gpu():
    expected, _ = trained(class_weight={0: 2.0})
    found, _ = trained(y=DeviceArray(Y), class_weight={0: 2.0})
    assert_same_bits(found, expected)


def test_wrong_shapes_are_found():
    with pytest.raises(ValueError, match="same number of samples"):
        mlp().fit(DeviceArray(X), DeviceArray(Y[:10]), verbose=0)
    with pytest.raises(ValueError, match="at least one sample"):
        mlp().predict(DeviceArray(X[:0]), verbose=0)


def test_weights_are_shared_as_they_are_on_the_gpu():
    model = trained()[0]
    for variable in model.weights:
        assert variable.__dlpack_device__() == (2, 0)
        shared = DeviceArray(variable)
        assert shared.shape == variable.shape
        np.testing.assert_array_equal(shared, variable.numpy())
    variable = model.weights[0]
    variable.assign(np.ones(variable.shape))
    np.testing.assert_array_equal(DeviceArray(variable), 1)


def test_shared_weights_outlive_the_model():
    model = trained()[0]
    expected = model.get_weights()[0]
    shared = DeviceArray(model.weights[0])
    del model
    np.testing.assert_array_equal(shared, expected)


def test_weights_on_the_cpu_are_shared_there():
    with convnet.device("cpu"):
        variable = convnet.Variable(np.ones(3, np.float32))
        np.testing.assert_array_equal(np.from_dlpack(variable), 1)
        assert not hasattr(variable, "__cuda_array_interface__")
        assert not DeviceArray.is_offered(variable)


def test_another_gpu_than_the_models_is_named(monkeypatch):
    graph = _core.Graph(16)
    x = graph.input([6], "x")
    plan = _core.Plan(graph, graph.add("unary", [x], {"fn": "relu"}), 16)
    with pytest.raises(ValueError, match="is on GPU 0, the model runs on the CPU"):
        plan.predict({x: DeviceArray(X)}, ROWS)
