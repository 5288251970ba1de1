"""Where messages go."""

import io
import logging

import pytest

from convnet.utils import console, io_utils
from convnet.utils.io_utils import print_msg


@pytest.fixture
def logged():
    """Sends messages to the log for the length of a test."""
    io_utils.disable_interactive_logging()
    yield
    io_utils.enable_interactive_logging()


def test_messages_go_to_standard_output(capsys):
    print_msg("one")
    print_msg("two", line_break=False)
    assert capsys.readouterr().out == "one\ntwo"


def test_messages_go_to_the_log_if_asked(logged, caplog, capsys):
    assert not io_utils.is_interactive_logging_enabled()
    with caplog.at_level(logging.INFO, logger="convnet"):
        print_msg("epoch 1")
    assert caplog.messages == ["epoch 1"]
    assert capsys.readouterr().out == ""


def test_what_standard_output_cannot_encode_is_replaced(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", newline="\n"))
    print_msg("3/3 ━━━ │a…│ é")
    assert raw.getvalue() == b"3/3 === |a~| ?\n"


def test_overwriting_is_asked_until_answered(monkeypatch, capsys):
    answers = iter(["perhaps", "Y "])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    assert io_utils.ask_to_proceed_with_overwrite("a.keras")
    assert "overwrite=True" in capsys.readouterr().out


def test_overwriting_may_be_refused(monkeypatch):
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert not io_utils.ask_to_proceed_with_overwrite("a.keras")
    assert asked == ["[WARNING] a.keras already exists - overwrite? [y/n]"]


@pytest.mark.parametrize(
    ("is_terminal", "term", "kind"),
    [(True, "xterm", "terminal"), (True, "dumb", "file"), (False, "xterm", "file")],
)
def test_kind_of_display(monkeypatch, is_terminal, term, kind):
    monkeypatch.delenv("PYCHARM_HOSTED", raising=False)
    monkeypatch.setenv("TERM", term)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal, raising=False)
    assert console.display_kind(stream) == kind


def test_stream_without_isatty_is_a_file():
    assert console.display_kind(object()) == "file"
