"""Fixtures of all tests."""

import pytest

from wordsparse.errors import InputError
from wordsparse.machine import devices


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has no GPU, whatever it has: ``auto`` is the CPU."""

    def find_gpu() -> devices.Gpu:
        raise InputError("there is no GPU here")

    monkeypatch.setattr(devices, "find_gpu", find_gpu)
