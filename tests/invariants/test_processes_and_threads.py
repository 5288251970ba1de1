import os
import signal
import threading
import time

import numpy as np
import pytest

from convnet import _core
from tests.devices import emulated
from tests.invariants.nets import cnn, wide_cnn


@pytest.mark.parametrize("few", [False, True], ids=["a batch", "one sample"])
def test_many_threads_predict_with_one_model_and_python_goes_on(few):
    model, x = wide_cnn() if few else cnn()[:2]
    x = x[:1] if few else x
    expected = model.predict(x, verbose=0)
    wrong, counted, done = [], [0], threading.Event()
    times = 3 if emulated() else 200

    def predict():
        for _ in range(times):
            if not np.array_equal(model.predict(x, verbose=0), expected):
                wrong.append(1)

    def count():
        while not done.is_set():
            counted[0] += 1

    counter = threading.Thread(target=count)
    workers = [threading.Thread(target=predict) for _ in range(8)]
    for thread in [counter, *workers]:
        thread.start()
    for worker in workers:
        worker.join()
    done.set()
    counter.join()
    assert not wrong
    assert counted[0] > 1000


@pytest.mark.cpu_only("no CUDA context survives a fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_predicts_and_fits():
    model, x, y = cnn()
    model.fit(x, y, epochs=1, verbose=0)
    expected = model.predict(x, verbose=0)
    child = os.fork()
    if child == 0:
        same = np.array_equal(model.predict(x, verbose=0), expected)
        model.fit(x, y, epochs=1, verbose=0)
        os._exit(0 if same else 1)
    deadline = time.monotonic() + 60
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(status) == 0
    model.fit(x, y, epochs=1, verbose=0)


def test_an_interrupt_ends_fit_soon_and_leaves_the_model_usable():
    model, x, y = cnn()
    model.fit(x, y, epochs=1, verbose=0)
    sent = []

    def interrupt():
        time.sleep(0.3)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    many = np.tile(x, (200, 1, 1, 1)), np.tile(y, 200)
    timer = threading.Thread(target=interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*many, epochs=1000, verbose=0)
    delay = time.monotonic() - sent[0]
    timer.join()
    assert delay < 1.0, f"{delay * 1e3:.0f} ms; 100 ms is the aim on an idle machine"
    assert np.isfinite(model.predict(x, verbose=0)).all()
    model.fit(x, y, epochs=1, verbose=0)


def test_training_allocates_nothing_after_the_first_step():
    model, x, y = cnn()
    model.fit(x, y, epochs=1, batch_size=48, verbose=0)
    before = _core.allocations()
    model.fit(x, y, epochs=3, batch_size=48, verbose=0)
    assert _core.allocations() == before


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_flat_over_many_predictions():
    count = int(os.environ.get("CONVNET_PREDICTIONS", "200" if emulated() else "5000"))
    model, x, _ = cnn()
    one = x[:1]
    for _ in range(500):
        model.predict(one, verbose=0)
    before = resident_bytes()
    for _ in range(count):
        model.predict(one, verbose=0)
    assert resident_bytes() - before < 1 << 20
