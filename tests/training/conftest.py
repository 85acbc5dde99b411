"""Fixtures of the tests of runs: a text, and the path of a model."""

from pathlib import Path

import pytest
from support.texts import write_text


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "model"
