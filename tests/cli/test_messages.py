"""Messages of the logger, as the command line shows them."""

import io
import logging
import sys

import pytest
from tqdm import tqdm

from wordsparse.cli import messages

LOGGER = logging.getLogger("wordsparse.some.module")


def test_messages_are_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with messages.shown():
        LOGGER.warning("a %s checkpoint", "damaged")
        LOGGER.info("going on")
        LOGGER.debug("not said")
    LOGGER.info("after the block")
    assert capsys.readouterr() == ("", "wordsparse: a damaged checkpoint\nwordsparse: going on\n")
    assert logging.getLogger("wordsparse").level == logging.NOTSET
    assert not logging.getLogger("wordsparse").handlers


def test_a_message_stands_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    with messages.shown(), tqdm(total=3, desc="train", file=terminal, mininterval=0) as bar:
        bar.update(1)
        LOGGER.warning("a message")
    before, _, after = terminal.getvalue().partition("wordsparse: a message\n")
    assert before.rstrip(" ").endswith("\r")  # the bar was cleared
    assert "train:  33%" in after


class Broken(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(), OSError(28, "No space left on device"), UnicodeEncodeError("ascii", "ö", 0, 1, "ordinal")],
)
def test_a_message_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (Broken(error), closed, None):
        monkeypatch.setattr(sys, "stderr", stream)
        with messages.shown():
            LOGGER.warning("a message")


def test_without_standard_error_nothing_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with messages.shown():
        LOGGER.warning("a message")
    assert capsys.readouterr().out == ""
