"""The commands of docs/start.md run in their order, and print lines as the page shows, except for names and numbers."""

import re
import shlex
from pathlib import Path

import pytest

from wordsparse.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "start.md").read_text(encoding="utf-8")
# Each match is a command of an indented line, and the output that the page shows after it, if any.
COMMANDS = re.findall(r"^    wordsparse ([^\n]+?)(?: +#[^\n]*)?\n(?:\n```text\n([^`]*)```)?", PAGE, re.MULTILINE)


@pytest.mark.nightly
def test_the_commands_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) == 12
    for command, expected in COMMANDS:
        if command.startswith("compare"):
            continue  # takes a minute
        assert main(shlex.split(command)) == 0, command
        shown = capsys.readouterr().out.splitlines()
        assert len(shown) >= max(1, len(expected.splitlines())), command
        for line, ours in zip(expected.splitlines(), shown, strict=False):
            assert re.sub(r"[\d.,]+", "0", line).split()[-1:] == re.sub(r"[\d.,]+", "0", ours).split()[-1:], (
                line,
                ours,
            )
