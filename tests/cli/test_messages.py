"""Messages of the logger, as the command line shows them."""

import io
import logging
import sys

import pytest
from tqdm import tqdm

from wordsparse.cli import terminal as streams

LOGGER = logging.getLogger("wordsparse.some.module")


def test_a_message_stands_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    with streams.messages(), tqdm(total=3, desc="train", file=terminal, mininterval=0) as bar:
        bar.update(1)
        LOGGER.warning("a message")
    before, _, after = terminal.getvalue().partition("wordsparse: a message\n")
    assert before.rstrip(" ").endswith("\r")  # the bar was cleared
    assert "train:  33%" in after
