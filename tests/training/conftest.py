"""Fixtures for tests of runs: a text, and the path of a model."""

from pathlib import Path

import pytest


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "model"
