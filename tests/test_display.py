"""The progress of long work: bars where they can be drawn, lines elsewhere, nothing where it is not wanted."""

import io
import os
import sys

import pytest
from support.forking import held_by_a_thread, status_of_a_child

from wordsparse import display
from wordsparse.display import Display


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, visible: bool = True) -> str:
    """The stream after two phases and a line."""
    monkeypatch.setattr(sys, "stderr", stream)
    with Display(visible) as screen:
        for done in (10, 20):
            screen.update("encode", "tokens", done)
        for done in (5, 10):
            screen.update("train", "tokens", done, 40, "epoch 1\x1b[31m")
        screen.say("epoch 1: \x1b[31mloss 3")
    return stream.getvalue()


def test_a_log_gets_lines_without_control_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It got bars, carriage returns and cursor movements."""
    monkeypatch.setattr(display, "FIRST_LINE", 0.0)
    monkeypatch.setattr(display, "SHARE", 0.0)
    lines = shown(monkeypatch, io.StringIO()).splitlines()
    assert lines[0].startswith("wordsparse: encode: 10 tokens")
    assert lines[2].startswith("wordsparse: train: 12 % of 40 tokens, epoch 1\\x1b[31m")
    assert "left" in lines[3]
    assert lines[4:] == ["epoch 1: \\x1b[31mloss 3"]
    assert all(line.isprintable() for line in lines)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_while_a_thread_writes_can_write() -> None:
    """It waited for ever for the lock of a thread that it does not have."""
    with held_by_a_thread(display._LOCK):
        assert status_of_a_child(lambda: display.write("a line")) == 0


def test_short_work_leaves_nothing_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO()) == "epoch 1: \\x1b[31mloss 3\n"


def test_a_terminal_gets_one_bar_at_a_time_and_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead bar of the encoding stayed, and the bar of the training was one line below its own."""
    monkeypatch.setattr(display, "DELAY", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    screen = shown(monkeypatch, Terminal())
    assert "encode: 10" in screen
    assert "train:  12%" in screen
    assert "\x1b" not in screen  # no line of another position
    assert screen.count("\n") == 1  # that of the line
    assert screen.rpartition("\n")[2].rstrip("\r ").rpartition("\r")[2].startswith("train:")
    assert screen.endswith(" \r")  # the bar is removed


def test_a_bar_that_a_line_has_drawn_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line within the first half second drew the bar below it, and the bar stayed."""
    monkeypatch.setenv("TERM", "xterm")
    assert shown(monkeypatch, Terminal()).rstrip("\r").endswith("  ")


def test_nothing_is_shown_where_it_is_not_wanted_or_there_is_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, Terminal(), visible=False) == ""
    monkeypatch.setattr(sys, "stderr", None)
    with Display() as screen:
        screen.update("train", "tokens", 1, 2)
        screen.say("a line")
