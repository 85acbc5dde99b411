"""The programs of docs/torch.md run, and find what they say."""

import re
from pathlib import Path

import pytest

pytest.importorskip("torch.nn", reason="PyTorch is not installed")
torch = pytest.importorskip("torch")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "torch.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_network_learns_its_labels(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PROGRAMS[0], str(PAGE), "exec"), {"__name__": "page"})
    found = re.search(r"(\d+) of 250 labels found", capsys.readouterr().out)
    assert found
    assert int(found[1]) > 200


def test_the_loss_of_ones_own_trains() -> None:
    assert len(PROGRAMS) == 2
    exec(compile(PROGRAMS[1], str(PAGE), "exec"), {"__name__": "page"})
