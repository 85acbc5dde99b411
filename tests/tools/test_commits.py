"""Two commits beside each other."""

import importlib
import json
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pytest
from click import ClickException
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("commits")


def test_one_commit_beside_itself_has_equal_losses(
    commits: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "commit_of", lambda revision: "abc1234")
    monkeypatch.setattr(commits, "tree_of", lambda revision, folder: nullcontext(ROOT))
    text, report = tmp_path / "text.txt", tmp_path / "report.json"
    text.write_text("the king of the land met the queen of the sea\n" * 50)
    arguments = ["one", "other", str(text), "--dim", "4", "--rounds", "2", "-o", str(report)]
    found = CliRunner().invoke(commits.main, arguments)
    assert found.exit_code == 0, found.output
    assert "abc1234 over abc1234, medians: CPU" in found.output
    content = json.loads(report.read_text())
    assert content["same_losses"]
    assert [len(values) for values in content["ratios"].values()] == [2, 2, 2]
    assert all(run["loss"] for runs in content["rounds"] for run in runs)


def test_a_revision_that_is_not_there_is_named(commits: ModuleType) -> None:
    with pytest.raises(ClickException, match="no-such-revision is no commit"):
        commits.commit_of("no-such-revision")


def test_the_second_side_is_divided_by_the_first(commits: ModuleType) -> None:
    first = {"cpu_seconds": 4.0, "wall_seconds": 2.0, "peak_memory_bytes": 100, "loss": [1.0]}
    second = {"cpu_seconds": 2.0, "wall_seconds": 1.0, "peak_memory_bytes": 50, "loss": [1.5]}
    found = commits.summary([[first, second], [first, first]])
    assert found["ratios"]["cpu_seconds"] == [0.5, 1.0]
    assert found["medians"]["cpu_seconds"] == 0.75
    assert not found["same_losses"]
