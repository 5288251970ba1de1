"""The progress bar: Keras's own characters, and what a terminal, a notebook and a file show."""

import io
import os
import re
import warnings

import pytest

from convnet.utils import progbar
from convnet.utils.progbar import Progbar

FINAL = (
    "\x1b[1m3/3\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m "
    "12ms/step - accuracy: 0.4800 - loss: 1.2195 - val_accuracy: 0.4000 - val_loss: 1.0503"
)
METRICS = {"accuracy": 0.48, "loss": 1.2195, "val_accuracy": 0.4, "val_loss": 1.0503}


class Clock:
    """A `time` module whose time passes only when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def time(self):
        return self.now

    monotonic = time


class Terminal(io.StringIO):
    def isatty(self):
        return True


class NotebookStream(io.StringIO):
    """Stands for the stream of a Jupyter kernel, which is known by its module."""

    __module__ = "ipykernel.iostream"


STREAMS = {"terminal": Terminal, "notebook": NotebookStream, "file": io.StringIO}


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progbar, "time", clock)
    return clock


@pytest.fixture
def show(monkeypatch):
    """Makes standard output a terminal, a notebook or a file; returns its stream."""
    for name in ("NO_COLOR", "PYCHARM_HOSTED", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def redirect(kind):
        stream = STREAMS[kind]()
        monkeypatch.setattr("sys.stdout", stream)
        return stream

    return redirect


def run(bar, clock, steps, seconds_per_step, metrics=None):
    """Drives a bar as `ProgbarLogger` does: each step, then once more at the end."""
    for step in range(1, steps + 1):
        clock.now += seconds_per_step
        bar.update(step, (metrics or {}).items(), finalize=False)
    bar.update(steps, (metrics or {}).items(), finalize=True)


def screen(text):
    """What a wide terminal shows after `text`: rows, without trailing spaces."""
    rows, column = [[]], 0
    for character in re.sub(r"\x1b\[\d+m", "", text):
        if character == "\n":
            rows.append([])
            column = 0
        elif character == "\r":
            column = 0
        elif character == "\b":
            column = max(column - 1, 0)
        else:
            rows[-1][column : column + 1] = [character]
            column += 1
    return ["".join(row).rstrip() for row in rows]


def test_final_line_has_keras_s_characters(clock, show):
    stream = show("terminal")
    bar = Progbar(3, stateless_metrics=())
    clock.now += 0.9
    bar.update(1, finalize=False)
    clock.now += 0.024
    bar.update(3, METRICS.items(), finalize=True)

    assert stream.getvalue().split("\r")[-1] == FINAL + "\n"


def test_line_in_progress_shows_the_time_left(clock, show):
    stream = show("terminal")
    bar = Progbar(3, stateless_metrics=())
    clock.now += 0.969
    bar.update(1, [("accuracy", 0.4375), ("loss", 1.2695)])

    assert stream.getvalue() == (
        "\r\x1b[1m1/3\x1b[0m \x1b[32m━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━\x1b[0m "
        "\x1b[1m1s\x1b[0m 969ms/step - accuracy: 0.4375 - loss: 1.2695"
    )


def test_bar_without_a_full_character_has_no_green_part(clock, show):
    stream = show("terminal")
    bar = Progbar(250)
    clock.now += 2
    bar.update(1)
    assert stream.getvalue() == (
        "\r\x1b[1m  1/250\x1b[0m \x1b[37m━━━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[1m8:18\x1b[0m 2s/step"
    )


def test_semi_verbose_is_one_line_at_the_end(clock, show):
    stream = show("terminal")
    bar = Progbar(3, verbose=2, stateless_metrics=())
    clock.now += 0.006
    bar.update(3, METRICS.items(), finalize=True)

    assert stream.getvalue() == (
        "3/3 - 0s - 2ms/step - accuracy: 0.4800 - loss: 1.2195 - val_accuracy: 0.4000 - "
        "val_loss: 1.0503\n"
    )


def test_silent_prints_nothing(clock, show):
    stream = show("terminal")
    run(Progbar(3, verbose=0), clock, 3, 1.0, METRICS)
    assert stream.getvalue() == ""


def test_notebook_overwrites_the_line_in_colour(clock, show):
    stream = show("notebook")
    run(Progbar(2, stateless_metrics=()), clock, 2, 1.0, {"loss": 0.5})

    text = stream.getvalue()
    assert text.count("\r") == 3
    assert "\b" not in text
    assert screen(text) == ["2/2 ━━━━━━━━━━━━━━━━━━━━ 2s 1s/step - loss: 0.5000", ""]


def test_file_gets_the_final_line_alone_as_plain_text(clock, show):
    stream = show("file")
    run(Progbar(3, stateless_metrics=()), clock, 3, 0.5, METRICS)

    assert stream.getvalue() == (
        "3/3 ━━━━━━━━━━━━━━━━━━━━ 2s 500ms/step - accuracy: 0.4800 - loss: 1.2195 - "
        "val_accuracy: 0.4000 - val_loss: 1.0503\n"
    )


def test_no_color_leaves_the_moving_bar(clock, show, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    stream = show("terminal")
    run(Progbar(2), clock, 2, 1.0)

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\r") == 3


def test_dumb_terminal_is_treated_as_a_file(clock, show, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = show("terminal")
    run(Progbar(2), clock, 2, 1.0)
    assert stream.getvalue() == "2/2 ━━━━━━━━━━━━━━━━━━━━ 2s 1s/step\n"


@pytest.mark.parametrize("columns", [12, 30, 60, 79])
def test_line_in_progress_never_wraps(clock, show, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = show("terminal")
    run(Progbar(500, stateless_metrics=()), clock, 500, 0.1, METRICS)

    *moving, final = re.sub(r"\x1b\[\d+m", "", stream.getvalue()).split("\r")
    assert len(moving) > 100
    assert max(map(len, moving)) == columns - 1
    assert final.endswith("val_loss: 1.0503\n"), "the final line is whole"


def test_shorter_line_erases_what_stood_there(clock, show):
    stream = show("terminal")
    bar = Progbar(100, stateless_metrics=())
    clock.now += 60
    bar.update(1)
    clock.now += 0.1
    bar.update(99)

    assert screen(stream.getvalue()) == [" 99/100 ━━━━━━━━━━━━━━━━━━━━ 0s 1ms/step"]


def test_updates_are_no_closer_than_the_interval(clock, show):
    stream = show("terminal")
    bar = Progbar(1000, interval=0.05)
    for step in range(1, 1000):
        clock.now += 0.01
        bar.update(step)
    assert stream.getvalue().count("\r") == pytest.approx(9.99 / 0.05, rel=0.2)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s/step"),
        (2.6, "3s/step"),
        (1, "1s/step"),
        (0.0121, "12ms/step"),
        (2.5e-5, "25us/step"),
    ],
)
def test_units_of_a_step_s_time(clock, show, seconds, written):
    stream = show("file")
    bar = Progbar(1, verbose=2)
    clock.now += seconds
    bar.update(1)
    assert stream.getvalue() == f"1/1 - {seconds:.0f}s - {written}\n"


@pytest.mark.parametrize(
    ("seconds_left", "written"),
    [(59, "59s"), (61, "1:01"), (3599, "59:59"), (3661, "1:01:01"), (100000, "27:46:40")],
)
def test_units_of_the_time_left(clock, show, seconds_left, written):
    stream = show("notebook")
    bar = Progbar(2)
    clock.now += seconds_left
    bar.update(1)
    assert f"\x1b[1m{written}\x1b[0m" in stream.getvalue()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.5, "0.5000"),
        (0.001, "1.0000e-03"),
        (-0.5, "-0.5000"),
        (1e-9, "1.0000e-09"),
        (12345.678, "12345.6780"),
    ],
)
@pytest.mark.parametrize("verbose", [1, 2])
def test_small_metrics_are_written_with_an_exponent(clock, show, value, written, verbose):
    stream = show("file")
    Progbar(1, verbose=verbose).update(1, [("loss", value)])
    assert stream.getvalue().endswith(f" - loss: {written}\n")


def test_unknown_number_of_steps(clock, show):
    stream = show("notebook")
    bar = Progbar(None)
    clock.now += 2
    bar.update(5)
    assert screen(stream.getvalue()) == ["      5/Unknown 2s 400ms/step"]


def test_metrics_are_averaged_over_steps_unless_stateful(clock, show):
    stream = show("notebook")
    bar = Progbar(10, stateful_metrics=["last"])
    bar.update(1, [("mean", 1.0), ("last", 1.0)])
    clock.now += 1
    bar.update(4, [("mean", 5.0), ("last", 5.0)])
    assert screen(stream.getvalue())[0].endswith("mean: 4.0000 - last: 5.0000")


def test_last_update_shows_metrics_as_given(clock, show):
    stream = show("file")
    bar = Progbar(2, verbose=2)
    bar.update(1, [("loss", 1.0)])
    bar.update(2, [("loss", 5.0)])
    assert stream.getvalue().endswith("loss: 5.0000\n")


def test_single_step_counts_the_time_since_the_start(clock, show):
    stream = show("file")
    run(Progbar(1), clock, 1, 2.0)
    assert stream.getvalue().endswith(" 2s 2s/step\n")


def test_first_step_is_left_out_of_the_time_per_step(clock, show):
    stream = show("file")
    bar = Progbar(3)
    for seconds in (9.0, 1.0, 1.0):
        clock.now += seconds
        bar.update(bar._seen_so_far + 1)
    assert stream.getvalue().endswith(" 11s 1s/step\n")


def test_add_counts_on(clock, show):
    stream = show("file")
    bar = Progbar(5, verbose=2)
    bar.add(2)
    bar.add(3)
    assert stream.getvalue() == "5/5 - 0s - 0s/step\n"


def test_both_kinds_of_metrics_named_is_an_error():
    with pytest.raises(ValueError, match="Only one of `stateful_metrics` or `stateless_metrics`"):
        Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"])


@pytest.fixture(scope="module")
def keras_progbar():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("keras")
        from keras.src.utils import progbar as module
    return module


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("target", [1, 7, 250, None])
@pytest.mark.parametrize("seconds", [3e-5, 0.02, 0.7, 40.0])
def test_screen_is_that_of_keras(keras_progbar, clock, show, monkeypatch, verbose, target, seconds):
    monkeypatch.setattr(keras_progbar, "time", clock)
    shown = []
    for kind in (Progbar, keras_progbar.Progbar):
        stream = show("terminal")
        bar = kind(target, verbose=verbose, stateless_metrics=())
        states = []
        for step in range(1, (target or 20) + 1):
            clock.now += seconds
            bar.update(step, {"loss": 2.5 / step, "accuracy": step / 300}.items(), finalize=False)
            states.append(screen(stream.getvalue()))
        bar.update(target or 20, [("val_loss", 1e-4)], finalize=True)
        shown.append([*states, screen(stream.getvalue())])
        clock.now = 1000.0
    assert shown[0] == shown[1]


@pytest.mark.parametrize("verbose", [1, 2])
def test_final_characters_are_those_of_keras(keras_progbar, clock, show, monkeypatch, verbose):
    monkeypatch.setattr(keras_progbar, "time", clock)
    texts = []
    for kind in (Progbar, keras_progbar.Progbar):
        stream = show("terminal")
        run(kind(12, verbose=verbose, stateless_metrics=()), clock, 12, 0.25, METRICS)
        texts.append(stream.getvalue().replace("\b", ""))
        clock.now = 1000.0
    assert texts[0] == texts[1]
