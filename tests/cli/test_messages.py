"""Messages of the logger, as the command line shows them."""

import io
import logging
import sys

import pytest

from wordsparse import display
from wordsparse.cli import terminal as streams

LOGGER = logging.getLogger("wordsparse.some.module")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_message_stands_in_the_place_of_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(display, "BETWEEN", 0.0)
    with streams.messages(), display.Display() as screen:
        screen.update("train", "tokens", 1, 3)
        LOGGER.warning("a message")
        screen.update("train", "tokens", 2, 3)
    before, _, after = terminal.getvalue().partition("wordsparse: a message\n")
    assert before.endswith("\r")  # the line was cleared
    assert "train: 66 %" in after
