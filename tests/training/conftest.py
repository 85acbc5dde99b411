"""Fixtures of the tests of runs: a text, the path of a model, and checkpoints that do not race with the training."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.texts import write_text

from wordsparse.training import checkpoints


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "model"


@pytest.fixture
def checkpoints_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training waits for each checkpoint, so that a slow disk or a busy machine does not change their number."""

    class Direct(threading.Thread):
        def start(self) -> None:
            super().start()
            self.join()

    monkeypatch.setattr(checkpoints, "threading", SimpleNamespace(Thread=Direct))
