"""Progress is one overwritten line on a terminal and separate lines elsewhere. Progress can be switched off."""

import io
import logging
import sys

import pytest

from wordsparse import display
from wordsparse.cli import terminal
from wordsparse.display import Display
from wordsparse.training import progress


class Terminal(io.StringIO):
    """A stream whose ``isatty`` returns True."""

    def isatty(self):
        return True


def shown(monkeypatch, stream, visible=True):
    """Return everything that is written to the stream during two phases and one message."""
    monkeypatch.setattr(sys, "stderr", stream)
    with Display(visible) as screen:
        for done in (10, 20):
            screen.update("encode", "tokens", done)
        for done in (5, 10):
            screen.update("train", "tokens", done, 40, "epoch 1\x1b[31m")
        screen.say("epoch 1: \x1b[31mloss 3")
    return stream.getvalue()


def test_a_log_gets_lines_without_control_codes(monkeypatch):
    """Previously, log files contained progress bars, carriage returns and cursor movements."""
    monkeypatch.setattr(display, "LOG_BETWEEN", 0.0)
    monkeypatch.setattr(display, "LOG_FIRST", 0.0)
    lines = shown(monkeypatch, io.StringIO()).splitlines()
    assert lines[0].startswith("wordsparse: encode: 10 tokens")
    assert lines[2].startswith("wordsparse: train: 12 % of 40 tokens, epoch 1\\x1b[31m")
    assert "left" in lines[3]
    assert lines[4:] == ["epoch 1: \\x1b[31mloss 3"]
    assert all(line.isprintable() for line in lines)


def test_a_terminal_gets_one_line_at_a_time_and_keeps_none(monkeypatch):
    """Previously, encoding's last progress line stayed on screen, and messages were appended to training's line."""
    monkeypatch.setattr(display, "BETWEEN", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    screen = shown(monkeypatch, Terminal())
    states = screen.split("\r")
    assert "encode: 10" in screen
    assert "train: 12 % of 40 tokens, epoch 1\\x1b[31m" in screen
    assert "\x1b" not in screen  # there are no cursor movements
    place = next(i for i, state in enumerate(states) if state == "epoch 1: \\x1b[31mloss 3\n")
    assert states[place - 1].isspace()
    assert len(states[place - 1]) == len(states[place - 2])  # the whole line was removed


def test_nothing_is_shown_where_it_is_not_wanted_or_there_is_no_stream(monkeypatch):
    assert shown(monkeypatch, Terminal(), visible=False) == ""
    assert shown(monkeypatch, io.StringIO()) == "epoch 1: \\x1b[31mloss 3\n"  # a short phase logs no progress
    monkeypatch.setattr(sys, "stderr", None)
    with Display() as screen:
        screen.update("train", "tokens", 1, 2)
        screen.say("a line")


def test_a_message_stands_in_the_place_of_the_progress(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    monkeypatch.setattr(display, "BETWEEN", 0.0)
    with terminal.messages(), Display() as screen:
        screen.update("train", "tokens", 1, 3)
        logging.getLogger("wordsparse.some.module").warning("a message")
        screen.update("train", "tokens", 2, 3)
    before, _, after = stream.getvalue().partition("wordsparse: a message\n")
    assert before.endswith("\r")  # the line was cleared
    assert "train: 66 %" in after


def test_a_log_hears_of_a_phase_within_two_seconds(monkeypatch):
    """Previously, the first line of a phase came after a minute, so the log of a short run had none."""
    clock = iter(range(100))
    monkeypatch.setattr(display.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    with Display() as screen:
        for done in range(3):
            screen.update("train", "tokens", done, 40)
    assert stream.getvalue().startswith("wordsparse: train: 5 % of 40 tokens")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("total", "said"), [(1000, "training takes about 17 min or less: fewer dimensions (dim)"), (30, "")]
)
def test_a_run_of_more_than_a_minute_is_announced(total, said, monkeypatch, capsys):
    """Previously, a run with 2,000 dimensions took nine minutes without any warning."""
    clock = iter(range(1, 100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Display() as screen:
        forecast = progress._Forecast(screen)
        for tokens in range(10):
            forecast.see(progress.Progress(tokens, total, 0, 4.0))
    printed = capsys.readouterr().err
    assert printed.startswith(said)
    assert printed.count("\n") == bool(said)
